//! `schemas register`, `list`, `get`, `check`, `validate` and `diff`; `infer` is beside.

use std::path::Path;
use std::process::ExitCode;

use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::args::Output;
use super::args::SchemaDiffArgs;
use super::args::SchemaDocumentArgs;
use super::args::SchemaGetArgs;
use super::args::SchemaRegisterArgs;
use super::args::SchemaValidateArgs;
use super::args::SchemasVerb;
use super::args::ServerArgs;
use super::client::Client;
use super::error::CliError;
use super::impact;
use super::infer;
use super::output;
use crate::api::CheckReply;
use crate::api::RegisteredReply;
use crate::api::SchemaList;
use crate::api::SchemaReply;
use crate::api::ValidateReply;

pub(super) async fn run(verb: SchemasVerb) -> Result<ExitCode, CliError> {
    match verb {
        SchemasVerb::Register(args) => register(&args).await,
        SchemasVerb::List(server) => list(&server).await,
        SchemasVerb::Get(args) => get(&args).await,
        SchemasVerb::Check(args) => check(&args).await,
        SchemasVerb::Validate(args) => validate(&args).await,
        SchemasVerb::Diff(args) => diff(&args).await,
        SchemasVerb::Infer(args) => infer::run(&args).await,
    }
}

async fn register(args: &SchemaRegisterArgs) -> Result<ExitCode, CliError> {
    let document = &args.document;
    let client = Client::new(&document.server)?;
    let request = client
        .request(Method::POST, &path(&document.kind, "/versions"))
        .query(&[("accept_undecided", args.accept_undecided)])
        .body(read(&document.file)?);
    let reply: RegisteredReply = client.call(request).await?;
    if document.server.output == Output::Table {
        output::print(&format!(
            "version {} of {}",
            reply.version.version, reply.version.kind
        ))?;
        impact::print(&reply.breaks, &reply.violations)?;
    } else {
        output::json(&reply, document.server.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(server: &ServerArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(server)?;
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query: Vec<_> = cursor.iter().map(|cursor| ("cursor", cursor)).collect();
        let page: SchemaList = client
            .call(client.request(Method::GET, "/v1/schemas").query(&query))
            .await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let head = ["type", "latest", "compatibility", "policy", "validation"];
    output::list(&items, server.output, head, |schema| {
        [
            schema.kind.clone(),
            schema.latest.map(|number| number.to_string()).unwrap_or_default(),
            setting(schema, "compatibility"),
            setting(schema, "policy"),
            setting(schema, "validation"),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// One version prints its document, as it is in any form of output that is a tree.
async fn get(args: &SchemaGetArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let form = match args.server.output {
        Output::Table => Output::Json,
        other => other,
    };
    if let Some(version) = &args.number {
        output::json(&version_of(&client, &args.kind, version).await?, form)?;
        return Ok(ExitCode::SUCCESS);
    }
    let schema: SchemaReply = client.get(&path(&args.kind, "")).await?;
    if args.server.output != Output::Table {
        output::json(&schema, args.server.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let versions = schema.versions.unwrap_or_default();
    output::list(&versions, Output::Table, ["version", "id", "url"], |version| {
        [
            version.version.to_string(),
            version.id.to_string(),
            version.url.clone(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Fails with 1 when the document is not known to be compatible.
async fn check(args: &SchemaDocumentArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let request = client.request(Method::POST, &path(&args.kind, "/check"));
    let reply: CheckReply = client.call(request.body(read(&args.file)?)).await?;
    if args.server.output == Output::Table {
        output::print(&reply.verdict)?;
        for reason in &reply.reasons {
            let version = reason
                .version
                .map(|number| format!(" of version {number}"))
                .unwrap_or_default();
            output::print(&format!(
                "  {}{version} [{}] {}",
                reason.pointer, reason.rule, reason.detail
            ))?;
            if let Some(example) = &reason.counter_example {
                output::print(&format!("    for example {example}"))?;
            }
        }
        impact::print(&reply.breaks, &reply.violations)?;
    } else {
        output::json(&reply, args.server.output)?;
    }
    Ok(verdict(reply.compatible))
}

/// Fails with 1 when the data is not valid.
async fn validate(args: &SchemaValidateArgs) -> Result<ExitCode, CliError> {
    let document = &args.document;
    let client = Client::new(&document.server)?;
    let request = client.request(Method::POST, &path(&document.kind, "/validate"));
    let query: Vec<_> = args.by.iter().map(|version| ("version", version)).collect();
    let reply: ValidateReply = client
        .call(request.query(&query).body(read(&document.file)?))
        .await?;
    if document.server.output == Output::Table {
        let word = if reply.valid { "valid" } else { "not valid" };
        output::print(&format!("{word} by version {}", reply.version))?;
        for error in &reply.errors {
            output::print(&format!("  {} [{}] {}", error.pointer, error.code, error.detail))?;
        }
    } else {
        output::json(&reply, document.server.output)?;
    }
    Ok(verdict(reply.valid))
}

/// A place where two documents differ.
#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    /// JSON pointer into both documents.
    pointer: String,
    /// What the first one has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    /// What the second one has there.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
}

/// Fails with 1 when the documents differ.
async fn diff(args: &SchemaDiffArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let from = either(&client, &args.kind, &args.from).await?;
    let to = either(&client, &args.kind, &args.to).await?;
    let mut differences = Vec::new();
    compare("", &from, &to, &mut differences);
    output::list(
        &differences,
        args.server.output,
        ["pointer", "from", "to"],
        |difference| {
            let shown =
                |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
            [
                difference.pointer.clone(),
                shown(&difference.from),
                shown(&difference.to),
            ]
        },
    )?;
    Ok(verdict(differences.is_empty()))
}

/// A version if it is named like one, else a file.
async fn either(client: &Client, kind: &str, name: &str) -> Result<Value, CliError> {
    if name == "latest" || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return version_of(client, kind, name).await;
    }
    let text = read(Path::new(name))?;
    serde_json::from_slice(&text).map_err(|error| CliError::input(format!("{name} is not JSON: {error}")))
}

/// Adds what differs, as deep in the documents as it can be told. Both come from a reader that bounds the depth.
fn compare(pointer: &str, from: &Value, to: &Value, differences: &mut Vec<Difference>) {
    let (Value::Object(old), Value::Object(new)) = (from, to) else {
        if from != to {
            differences.push(Difference {
                pointer: pointer.to_owned(),
                from: Some(from.clone()),
                to: Some(to.clone()),
            });
        }
        return;
    };
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    for key in keys {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match (old.get(key), new.get(key)) {
            (Some(from), Some(to)) => compare(&pointer, from, to, differences),
            (from, to) => differences.push(Difference {
                pointer,
                from: from.cloned(),
                to: to.cloned(),
            }),
        }
    }
}

async fn version_of(client: &Client, kind: &str, version: &str) -> Result<Value, CliError> {
    client.get(&path(kind, &format!("/versions/{version}"))).await
}

/// The path of a schema, or below it.
pub(super) fn path(kind: &str, rest: &str) -> String {
    format!(
        "/v1/schemas/{}{rest}",
        utf8_percent_encode(kind, NON_ALPHANUMERIC)
    )
}

fn setting(schema: &SchemaReply, key: &str) -> String {
    schema
        .settings
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn verdict(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The bytes of a file; `-` is stdin.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| CliError::input(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_is_told_as_deep_as_it_is() {
        let from = json!({ "a": { "b": 1, "c/d": [1] }, "x": true });
        let to = json!({ "a": { "b": 2, "c/d": [1], "e": null }, "y": true });
        let mut found = Vec::new();
        compare("", &from, &to, &mut found);
        let pointers: Vec<_> = found
            .iter()
            .map(|difference| difference.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/a/b", "/a/e", "/x", "/y"]);
    }
}
