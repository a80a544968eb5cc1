//! `dlq list`, `show`, `redrive` and `discard`.

use std::process::ExitCode;

use reqwest::Method;

use super::args::DiscardArgs;
use super::args::DlqVerb;
use super::args::LetterArgs;
use super::args::LettersArgs;
use super::args::Output;
use super::args::RedriveArgs;
use super::client::Client;
use super::confirm;
use super::error::CliError;
use super::output;
use crate::api::DeadLetterList;
use crate::api::DeadLetterReply;
use crate::api::DiscardRequest;
use crate::api::JobReply;
use crate::api::LetterFilter;
use crate::api::RedriveRequest;
use crate::api::RedriveTo;

pub(super) async fn run(verb: DlqVerb) -> Result<ExitCode, CliError> {
    match verb {
        DlqVerb::List(args) => list(&args).await,
        DlqVerb::Show(args) => show(&args).await,
        DlqVerb::Redrive(args) => redrive(args).await,
        DlqVerb::Discard(args) => discard(args).await,
    }
}

async fn list(args: &LettersArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let names = [
        ("bus", &args.bus),
        ("rule", &args.rule),
        ("target", &args.target),
        ("code", &args.code),
        ("since", &args.since),
        ("until", &args.until),
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

async fn show(args: &LetterArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.server)?;
    let letter: DeadLetterReply = client.get(&format!("/v1/dead-letters/{}", args.id)).await?;
    if args.server.output != Output::Table {
        output::json(&letter, args.server.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&format!(
        "{}  {}:{}/{}  event {}\n{}: {}\n{}",
        letter.id,
        letter.bus,
        letter.rule,
        letter.target,
        letter.sequence,
        letter.code,
        letter.reason,
        letter.event.get()
    ))?;
    let head = ["attempt", "at", "class", "status", "ms", "response"];
    output::list(&letter.attempts, Output::Table, head, |attempt| {
        [
            attempt.n.to_string(),
            attempt.at.clone(),
            attempt.class.clone(),
            attempt
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            attempt.ms.to_string(),
            attempt.response.clone().unwrap_or_default(),
        ]
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn redrive(args: RedriveArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.letters.server)?;
    let output = args.letters.server.output;
    let to = args.to.map(|route| RedriveTo {
        bus: args.letters.bus.clone(),
        rule: route.rule,
        target: route.target,
    });
    let request = RedriveRequest {
        filter: filter(args.letters, args.ids),
        to,
        retransform: args.retransform,
        rate: args.rate,
        dry_run: args.dry_run,
    };
    let call = client
        .request(Method::POST, "/v1/dead-letters/redrive")
        .json(&request);
    let job: JobReply = client.call(call).await?;
    report(&job, output, args.dry_run, "given back")
}

async fn discard(args: DiscardArgs) -> Result<ExitCode, CliError> {
    let client = Client::new(&args.letters.server)?;
    let output = args.letters.server.output;
    let mut request = DiscardRequest {
        filter: filter(args.letters, args.ids),
        reason: args.reason,
        dry_run: true,
    };
    let discard = |request: &DiscardRequest| {
        client
            .request(Method::POST, "/v1/dead-letters/discard")
            .json(request)
    };
    if !args.dry_run && !args.yes {
        confirm::needs_terminal("dlq discard")?;
        let counted: JobReply = client.call(discard(&request)).await?;
        if !confirm::ask(&format!("Discard {} dead letters?", counted.total))? {
            return Ok(ExitCode::FAILURE);
        }
    }
    request.dry_run = args.dry_run;
    let job: JobReply = client.call(discard(&request)).await?;
    report(&job, output, args.dry_run, "discarded")
}

fn filter(letters: LettersArgs, ids: Vec<String>) -> LetterFilter {
    LetterFilter {
        ids: (!ids.is_empty()).then_some(ids),
        bus: letters.bus,
        rule: letters.rule,
        target: letters.target,
        code: letters.code,
        since: letters.since,
        until: letters.until,
    }
}

fn report(job: &JobReply, output: Output, is_dry: bool, done: &str) -> Result<ExitCode, CliError> {
    if output != Output::Table {
        output::json(job, output)?;
    } else if is_dry {
        output::print(&format!("{} dead letters would be {done}", job.total))?;
    } else {
        output::print(&format!(
            "job {}: {}, {} of {} {done}, {} failed",
            job.id, job.state, job.done, job.total, job.failed
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
