//! Versions of schemas: listed, registered, read.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::header::ETAG;
use http::header::IF_NONE_MATCH;
use http::header::LOCATION;
use serde::Deserialize;
use utoipa::IntoParams;

use super::event_type;
use super::find;
use super::impact::Impact;
use super::shown::incompatible;
use super::shown::version_reply;
use super::version_of;
use crate::api::Incompatible;
use crate::api::RegisteredReply;
use crate::api::VersionList;
use crate::http::body;
use crate::http::extract::ApiPath;
use crate::http::extract::ApiQuery;
use crate::http::extract::NoQuery;
use crate::http::page::PageQuery;
use crate::http::revision::etag;
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::routing::RegisterError;
use crate::schema::MAX_LEN;

/// List the versions of a schema.
#[utoipa::path(
    get, path = "/v1/schemas/{type}/versions", tag = "schemas", operation_id = "listSchemaVersions",
    params(("type" = String, Path, description = "The event type, percent-encoded"), PageQuery),
    responses(
        (status = 200, description = "The versions, ascending", body = VersionList),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
    ApiPath(kind): ApiPath<String>,
) -> Result<Json<VersionList>, Problem> {
    let entry = find(state.services()?, &kind)?;
    let all: Vec<_> = entry.versions.iter().collect();
    // Digits in front, so that the order of texts is that of numbers.
    let (page, next_cursor) = page.cut(all, |version| format!("{:010}", version.number))?;
    let items = page
        .into_iter()
        .map(|version| version_reply(&entry.kind, version))
        .collect();
    Ok(Json(VersionList { items, next_cursor }))
}

/// How to register a version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct RegisterQuery {
    /// Take a document too of which cannot be decided whether it may follow.
    #[serde(default)]
    #[param(default = false)]
    pub(super) accept_undecided: bool,
}

/// Register the next version of the schema of an event type.
///
/// A schema that is not there is created with the default settings. The answer comes when the version is in
/// force: every publish that begins afterwards is validated by it.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/versions", tag = "schemas", operation_id = "registerSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded"), RegisterQuery),
    request_body(content = Object, description = "A JSON Schema of draft 4, 6, 7, 2019-09 or 2020-12 (default)"),
    responses(
        (status = 201, description = "Registered; Location names the document", body = RegisteredReply),
        (status = 200, description = "A version says the same: this one", body = RegisteredReply),
        (status = 409, description = "It may not follow the versions that are there", body = Incompatible, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no schema that can be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn register(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<RegisterQuery>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let kind = event_type(&kind)?;
    let document = body::read(request, MAX_LEN, "schema-too-large").await?;
    let registered = services
        .control
        .register(&kind, &document.bytes, query.accept_undecided);
    let registered = match registered.await {
        Err(RegisterError::Incompatible(judged)) => {
            let verdict = judged.verdict.clone();
            let impact = Impact::of(services, &kind, *judged).await?;
            return Ok(incompatible(&verdict, impact));
        }
        other => other?,
    };
    let Impact { breaks, violations } = Impact::of(services, &kind, registered.judged).await?;
    let reply = RegisteredReply {
        version: version_reply(&kind, &registered.version),
        breaks,
        violations,
    };
    if registered.is_new {
        let location = [(LOCATION, reply.version.url.clone())];
        return Ok((StatusCode::CREATED, location, Json(reply)).into_response());
    }
    Ok(Json(reply).into_response())
}

/// Get the document of a version.
#[utoipa::path(
    get, path = "/v1/schemas/{type}/versions/{version}", tag = "schemas", operation_id = "getSchemaVersion",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("version" = String, Path, description = "Its number, or `latest`"),
    ),
    responses(
        (status = 200, description = "The JSON Schema; its ETag is the number of the version", body = Object, content_type = "application/schema+json"),
        (status = 304, description = "If-None-Match names it"),
        (status = 404, description = "No such schema or version", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((kind, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let entry = find(state.services()?, &kind)?;
    let version = version_of(&entry, Some(&version))?;
    let etag = etag(version.number.into());
    if headers.get(IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let kind = http::HeaderValue::from_static("application/schema+json");
    Ok(([(CONTENT_TYPE, kind), (ETAG, etag)], version.text.to_string()).into_response())
}
