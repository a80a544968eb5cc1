//! `serve`, `dev`, `status` and `openapi`.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::args::Output;
use super::args::ServeArgs;
use super::args::ServerArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::StatusReply;
use crate::app;
use crate::config::Flags;
use crate::config::LogFormat;
use crate::config::Settings;
use crate::http;

pub(super) async fn serve(args: ServeArgs) -> Result<ExitCode, CliError> {
    if args.print_config {
        let shown = Settings::show(&args.flags).map_err(|error| CliError::of(&error, true))?;
        for setting in shown {
            output::print(&format!(
                "{} = {}  # {}",
                setting.name, setting.value, setting.source
            ))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    run(load(&args.flags)?, false).await
}

pub(super) async fn dev(flags: Flags) -> Result<ExitCode, CliError> {
    run(app::dev_settings(load(&flags)?), true).await
}

fn load(flags: &Flags) -> Result<Settings, CliError> {
    Settings::load(flags).map_err(|error| CliError::of(&error, true))
}

async fn run(settings: Settings, is_dev: bool) -> Result<ExitCode, CliError> {
    write_log(settings.log_format);
    let ended = app::serve(settings, is_dev).await;
    ended
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| CliError::of(&error, error.is_input()))
}

/// The process's own log goes to stderr; `RUST_LOG` says how much of it.
fn write_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).init(),
        LogFormat::Json => registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .init(),
    }
}

pub(super) async fn status(server: &ServerArgs) -> Result<ExitCode, CliError> {
    let status: StatusReply = Client::new(server)?.get("/v1/status").await?;
    if server.output == Output::Table {
        output::print(&format!(
            "tramline {}, up {} s\ncatalog     {}\ndurability  {}\nlog         {}",
            status.version, status.uptime_seconds, status.storage, status.durability, status.log
        ))?;
    } else {
        output::json(&status, server.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn openapi() -> Result<ExitCode, CliError> {
    output::json(&http::document(), Output::Json)?;
    Ok(ExitCode::SUCCESS)
}
