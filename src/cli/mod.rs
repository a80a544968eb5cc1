//! The command line: one binary, noun then verb.
//!
//! `serve` and `dev` are the server; `log`, `rules check` and `rules test` work on files; all
//! other verbs are clients of the HTTP API. Data goes to stdout, talk to stderr. Exit codes:
//! 0 yes, 1 no, 2 usage or invalid input, 3 server not reached, 5 not found, 6 conflict.

mod args;
mod client;
mod confirm;
mod dlq;
mod error;
mod event;
mod explain;
mod impact;
mod infer;
mod log;
mod output;
mod publish;
mod routes;
mod rules;
mod schemas;
mod server;
mod sources;
mod tail;
mod yaml;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use args::Command;
use error::CliError;

/// Runs the command line and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Only a second provider in one process could make this fail, and then one is installed.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return CliError::system("cannot start the runtime", error).report(),
    };
    let ended = runtime.block_on(run(cli));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

async fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Serve(args) => server::serve(args).await,
        Command::Dev(flags) => server::dev(flags).await,
        Command::Publish(args) => publish::publish(args).await,
        Command::Tail(args) => tail::tail(args).await,
        Command::Event(verb) => event::run(verb).await,
        Command::Rules(verb) => rules::run(verb).await,
        Command::Dlq(verb) => dlq::run(verb).await,
        Command::Routes(verb) => routes::run(verb).await,
        Command::Schemas(verb) => schemas::run(verb).await,
        Command::Sources(verb) => sources::run(verb).await,
        Command::Log(verb) => log::run(verb),
        Command::Status(server) => server::status(&server).await,
        Command::Openapi => server::openapi(),
    }
}
