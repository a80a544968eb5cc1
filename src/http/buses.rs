//! Buses: listed, created, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use http::StatusCode;
use serde_json::Value;

use super::body;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::CONTROL_BYTES;
use super::extract::NoQuery;
use super::extract::bus_name;
use super::page::PageQuery;
use super::problem::no_such_bus;
use super::problem::of_issues;
use super::state::AppState;
use super::state::Services;
use crate::api::BusList;
use crate::api::BusReply;
use crate::catalog::BusSettings;
use crate::catalog::BusView;
use crate::problem::Problem;
use crate::routing::Desired;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 4] = ["name", "generation", "rules", "last_sequence"];

/// List the buses.
#[utoipa::path(
    get, path = "/v1/buses", tag = "buses", operation_id = "listBuses", params(PageQuery),
    responses((status = 200, description = "The buses by name", body = BusList)),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<BusList>, Problem> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    let all: Vec<BusReply> = snapshot.view().buses().map(|bus| reply(services, bus)).collect();
    let (items, next_cursor) = page.cut(all, |bus| bus.name.clone())?;
    Ok(Json(BusList { items, next_cursor }))
}

/// Show a bus.
#[utoipa::path(
    get, path = "/v1/buses/{bus}", tag = "buses", operation_id = "getBus",
    params(("bus" = String, Path, description = "Name of the bus")),
    responses(
        (status = 200, description = "The bus", body = BusReply),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(bus): ApiPath<String>,
) -> Result<Json<BusReply>, Problem> {
    find(state.services()?, &bus).map(Json)
}

/// Create a bus, or say what it refuses.
///
/// Settings left out of the body take their defaults; without a body they stay as they are. One created again
/// under its old name goes on counting where it was.
#[utoipa::path(
    put, path = "/v1/buses/{bus}", tag = "buses", operation_id = "putBus",
    params(("bus" = String, Path, description = "Name of the bus")),
    request_body(content = Option<Object>, description = "unregistered_sources?, undeclared_types?: accept or reject"),
    responses(
        (status = 201, description = "Created", body = BusReply),
        (status = 200, description = "It was there already", body = BusReply),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The settings are refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(bus): ApiPath<String>,
    request: Request,
) -> Result<(StatusCode, Json<BusReply>), Problem> {
    let services = state.services()?;
    let name = bus_name(&bus)?;
    let body = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let settings = settings(&body.bytes)?;
    let is_known = services.router.snapshot().bus(&bus).is_some();
    let desired = Desired::PutBus { bus: name, settings };
    services.control.change(desired, false).await?;
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(find(services, &bus)?)))
}

/// Delete a bus that has no rules.
#[utoipa::path(
    delete, path = "/v1/buses/{bus}", tag = "buses", operation_id = "deleteBus",
    params(("bus" = String, Path, description = "Name of the bus")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has rules, or is `default` or `system`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(bus): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    let name = bus_name(&bus)?;
    state
        .services()?
        .control
        .change(Desired::DeleteBus(name), false)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The settings in a body; none if there is no body.
fn settings(body: &[u8]) -> Result<Option<BusSettings>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    let mut given: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))?;
    if let Value::Object(members) = &mut given {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    BusSettings::parse(&given)
        .map(Some)
        .map_err(|issues| of_issues(&issues))
}

fn find(services: &Services, name: &str) -> Result<BusReply, Problem> {
    let snapshot = services.router.snapshot();
    snapshot
        .view()
        .bus(name)
        .map(|bus| reply(services, bus))
        .ok_or_else(|| no_such_bus(name))
}

fn reply(services: &Services, bus: &BusView) -> BusReply {
    BusReply {
        name: bus.name.as_str().to_owned(),
        generation: bus.generation,
        rules: bus.rules.len(),
        last_sequence: services.log.next_sequence(bus.id) - 1,
        settings: bus.sources.settings.shown(),
    }
}
