//! `event get` and `event trace`: one event, and what became of it.

use std::process::ExitCode;

use super::args::EventArgs;
use super::args::EventVerb;
use super::args::Output;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::DeliveriesReply;
use crate::api::EventEntry;

pub(super) async fn run(verb: EventVerb) -> Result<ExitCode, CliError> {
    match verb {
        EventVerb::Get(args) => get(&args).await,
        EventVerb::Trace(args) => trace(&args).await,
    }
}

async fn get(args: &EventArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/buses/{}/events/{}", args.bus, args.sequence);
    let entry: EventEntry = Client::new(&args.server)?.get(&path).await?;
    let output = match args.server.output {
        // An event has no columns.
        Output::Table => Output::Json,
        other => other,
    };
    output::json(&entry, output)?;
    Ok(ExitCode::SUCCESS)
}

async fn trace(args: &EventArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/buses/{}/events/{}/deliveries", args.bus, args.sequence);
    let reply: DeliveriesReply = Client::new(&args.server)?.get(&path).await?;
    if args.server.output != Output::Table {
        output::json(&reply, args.server.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&format!(
        "event {} on {}, ruleset {}",
        reply.sequence, args.bus, reply.generation
    ))?;
    for route in &reply.routes {
        let reason = route
            .reason
            .as_ref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        output::print(&format!(
            "  {}/{}  {}{reason}",
            route.rule, route.target, route.state
        ))?;
        for attempt in &route.attempts {
            let next = attempt
                .next_at
                .as_ref()
                .map(|next| format!(", next {next}"))
                .unwrap_or_default();
            output::print(&format!(
                "    {}  {}  {}  {} ms{next}",
                attempt.n, attempt.at, attempt.class, attempt.ms
            ))?;
        }
    }
    for miss in &reply.not_matched {
        output::print(&format!(
            "  not {}: {} has {}, expected {}",
            miss.rule, miss.path, miss.found, miss.expected
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
