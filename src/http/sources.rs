//! Sources of a bus: listed, registered, removed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::ETAG;
use serde_json::Value;

use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::extract::bus_name;
use super::extract::source_name;
use super::page::PageQuery;
use super::problem::no_such_bus;
use super::problem::no_such_source;
use super::problem::of_issues;
use super::revision::etag;
use super::revision::expected_revision;
use super::state::AppState;
use super::state::Services;
use crate::api::SourceList;
use crate::api::SourceReply;
use crate::catalog::RegisteredSource;
use crate::catalog::SourceName;
use crate::catalog::SourceView;
use crate::problem::Problem;
use crate::routing::Desired;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 2] = ["bus", "revision"];

/// List the sources of a bus.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/sources", tag = "sources", operation_id = "listSources",
    params(("bus" = String, Path, description = "Name of the bus"), PageQuery),
    responses(
        (status = 200, description = "The sources by name", body = SourceList),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
    ApiPath(bus): ApiPath<String>,
) -> Result<Json<SourceList>, Problem> {
    let snapshot = state.services()?.router.snapshot();
    let found = snapshot.view().bus(&bus).ok_or_else(|| no_such_bus(&bus))?;
    let all: Vec<_> = found.sources.by_name.values().collect();
    let (page, next_cursor) = page.cut(all, |live| live.source.name.as_str().to_owned())?;
    let items = page.into_iter().map(|live| reply(&bus, live)).collect();
    Ok(Json(SourceList { items, next_cursor }))
}

/// Show a source.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/sources/{name}", tag = "sources", operation_id = "getSource",
    params(("bus" = String, Path, description = "Name of the bus"), ("name" = String, Path, description = "Name of the source")),
    responses(
        (status = 200, description = "The source; its ETag is its revision", body = SourceReply),
        (status = 404, description = "No such bus or source", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    show(state.services()?, &bus, &name, StatusCode::OK)
}

/// Register a source, or replace it as a whole.
///
/// The answer comes when it is in force: every publish that begins afterwards is decided by it.
#[utoipa::path(
    put, path = "/v1/buses/{bus}/sources/{name}", tag = "sources", operation_id = "putSource",
    params(
        ("bus" = String, Path, description = "Name of the bus"),
        ("name" = String, Path, description = "Name of the source"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    request_body(content = Object, description = "source (whole, or a prefix with *), types?, owner?, description?, contact?"),
    responses(
        (status = 201, description = "Created", body = SourceReply),
        (status = 200, description = "Replaced", body = SourceReply),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The source is refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(mut given): ApiJson<Value>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    if let Value::Object(members) = &mut given {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    let (bus_name, source_name) = (bus_name(&bus)?, source_name(&name)?);
    let source = RegisteredSource::parse(&source_name, &given).map_err(|issues| of_issues(&issues))?;
    let snapshot = services.router.snapshot();
    let before = snapshot.view().bus(&bus).map(|found| &found.sources.by_name);
    let is_known = before.is_some_and(|sources| sources.contains_key(&source_name));
    let desired = Desired::PutSource {
        bus: bus_name,
        source,
        expect: expected_revision(&headers)?,
    };
    services.control.change(desired, false).await?;
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    show(services, &bus, &name, status)
}

/// Remove a source.
#[utoipa::path(
    delete, path = "/v1/buses/{bus}/sources/{name}", tag = "sources", operation_id = "deleteSource",
    params(
        ("bus" = String, Path, description = "Name of the bus"),
        ("name" = String, Path, description = "Name of the source"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such bus or source", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let desired = Desired::DeleteSource {
        bus: bus_name(&bus)?,
        name: source_name(&name)?,
        expect: expected_revision(&headers)?,
    };
    state.services()?.control.change(desired, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn show(services: &Services, bus: &str, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let snapshot = services.router.snapshot();
    let found = snapshot.view().bus(bus).ok_or_else(|| no_such_bus(bus))?;
    let parsed = SourceName::parse(name).map_err(|_| no_such_source(bus, name))?;
    let live = found.sources.by_name.get(&parsed);
    let live = live.ok_or_else(|| no_such_source(bus, name))?;
    let etag = [(ETAG, etag(live.revision))];
    Ok((status, etag, Json(reply(bus, live))).into_response())
}

fn reply(bus: &str, live: &SourceView) -> SourceReply {
    SourceReply {
        bus: bus.to_owned(),
        name: live.source.name.as_str().to_owned(),
        revision: live.revision,
        source: live.source.shown(),
    }
}
