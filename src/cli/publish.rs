//! `publish`: one event from flags, or many from a file.

use std::collections::BTreeMap;
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
    let mut sender = Sender {
        client: &client,
        args: &args,
        waiting: Vec::new(),
        accepted: 0,
    };
    let sent = send_all(&mut sender).await;
    if sent.is_err() && sender.accepted > 0 {
        eprintln!("tramline: {} events were accepted before", sender.accepted);
    }
    sent.map(|()| ExitCode::SUCCESS)
}

async fn send_all(sender: &mut Sender<'_>) -> Result<(), CliError> {
    let args = sender.args;
    match &args.file {
        Some(file) => {
            for line in lines(file)? {
                sender.add(line).await?;
            }
        }
        None => {
            for _ in 0..args.count {
                sender.add(event(args)?).await?;
            }
        }
    }
    sender.flush().await
}

/// Sends events one by one, or so many at once.
struct Sender<'a> {
    client: &'a Client,
    args: &'a PublishArgs,
    waiting: Vec<String>,
    accepted: usize,
}

impl Sender<'_> {
    async fn add(&mut self, event: String) -> Result<(), CliError> {
        if self.args.batch == 1 {
            // A plain object may leave out what the server fills in.
            let content_type = if self.args.file.is_some() {
                "application/json"
            } else {
                "application/cloudevents+json"
            };
            return self.send(content_type, event).await;
        }
        self.waiting.push(complete(&event)?);
        if self.waiting.len() >= usize::try_from(self.args.batch).unwrap_or(usize::MAX) {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), CliError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let batch = format!("[{}]", std::mem::take(&mut self.waiting).join(","));
        self.send("application/cloudevents-batch+json", batch).await
    }

    /// Publishes and shows what became of it.
    async fn send(&mut self, content_type: &str, body: String) -> Result<(), CliError> {
        self.accepted += send(self.client, self.args, content_type, body).await?;
        Ok(())
    }
}

/// The event with what a batch wants of each and a plain object may leave out.
fn complete(event: &str) -> Result<String, CliError> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(event)
        .map_err(|error| CliError::input(format!("an event is a JSON object: {error}")))?;
    let missing = [
        ("specversion", "1.0".to_owned()),
        ("id", Uuid::new_v4().to_string()),
    ];
    let missing: Vec<String> = missing
        .into_iter()
        .filter(|(name, _)| !members.contains_key(*name))
        .map(|(name, value)| format!("\"{name}\":\"{value}\""))
        .collect();
    // Spliced in, so that data and numbers stay as they were written.
    let rest = event.trim_start().strip_prefix('{').unwrap_or_default();
    let comma = if missing.is_empty() || members.is_empty() {
        ""
    } else {
        ","
    };
    Ok(format!("{{{}{comma}{rest}", missing.join(",")))
}

/// Publishes one event or a batch, shows what became of each, and gives their number.
async fn send(
    client: &Client,
    args: &PublishArgs,
    content_type: &str,
    body: String,
) -> Result<usize, CliError> {
    let request = client
        .request(Method::POST, &format!("/v1/buses/{}/events", args.bus))
        .header("content-type", content_type)
        .body(body);
    let reply: PublishReply = client.call(request).await?;
    let count = reply.results.len();
    if args.server.output != Output::Table {
        return output::json(&reply, args.server.output).map(|()| count);
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
    Ok(count)
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
