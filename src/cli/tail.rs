//! `tail`: follows a bus, and goes on where it was when the connection breaks.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::Method;
use reqwest::Response;
use serde_json::Value;

use super::args::Output;
use super::args::TailArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::EventEntry;

/// After a broken connection, try again after this long.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn tail(args: TailArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let mut place = Place {
        last: None,
        left: args.n,
    };
    let mut response = connect(&client, &args, &place).await?;
    loop {
        if follow(&mut response, &args, &mut place).await? {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!(
            "tramline: the connection broke; going on behind {}",
            place.last.unwrap_or(0)
        );
        response = loop {
            tokio::time::sleep(AGAIN).await;
            match connect(&client, &args, &place).await {
                Ok(response) => break response,
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error),
            }
        };
    }
}

struct Place {
    last: Option<u64>,
    left: Option<usize>,
}

async fn connect(client: &Client, args: &TailArgs, place: &Place) -> Result<Response, CliError> {
    let options = [
        ("type", &args.kind),
        ("source", &args.source),
        ("rule", &args.rule),
        ("match", &args.pattern),
        ("from", &args.since),
    ];
    let query: Vec<_> = options
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .collect();
    let mut url =
        url::Url::parse("http://host/").map_err(|error| CliError::system("cannot build a URL", error))?;
    url.query_pairs_mut().extend_pairs(query);
    let path = format!("/v1/buses/{}/tail?{}", args.bus, url.query().unwrap_or_default());
    let mut request = client.request(Method::GET, &path);
    if let Some(last) = place.last {
        request = request.header("last-event-id", last);
    }
    client.send(request).await
}

/// Prints what comes; true when as many came as were asked for, false when the connection broke.
async fn follow(response: &mut Response, args: &TailArgs, place: &mut Place) -> Result<bool, CliError> {
    let mut buffer = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = buffer.drain(..end + 2).collect();
            show(&String::from_utf8_lossy(&block), args, place)?;
            if place.left == Some(0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn show(block: &str, args: &TailArgs, place: &mut Place) -> Result<(), CliError> {
    let is_gap = block.lines().any(|line| line == "event: gap");
    for line in block.lines() {
        if let Some(id) = line.strip_prefix("id: ") {
            place.last = id.parse().ok().or(place.last);
        }
        if let Some(data) = line.strip_prefix("data: ") {
            if is_gap {
                eprintln!("tramline: events are missing: {data}");
                continue;
            }
            match args.server.output {
                Output::Table => output::print(&summary(data)?)?,
                Output::Yaml => {
                    let entry: Value = serde_json::from_str(data)
                        .map_err(|error| CliError::system("cannot read an event", error))?;
                    output::json(&entry, Output::Yaml)?;
                }
                // An event is one line whatever the form.
                Output::Json | Output::Jsonl => output::print(data)?,
            }
            place.left = place.left.map(|left| left.saturating_sub(1));
        }
    }
    Ok(())
}

fn summary(data: &str) -> Result<String, CliError> {
    let failed = |error| CliError::system("cannot read an event", error);
    let entry: EventEntry = serde_json::from_str(data).map_err(failed)?;
    let event: Value = serde_json::from_str(entry.event.get()).map_err(failed)?;
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let matched = if entry.matched.is_empty() {
        "-".to_owned()
    } else {
        entry.matched.join(",")
    };
    let data = event.get("data").map(Value::to_string).unwrap_or_default();
    Ok(format!(
        "{}  {}  {}  {}  [{matched}]  {data}",
        entry.sequence,
        text("time"),
        text("type"),
        text("source")
    ))
}
