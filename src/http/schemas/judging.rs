//! Documents and data judged, without storing anything.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::event_type;
use super::find;
use super::impact::Impact;
use super::shown::verdict_reply;
use super::shown::violation;
use super::version_of;
use super::versions::RegisterQuery;
use crate::api::CheckReply;
use crate::api::ValidateReply;
use crate::http::blocking::blocking;
use crate::http::body;
use crate::http::extract::ApiPath;
use crate::http::extract::ApiQuery;
use crate::http::extract::CONTROL_BYTES;
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::routing::violations;
use crate::schema::MAX_LEN;
use crate::schema::compat::Answer;

/// Judge whether a document may be the next version, without storing it.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/check", tag = "schemas", operation_id = "checkSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded"), RegisterQuery),
    request_body(content = Object, description = "A JSON Schema"),
    responses(
        (status = 200, description = "The verdict, whatever it is", body = CheckReply),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no schema that can be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn check(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<RegisterQuery>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Json<CheckReply>, Problem> {
    let services = state.services()?;
    let kind = event_type(&kind)?;
    let document = body::read(request, MAX_LEN, "schema-too-large").await?;
    let judged = services.control.judge(&kind, &document.bytes).await?;
    let verdict = judged.verdict.clone();
    let impact = Impact::of(services, &kind, judged).await?;
    let mut reply = verdict_reply(&verdict, impact);
    reply.compatible |= query.accept_undecided && verdict.answer == Answer::Undecided;
    Ok(Json(reply))
}

/// By which version to judge.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ValidateQuery {
    /// Number of the version, or `latest`, which is the default.
    version: Option<String>,
}

/// Judge data by a schema.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/validate", tag = "schemas", operation_id = "validateData",
    params(("type" = String, Path, description = "The event type, percent-encoded"), ValidateQuery),
    request_body(content = Object, description = "The data of an event, as JSON"),
    responses(
        (status = 200, description = "The verdict, whatever it is", body = ValidateReply),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such schema or version", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn validate(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<ValidateQuery>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Json<ValidateReply>, Problem> {
    let entry = find(state.services()?, &kind)?;
    let version = Arc::clone(version_of(&entry, query.version.as_deref())?);
    let held = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let judged = blocking(move || {
        let data: Value = serde_json::from_slice(&held.bytes).map_err(|error| {
            Problem::new(400, "invalid-json", format!("the body cannot be read: {error}"))
        })?;
        let violations = violations(&version, &data);
        Ok(ValidateReply {
            valid: violations.is_empty(),
            version: version.number,
            errors: violations.into_iter().map(violation).collect(),
        })
    });
    judged.await.map(Json)
}
