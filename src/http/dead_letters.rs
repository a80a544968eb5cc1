//! Dead letters and the jobs that give them back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::page;
use super::present;
use super::state::AppState;
use crate::api::DeadLetterList;
use crate::api::DeadLetterReply;
use crate::api::JobReply;
use crate::api::RedriveFilter;
use crate::api::RedriveRequest;
use crate::clock::parse_rfc3339;
use crate::clock::rfc3339;
use crate::delivery::DeadLetter;
use crate::delivery::DeadLetterFilter;
use crate::delivery::DeadLetterId;
use crate::problem::Problem;

/// Which dead letters to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
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
        since_ms: since(query.since.as_deref())?,
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

/// Give dead letters back to their routes.
#[utoipa::path(
    post, path = "/v1/dead-letters/redrive", tag = "dead letters", operation_id = "redrive", request_body = RedriveRequest,
    responses(
        (status = 202, description = "The job that does it", body = JobReply),
        (status = 200, description = "With dry_run: how many there are", body = JobReply),
        (status = 400, description = "Bad filter", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn redrive(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiJson(request): ApiJson<RedriveRequest>,
) -> Result<Response, Problem> {
    let engine = state.services()?.engine.clone();
    let filter = filter(request.filter)?;
    if request.dry_run {
        let total = blocking(move || Ok(engine.count_dead_letters(&filter)?)).await?;
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let (kind, state) = ("redrive".to_owned(), "done".to_owned());
        return Ok(Json(JobReply {
            id: String::new(),
            kind,
            state,
            total,
            done: 0,
            failed: 0,
        })
        .into_response());
    }
    let job = present::job(engine.redrive(filter).await?);
    Ok((
        StatusCode::ACCEPTED,
        [(LOCATION, format!("/v1/jobs/{}", job.id))],
        Json(job),
    )
        .into_response())
}

/// Show a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "dead letters", operation_id = "getJob",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "How far it has come", body = JobReply),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn job(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<JobReply>, Problem> {
    let found = state.services()?.engine.job(&id);
    found.map(|job| Json(present::job(job))).ok_or_else(|| {
        Problem::new(
            404,
            "no-such-job",
            format!("there is no job `{id}` since the server started"),
        )
    })
}

fn filter(wanted: RedriveFilter) -> Result<DeadLetterFilter, Problem> {
    let ids = wanted
        .ids
        .map(|ids| ids.iter().map(|id| letter_id(id)).collect::<Result<_, _>>())
        .transpose()?;
    Ok(DeadLetterFilter {
        bus: wanted.bus,
        rule: wanted.rule,
        target: wanted.target,
        code: wanted.code,
        since_ms: since(wanted.since.as_deref())?,
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

fn since(text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let time = parse_rfc3339(text);
    time.map(Some).ok_or_else(|| {
        Problem::new(
            400,
            "invalid-since",
            "since is a time such as 2026-01-31T12:00:00Z",
        )
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
