//! Schemas: listed, kept, registered, checked, and asked about data.

mod impact;
pub(super) mod inference;
pub(super) mod judging;
mod shown;
pub(super) mod versions;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::ETAG;
use serde_json::Value;

use crate::api::SchemaList;
use crate::api::SchemaReply;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaSettings;
use crate::catalog::SchemaVersion;
use crate::http::extract::ApiJson;
use crate::http::extract::ApiPath;
use crate::http::extract::ApiQuery;
use crate::http::extract::NoQuery;
use crate::http::page::PageQuery;
use crate::http::problem::no_such_schema;
use crate::http::problem::of_issues;
use crate::http::revision::etag;
use crate::http::revision::expected_revision;
use crate::http::state::AppState;
use crate::http::state::Services;
use crate::problem::Problem;
use crate::routing::Desired;
use shown::version_reply;

pub(super) use shown::violation;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 4] = ["type", "revision", "latest", "versions"];

/// List the schemas.
#[utoipa::path(
    get, path = "/v1/schemas", tag = "schemas", operation_id = "listSchemas", params(PageQuery),
    responses((status = 200, description = "The schemas by event type, without their versions", body = SchemaList)),
)]
pub(in crate::http) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<SchemaList>, Problem> {
    let snapshot = state.services()?.router.snapshot();
    let (page, next_cursor) = page.cut(snapshot.view().schemas(), |entry| entry.kind.as_str().to_owned())?;
    let items = page.into_iter().map(|entry| SchemaReply {
        versions: None,
        ..reply(entry)
    });
    let items = items.collect();
    Ok(Json(SchemaList { items, next_cursor }))
}

/// Show the schema of an event type: its settings and its versions.
#[utoipa::path(
    get, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "getSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded")),
    responses(
        (status = 200, description = "The schema; its ETag is its revision", body = SchemaReply),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
) -> Result<Response, Problem> {
    show(state.services()?, &kind, StatusCode::OK)
}

/// Write the settings of a schema; one that is not there is created without versions.
///
/// Settings left out take their defaults. Nothing that is registered is judged anew.
#[utoipa::path(
    put, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "putSchema",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    request_body(content = Object, description = "compatibility?, policy?, validation?, description?"),
    responses(
        (status = 201, description = "Created", body = SchemaReply),
        (status = 200, description = "Replaced", body = SchemaReply),
        (status = 400, description = "Not an event type", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The settings are refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(mut given): ApiJson<Value>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    if let Value::Object(members) = &mut given {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    let desired = Desired::PutSchema {
        kind: event_type(&kind)?,
        settings: SchemaSettings::parse(&given).map_err(|issues| of_issues(&issues))?,
        expect: expected_revision(&headers)?,
    };
    let is_known = services.router.snapshot().view().schema(&kind).is_some();
    services.control.change(desired, false).await?;
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    show(services, &kind, status)
}

/// Delete a schema with all its versions, which no other schema may refer to.
///
/// The numbers of its versions are not given out again.
#[utoipa::path(
    delete, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "deleteSchema",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another schema refers to it", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let desired = Desired::DeleteSchema {
        kind: event_type(&kind)?,
        expect: expected_revision(&headers)?,
    };
    state.services()?.control.change(desired, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn event_type(text: &str) -> Result<EventType, Problem> {
    EventType::parse(text).map_err(|error| Problem::new(400, "invalid-type", error.to_string()))
}

pub(super) fn find(services: &Services, kind: &str) -> Result<Arc<SchemaEntry>, Problem> {
    let snapshot = services.router.snapshot();
    let entry = snapshot.view().schema(kind);
    entry.cloned().ok_or_else(|| no_such_schema(kind))
}

/// The version of a number or `latest`, which is the default.
pub(super) fn version_of<'a>(
    entry: &'a SchemaEntry,
    text: Option<&str>,
) -> Result<&'a Arc<SchemaVersion>, Problem> {
    let found = match text {
        None | Some("latest") => entry.latest(),
        Some(number) => number.parse().ok().and_then(|number| entry.version(number)),
    };
    found.ok_or_else(|| {
        let (kind, text) = (&entry.kind, text.unwrap_or("latest"));
        let detail = format!("the schema of `{kind}` has no version `{text}`");
        Problem::new(404, "no-such-version", detail)
    })
}

fn show(services: &Services, kind: &str, status: StatusCode) -> Result<Response, Problem> {
    let entry = find(services, kind)?;
    let etag = [(ETAG, etag(entry.revision))];
    Ok((status, etag, Json(reply(&entry))).into_response())
}

fn reply(entry: &SchemaEntry) -> SchemaReply {
    let versions = entry.versions.iter();
    SchemaReply {
        kind: entry.kind.as_str().to_owned(),
        revision: entry.revision,
        latest: entry.latest().map(|version| version.number),
        versions: Some(
            versions
                .map(|version| version_reply(&entry.kind, version))
                .collect(),
        ),
        settings: entry.settings.shown(),
    }
}
