//! Connections: listed, written, deleted. Their secrets go in and never come out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::ETAG;
use serde_json::Map;
use serde_json::Value;

use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::extract::connection_name;
use super::page::PageQuery;
use super::problem::no_such_connection;
use super::revision::etag;
use super::revision::expected_revision;
use super::state::AppState;
use super::state::Services;
use crate::api::ConnectionList;
use crate::api::ConnectionReply;
use crate::catalog::ConnectionName;
use crate::catalog::ConnectionView;
use crate::catalog::View;
use crate::problem::Problem;
use crate::routing::Desired;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 2] = ["revision", "used_by"];
/// Rules named in an answer about one connection.
const MAX_USERS: usize = 100;

/// List the connections.
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections", operation_id = "listConnections", params(PageQuery),
    responses((status = 200, description = "The connections by name, without their secrets", body = ConnectionList)),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<ConnectionList>, Problem> {
    let snapshot = state.services()?.router.snapshot();
    let view = snapshot.view();
    let all: Vec<_> = view.connections().collect();
    let (page, next_cursor) = page.cut(all, |live| live.connection.name.as_str().to_owned())?;
    let items = page.into_iter().map(|live| reply(view, live)).collect();
    Ok(Json(ConnectionList { items, next_cursor }))
}

/// Show a connection, without its secrets.
#[utoipa::path(
    get, path = "/v1/connections/{name}", tag = "connections", operation_id = "getConnection",
    params(("name" = String, Path, description = "Name of the connection")),
    responses(
        (status = 200, description = "The connection; its ETag is its revision", body = ConnectionReply),
        (status = 404, description = "No such connection", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(name): ApiPath<String>,
) -> Result<Response, Problem> {
    show(state.services()?, &name, StatusCode::OK)
}

/// Write a connection: create it, or replace it.
///
/// A secret that is left out, or given as it is shown, stays as it is. The next attempt of every
/// delivery that begins after the answer uses what it says.
#[utoipa::path(
    put, path = "/v1/connections/{name}", tag = "connections", operation_id = "putConnection",
    params(
        ("name" = String, Path, description = "Name of the connection"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    request_body(content = Object, description = "one of basic, bearer, api_key, oauth2; mtls?, headers?, query?, body?, description?"),
    responses(
        (status = 201, description = "Created", body = ConnectionReply),
        (status = 200, description = "Replaced", body = ConnectionReply),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The connection is refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(mut given): ApiJson<Value>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let connection = connection_name(&name)?;
    if let Value::Object(members) = &mut given {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    let is_known = services
        .router
        .snapshot()
        .view()
        .connection(&connection)
        .is_some();
    let desired = Desired::PutConnection {
        name: connection,
        given,
        expect: expected_revision(&headers)?,
    };
    services.control.change(desired, false).await?;
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    show(services, &name, status)
}

/// Delete a connection that no rule names.
#[utoipa::path(
    delete, path = "/v1/connections/{name}", tag = "connections", operation_id = "deleteConnection",
    params(
        ("name" = String, Path, description = "Name of the connection"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such connection", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A rule names it", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(name): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let desired = Desired::DeleteConnection {
        name: connection_name(&name)?,
        expect: expected_revision(&headers)?,
    };
    state.services()?.control.change(desired, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn show(services: &Services, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let snapshot = services.router.snapshot();
    let view = snapshot.view();
    let name = ConnectionName::parse(name).map_err(|_| no_such_connection(name))?;
    let live = view
        .connection(&name)
        .ok_or_else(|| no_such_connection(name.as_str()))?;
    let etag = [(ETAG, etag(live.revision))];
    Ok((status, etag, Json(reply(view, live))).into_response())
}

fn reply(view: &View, live: &ConnectionView) -> ConnectionReply {
    let name = &live.connection.name;
    let mut connection = match live.connection.shown() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    connection.remove("name");
    let users = view.users_of(name).take(MAX_USERS);
    ConnectionReply {
        name: name.as_str().to_owned(),
        revision: live.revision,
        used_by: users.map(|(bus, rule)| format!("{bus}/{rule}")).collect(),
        connection,
    }
}
