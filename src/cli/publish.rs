//! `publish`: one event from flags, or many from a file.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use cloudevents::EventBuilder as _;
use cloudevents::EventBuilderV10;
use reqwest::Method;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::args::Output;
use super::args::PublishArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::PublishReply;

pub(super) async fn publish(args: PublishArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    match &args.file {
        Some(file) => {
            for line in lines(file)? {
                send(&client, &args, "application/json", line).await?;
            }
        }
        None => {
            for _ in 0..args.count {
                send(&client, &args, "application/cloudevents+json", event(&args)?).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Publishes one event and shows what became of it.
async fn send(client: &Client, args: &PublishArgs, content_type: &str, body: String) -> Result<(), CliError> {
    let request = client
        .request(Method::POST, &format!("/v1/buses/{}/events", args.bus))
        .header("content-type", content_type)
        .body(body);
    let reply: PublishReply = client.call(request).await?;
    if args.server.output != Output::Table {
        return output::json(&reply, args.server.output);
    }
    for result in reply.results {
        let note = if result.duplicate { " (duplicate)" } else { "" };
        let matched = if result.matched.is_empty() {
            "no rule".to_owned()
        } else {
            result.matched.join(", ")
        };
        output::print(&format!(
            "{}  {}{note}  matched {matched}",
            result.sequence, result.id
        ))?;
    }
    Ok(())
}

fn event(args: &PublishArgs) -> Result<String, CliError> {
    let id = args.id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut builder = EventBuilderV10::new()
        .id(id)
        .ty(args.kind.clone().unwrap_or_default())
        .source(args.source.clone());
    if let Some(subject) = &args.subject {
        builder = builder.subject(subject.clone());
    }
    for extension in &args.extensions {
        let (name, value) = extension
            .split_once('=')
            .ok_or_else(|| CliError::input(format!("--ext wants NAME=VALUE, not `{extension}`")))?;
        builder = builder.extension(name, value);
    }
    if let Some(data) = &args.data {
        let value: Value = serde_json::from_str(data)
            .map_err(|error| CliError::input(format!("--data is not JSON: {error}")))?;
        builder = builder.data("application/json", value);
    }
    let event = builder
        .build()
        .map_err(|error| CliError::input(error.to_string()))?;
    serde_json::to_string(&event).map_err(|error| CliError::system("cannot write JSON", error))
}

fn lines(file: &Path) -> Result<Vec<String>, CliError> {
    let failed = |error: std::io::Error| CliError::input(format!("cannot read {}: {error}", file.display()));
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
    } else {
        text = std::fs::read_to_string(file).map_err(failed)?;
    }
    let events: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    let events = events.map_err(|error| CliError::input(format!("{}: {error}", file.display())))?;
    Ok(events.into_iter().map(|event| event.get().to_owned()).collect())
}
