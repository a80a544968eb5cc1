//! `sources list`, `get`, `set` and `rm`.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::Map;
use serde_json::Value;

use super::args::BusArgs;
use super::args::Output;
use super::args::SourceArgs;
use super::args::SourceRemoveArgs;
use super::args::SourceSetArgs;
use super::args::SourcesVerb;
use super::client::Client;
use super::confirm;
use super::error::CliError;
use super::output;
use crate::api::SourceList;
use crate::api::SourceReply;

pub(super) async fn run(verb: SourcesVerb) -> Result<ExitCode, CliError> {
    match verb {
        SourcesVerb::List(args) => list(&args).await,
        SourcesVerb::Get(args) => {
            let client = Client::new(&args.server)?;
            show(&client.get(&path(&args)).await?, args.server.output)
        }
        SourcesVerb::Set(args) => set(&args).await,
        SourcesVerb::Rm(args) => remove(&args).await,
    }
}

async fn list(args: &BusArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor)).collect();
        let request = client.request(Method::GET, &format!("/v1/buses/{}/sources", args.bus));
        let page: SourceList = client.call(request.query(&query)).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    table(&items, args.server.output)
}

async fn set(args: &SourceSetArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.place.server)?;
    let mut given = Map::new();
    given.insert("source".to_owned(), args.source.clone().into());
    given.insert("types".to_owned(), args.types.clone().into());
    for (key, value) in [
        ("owner", &args.owner),
        ("description", &args.description),
        ("contact", &args.contact),
    ] {
        if let Some(value) = value {
            given.insert(key.to_owned(), value.clone().into());
        }
    }
    let request = client.request(Method::PUT, &path(&args.place));
    show(
        &client.call(request.json(&given)).await?,
        args.place.server.output,
    )
}

async fn remove(args: &SourceRemoveArgs) -> Result<ExitCode, CliError> {
    if !args.yes {
        confirm::needs_terminal("sources rm")?;
        if !confirm::ask(&format!(
            "Remove the source {} of {}?",
            args.place.name, args.place.bus
        ))? {
            return Ok(ExitCode::FAILURE);
        }
    }
    let client = Client::new(&args.place.server)?;
    client
        .send(client.request(Method::DELETE, &path(&args.place)))
        .await?;
    Ok(ExitCode::SUCCESS)
}

fn path(args: &SourceArgs) -> String {
    format!("/v1/buses/{}/sources/{}", args.bus, args.name)
}

fn show(source: &SourceReply, output: Output) -> Result<ExitCode, CliError> {
    if output == Output::Table {
        return table(std::slice::from_ref(source), output);
    }
    output::json(source, output)?;
    Ok(ExitCode::SUCCESS)
}

fn table(sources: &[SourceReply], output: Output) -> Result<ExitCode, CliError> {
    output::list(sources, output, ["name", "source", "types", "owner"], |source| {
        let text = |key: &str| {
            source
                .source
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let types = source.source.get("types").and_then(Value::as_array);
        let types: Vec<_> = types.into_iter().flatten().filter_map(Value::as_str).collect();
        [
            source.name.clone(),
            text("source"),
            types.join(" "),
            text("owner"),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}
