//! `routes list`, `get` and `test`.

use std::process::ExitCode;

use reqwest::Method;

use super::args::Output;
use super::args::RouteArgs;
use super::args::RoutesVerb;
use super::args::ServerArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::RouteList;
use crate::api::RouteReply;
use crate::api::RouteTestReply;

pub(super) async fn run(verb: RoutesVerb) -> Result<ExitCode, CliError> {
    match verb {
        RoutesVerb::List(server) => list(&server).await,
        RoutesVerb::Get(args) => get(&args).await,
        RoutesVerb::Test(args) => test(&args).await,
    }
}

async fn list(server: &ServerArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(server)?;
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let query: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor)).collect();
        let page: RouteList = client
            .call(client.request(Method::GET, "/v1/routes").query(&query))
            .await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    show(&items, server.output)
}

async fn get(args: &RouteArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let request = client.request(Method::GET, &path(args, ""));
    let route: RouteReply = client.call(request.query(&[("bus", &args.bus)])).await?;
    if args.server.output != Output::Table {
        output::json(&route, args.server.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(&[route], Output::Table)
}

/// Fails with 1 when the target does not take the event.
async fn test(args: &RouteArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let request = client.request(Method::POST, &path(args, "/test"));
    let tested: RouteTestReply = client.call(request.query(&[("bus", &args.bus)])).await?;
    if args.server.output == Output::Table {
        output::print(&format!(
            "{} in {} ms: {}",
            tested.class, tested.ms, tested.reason
        ))?;
    } else {
        output::json(&tested, args.server.output)?;
    }
    Ok(if tested.class == "ok" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn path(args: &RouteArgs, rest: &str) -> String {
    format!("/v1/routes/{}/{}{rest}", args.route.rule, args.route.target)
}

fn show(routes: &[RouteReply], output: Output) -> Result<ExitCode, CliError> {
    let head = [
        "route",
        "state",
        "circuit",
        "backlog",
        "in flight",
        "retrying",
        "dead",
        "oldest",
    ];
    output::list(routes, output, head, |route| {
        [
            format!("{}:{}/{}", route.bus, route.rule, route.target),
            route.state.clone(),
            route.circuit.clone(),
            route.backlog.to_string(),
            route.in_flight.to_string(),
            route.retrying.to_string(),
            route.dead.to_string(),
            route.oldest_at.clone().unwrap_or_default(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}
