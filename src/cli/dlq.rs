//! `dlq list` and `dlq redrive`.

use std::process::ExitCode;

use reqwest::Method;

use super::args::DlqVerb;
use super::args::LettersArgs;
use super::args::Output;
use super::args::RedriveArgs;
use super::client::Client;
use super::error::CliError;
use super::output;
use crate::api::DeadLetterList;
use crate::api::JobReply;
use crate::api::RedriveFilter;
use crate::api::RedriveRequest;

pub(super) async fn run(verb: DlqVerb) -> Result<ExitCode, CliError> {
    match verb {
        DlqVerb::List(args) => list(&args).await,
        DlqVerb::Redrive(args) => redrive(args).await,
    }
}

async fn list(args: &LettersArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let names = [
        ("bus", &args.bus),
        ("rule", &args.rule),
        ("target", &args.target),
        ("code", &args.code),
    ];
    let filters: Vec<_> = names
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .collect();
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = filters.clone();
        query.extend(cursor.as_ref().map(|cursor| ("cursor", cursor)));
        let page: DeadLetterList = client
            .call(client.request(Method::GET, "/v1/dead-letters").query(&query))
            .await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let head = ["id", "route", "event", "code", "attempts", "last", "reason"];
    output::list(&items, args.server.output, head, |letter| {
        [
            letter.id.clone(),
            format!("{}:{}/{}", letter.bus, letter.rule, letter.target),
            letter.sequence.to_string(),
            letter.code.clone(),
            letter.attempts.len().to_string(),
            letter.last_at.clone(),
            letter.reason.clone(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn redrive(args: RedriveArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.letters.server)?;
    let letters = args.letters;
    let filter = RedriveFilter {
        ids: (!args.ids.is_empty()).then_some(args.ids),
        bus: letters.bus,
        rule: letters.rule,
        target: letters.target,
        code: letters.code,
        since: None,
    };
    let request = RedriveRequest {
        filter,
        dry_run: args.dry_run,
    };
    let job: JobReply = client
        .call(
            client
                .request(Method::POST, "/v1/dead-letters/redrive")
                .json(&request),
        )
        .await?;
    if letters.server.output != Output::Table {
        output::json(&job, letters.server.output)?;
    } else if args.dry_run {
        output::print(&format!("{} dead letters would be given back", job.total))?;
    } else {
        output::print(&format!(
            "job {}: {}, {} of {} given back, {} failed",
            job.id, job.state, job.done, job.total, job.failed
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
