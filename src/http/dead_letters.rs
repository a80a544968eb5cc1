//! Dead letters: listed, given back, given up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::jobs;
use super::page;
use super::present;
use super::routes::no_such_route;
use super::state::AppState;
use crate::api::DeadLetterList;
use crate::api::DeadLetterReply;
use crate::api::DiscardRequest;
use crate::api::JobReply;
use crate::api::LetterFilter;
use crate::api::RedriveRequest;
use crate::api::RedriveTo;
use crate::catalog::View;
use crate::clock::parse_rfc3339;
use crate::clock::rfc3339;
use crate::delivery::DeadLetter;
use crate::delivery::DeadLetterFilter;
use crate::delivery::DeadLetterId;
use crate::delivery::Engine;
use crate::delivery::Redrive;
use crate::problem::Problem;

/// Longest reason for giving up letters.
const REASON_CHARS: usize = 1_000;

/// Which dead letters to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeadLettersQuery {
    /// On this bus.
    bus: Option<String>,
    /// Of this rule.
    rule: Option<String>,
    /// Of this target.
    target: Option<String>,
    /// With this code.
    code: Option<String>,
    /// Whose last attempt was at or after, RFC 3339.
    since: Option<String>,
    /// Whose last attempt was before, RFC 3339.
    until: Option<String>,
    /// Most letters in the answer, 100 by default, 1,000 at most.
    limit: Option<usize>,
    /// Where to go on.
    cursor: Option<String>,
}

/// List dead letters.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "dead letters", operation_id = "listDeadLetters", params(DeadLettersQuery),
    responses(
        (status = 200, description = "The open dead letters", body = DeadLetterList),
        (status = 400, description = "Bad query", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<DeadLettersQuery>,
) -> Result<Json<DeadLetterList>, Problem> {
    let engine = state.services()?.engine.clone();
    let limit = page::checked_limit(query.limit)?;
    let after = query
        .cursor
        .as_deref()
        .map(page::decode)
        .transpose()?
        .map(|text| text.parse())
        .transpose()
        .map_err(|()| page::invalid_cursor())?;
    let filter = DeadLetterFilter {
        bus: query.bus,
        rule: query.rule,
        target: query.target,
        code: query.code,
        since_ms: time("since", query.since.as_deref())?,
        until_ms: time("until", query.until.as_deref())?,
        ids: None,
    };
    let list = blocking(move || {
        let page = engine.dead_letters(&filter, after, limit)?;
        let items = page.items.into_iter().map(reply).collect::<Result<_, _>>()?;
        Ok(DeadLetterList {
            items,
            next_cursor: page.next.map(|id| page::encode(&id.to_string())),
        })
    });
    list.await.map(Json)
}

/// Show a dead letter.
#[utoipa::path(
    get, path = "/v1/dead-letters/{id}", tag = "dead letters", operation_id = "getDeadLetter",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The letter", body = DeadLetterReply),
        (status = 400, description = "Not an id", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No open dead letter of that id", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<DeadLetterReply>, Problem> {
    let engine = state.services()?.engine.clone();
    let id = letter_id(&id)?;
    let found = blocking(move || engine.dead_letter(id)?.map(reply).transpose());
    let missing = || {
        let detail = format!("there is no open dead letter `{id}`: it was given back or up, or never was");
        Problem::new(404, "no-such-dead-letter", detail)
    };
    found.await?.map(Json).ok_or_else(missing)
}

/// Give dead letters back to their routes.
///
/// The answer comes after the job is durable and its first part is given back.
#[utoipa::path(
    post, path = "/v1/dead-letters/redrive", tag = "dead letters", operation_id = "redrive", request_body = RedriveRequest,
    responses(
        (status = 202, description = "The job that does it; Location names it", body = JobReply),
        (status = 200, description = "With dry_run: how many there are", body = JobReply),
        (status = 400, description = "Bad filter or rate", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No route to give them to", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too many jobs", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn redrive(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiJson(request): ApiJson<RedriveRequest>,
) -> Result<Response, Problem> {
    let engine = state.services()?.engine.clone();
    let filter = filter(request.filter)?;
    let rate = request.rate.as_deref().map(str::parse).transpose();
    let rate = rate.map_err(|detail: String| Problem::new(400, "invalid-rate", detail))?;
    let view = Arc::clone(state.services()?.router.snapshot().view());
    let to = request.to.map(|to| route_to(&view, &to)).transpose()?;
    if request.dry_run {
        return count(engine, filter, "redrive").await;
    }
    let how = Redrive {
        rate,
        retransform: request.retransform,
        to,
    };
    let job = engine.redrive(filter, how).await?;
    Ok(jobs::accepted(job, false))
}

/// Give dead letters up.
///
/// Durable before the answer, and told with the reason in the timeline of each event.
#[utoipa::path(
    post, path = "/v1/dead-letters/discard", tag = "dead letters", operation_id = "discard", request_body = DiscardRequest,
    responses(
        (status = 200, description = "Done, or with dry_run: how many there are", body = JobReply),
        (status = 202, description = "Very many: the job that does it; Location names it", body = JobReply),
        (status = 400, description = "Bad filter or reason", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too many jobs", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn discard(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiJson(request): ApiJson<DiscardRequest>,
) -> Result<Response, Problem> {
    let engine = state.services()?.engine.clone();
    let filter = filter(request.filter)?;
    let is_reason = !request.reason.trim().is_empty() && request.reason.chars().count() <= REASON_CHARS;
    if !is_reason {
        let detail = format!("say why, in 1 to {REASON_CHARS} characters");
        return Err(Problem::new(400, "invalid-reason", detail));
    }
    if request.dry_run {
        return count(engine, filter, "discard").await;
    }
    let job = engine.discard(filter, request.reason).await?;
    Ok(jobs::accepted(job, true))
}

/// The number of the route that letters are to be given to.
fn route_to(view: &View, to: &RedriveTo) -> Result<u64, Problem> {
    let bus = to.bus.as_deref().unwrap_or("default");
    let route = view.open_route(bus, &to.rule, &to.target);
    route
        .map(|route| route.0)
        .ok_or_else(|| no_such_route(bus, &to.rule, &to.target))
}

/// What a dry run answers.
async fn count(engine: Engine, filter: DeadLetterFilter, kind: &str) -> Result<Response, Problem> {
    let total = blocking(move || Ok(engine.count_dead_letters(&filter)?)).await?;
    let job = JobReply {
        id: String::new(),
        kind: kind.to_owned(),
        state: "done".to_owned(),
        total,
        done: 0,
        failed: 0,
        at: None,
        reason: None,
    };
    Ok(Json(job).into_response())
}

fn filter(wanted: LetterFilter) -> Result<DeadLetterFilter, Problem> {
    let ids = wanted
        .ids
        .map(|ids| ids.iter().map(|id| letter_id(id)).collect::<Result<_, _>>())
        .transpose()?;
    Ok(DeadLetterFilter {
        bus: wanted.bus,
        rule: wanted.rule,
        target: wanted.target,
        code: wanted.code,
        since_ms: time("since", wanted.since.as_deref())?,
        until_ms: time("until", wanted.until.as_deref())?,
        ids,
    })
}

fn letter_id(text: &str) -> Result<DeadLetterId, Problem> {
    text.parse().map_err(|()| {
        Problem::new(
            400,
            "invalid-id",
            format!("`{text}` is not the id of a dead letter"),
        )
    })
}

fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let time = parse_rfc3339(text);
    time.map(Some).ok_or_else(|| {
        let detail = format!("{name} is a time such as 2026-01-31T12:00:00Z");
        Problem::new(400, format!("invalid-{name}"), detail)
    })
}

fn reply(letter: DeadLetter) -> Result<DeadLetterReply, Problem> {
    Ok(DeadLetterReply {
        id: letter.id.to_string(),
        event: (letter.event.as_ref()).map_or_else(|| Ok(RawValue::NULL.to_owned()), present::event_json)?,
        bus: letter.bus,
        rule: letter.rule,
        target: letter.target,
        sequence: letter.sequence,
        code: letter.code,
        reason: letter.reason,
        attempts: letter.attempts.into_iter().map(present::attempt).collect(),
        first_at: rfc3339(letter.first_at_ms),
        last_at: rfc3339(letter.last_at_ms),
    })
}
