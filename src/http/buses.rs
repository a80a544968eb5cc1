//! Buses: listed, created, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;

use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::extract::bus_name;
use super::page::PageQuery;
use super::problem::no_such_bus;
use super::state::AppState;
use super::state::Services;
use crate::api::BusList;
use crate::api::BusReply;
use crate::catalog::BusView;
use crate::problem::Problem;
use crate::routing::Desired;

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

/// Create a bus.
///
/// One created again under its old name goes on counting where it was.
#[utoipa::path(
    put, path = "/v1/buses/{bus}", tag = "buses", operation_id = "putBus",
    params(("bus" = String, Path, description = "Name of the bus")),
    responses(
        (status = 201, description = "Created", body = BusReply),
        (status = 200, description = "It was there already", body = BusReply),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(bus): ApiPath<String>,
) -> Result<(StatusCode, Json<BusReply>), Problem> {
    let services = state.services()?;
    let name = bus_name(&bus)?;
    let is_known = services.router.snapshot().bus(&bus).is_some();
    services.control.change(Desired::PutBus(name), false).await?;
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
    }
}
