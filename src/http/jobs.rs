//! Jobs: work that goes on after its request was answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;
use http::header::LOCATION;

use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::page::PageQuery;
use super::present;
use super::state::AppState;
use crate::api::JobList;
use crate::api::JobReply;
use crate::delivery::Job;
use crate::delivery::JobState;
use crate::problem::Problem;

/// List jobs.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", operation_id = "listJobs", params(PageQuery),
    responses((status = 200, description = "The jobs that run and the last thousand that ended, the newest first", body = JobList)),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<JobList>, Problem> {
    let mut all = state.services()?.engine.jobs();
    // Ascends as the jobs get older.
    let key = |job: &Job| format!("{:020}/{}", i64::MAX - job.at_ms, job.id);
    all.sort_by_cached_key(key);
    let (items, next_cursor) = page.cut(all, key)?;
    Ok(Json(JobList {
        items: items.into_iter().map(present::job).collect(),
        next_cursor,
    }))
}

/// Show a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "getJob",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "How far it has come", body = JobReply),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<JobReply>, Problem> {
    let found = state.services()?.engine.job(&id);
    found
        .map(|job| Json(present::job(job)))
        .ok_or_else(|| no_such_job(&id))
}

/// End a job.
///
/// What it has not done is and stays as it was. A job that has ended already stays as it is.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancelJob",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "How it ended", body = JobReply),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn cancel(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<JobReply>, Problem> {
    let found = state.services()?.engine.cancel_job(&id).await?;
    found
        .map(|job| Json(present::job(job)))
        .ok_or_else(|| no_such_job(&id))
}

/// The answer that accepts a job: 202 and where to look; 200 for one that is done and was waited for.
pub(super) fn accepted(job: Job, is_waited_for: bool) -> Response {
    let status = if is_waited_for && job.state != JobState::Running {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let job = present::job(job);
    let place = [(LOCATION, format!("/v1/jobs/{}", job.id))];
    (status, place, Json(job)).into_response()
}

fn no_such_job(id: &str) -> Problem {
    let detail = format!("there is no job `{id}`; of those that ended the last thousand are remembered");
    Problem::new(404, "no-such-job", detail)
}
