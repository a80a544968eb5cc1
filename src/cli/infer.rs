//! `schemas infer`: a schema proposed from real events.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Value;

use super::args::Output;
use super::args::SchemaInferArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use super::schemas::path;
use crate::api::InferReply;
use crate::api::InferRequest;

pub(super) async fn run(args: &SchemaInferArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let wanted = InferRequest {
        bus: args.bus.clone(),
        from: args.from.clone().map(Value::from),
        to: args.to.clone().map(Value::from),
        sample: args.sample,
    };
    let request = client.request(Method::POST, &path(&args.kind, "/infer"));
    let reply: InferReply = client.call(request.json(&wanted)).await?;
    if args.document {
        output::json(&reply.schema, Output::Json)?;
    } else if args.server.output == Output::Table {
        print(&reply)?;
    } else {
        output::json(&reply, args.server.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(reply: &InferReply) -> Result<(), CliError> {
    let more = if reply.complete {
        ""
    } else {
        ", and there are more"
    };
    output::print(&format!("{} events{more}", reply.events))?;
    let fields = reply.statistics.get("fields").and_then(Value::as_array);
    let fields = fields.map(Vec::as_slice).unwrap_or_default();
    let head = ["path", "in events", "types", "evidence"];
    output::list(fields, Output::Table, head, |field| {
        [text(field, "path"), percent(field), types(field), evidence(field)]
    })?;
    if let Some(version) = reply.version.filter(|_| !reply.drift.is_empty()) {
        output::print(&format!("drift from version {version}:"))?;
        for finding in &reply.drift {
            output::print(&format!(
                "  [{}] {}",
                text(finding, "kind"),
                text(finding, "detail")
            ))?;
        }
    }
    Ok(())
}

fn text(of: &Value, key: &str) -> String {
    of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn percent(field: &Value) -> String {
    let share = field
        .get("share_of_events")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    format!("{:.0} %", share * 100.0)
}

fn types(field: &Value) -> String {
    let types = field.get("types").and_then(Value::as_object);
    let names: Vec<_> = types
        .into_iter()
        .flat_map(|types| types.keys().cloned())
        .collect();
    names.join(" or ")
}

/// What narrows the values down: a format, a choice, a range.
fn evidence(field: &Value) -> String {
    let mut found = Vec::new();
    found.extend(field.get("format").and_then(Value::as_str).map(str::to_owned));
    if field.get("is_enum") == Some(&Value::Bool(true)) {
        let values = field.get("values").and_then(Value::as_array);
        let values: Vec<_> = values
            .into_iter()
            .flatten()
            .map(|seen| text(seen, "value"))
            .collect();
        found.push(format!("one of {}", values.join(", ")));
    }
    if let (Some(min), Some(max)) = (field.get("min"), field.get("max")) {
        found.push(format!("{min} to {max}"));
    }
    found.join("; ")
}
