//! Health, metrics and status.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

use super::blocking::blocking;
use super::state::AppState;
use super::state::Services;
use crate::api::Check;
use crate::api::ReadyReply;
use crate::api::StatusReply;
use crate::log::RouteId;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::routing;

/// Whether the process lives.
#[utoipa::path(
    get, path = "/livez", tag = "operations", operation_id = "livez",
    responses((status = 200, description = "It lives", body = String)),
)]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether the server takes events, check by check.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, description = "It does", body = ReadyReply),
        (status = 503, description = "It does not; an error for each check that fails", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> Result<Json<ReadyReply>, Problem> {
    let services = state.services().ok();
    let starting = "the server is starting";
    let log = match services {
        None => check("log", Some(starting)),
        Some(services) if services.log.has_failed() => {
            check("log", Some("a write failed; the server is stopping"))
        }
        Some(_) => check("log", None),
    };
    let catalog = check("catalog", services.is_none().then_some(starting));
    let stopping = check(
        "running",
        state.stop.is_cancelled().then_some("the server is stopping"),
    );
    let storage = check(
        "storage",
        services
            .is_some_and(|services| services.log.is_storage_full())
            .then_some("the disk is full: events are refused, deliveries go on"),
    );
    let held = services
        .map(|services| services.engine.held_routes())
        .unwrap_or_default();
    // Held routes wait for the operator; they are no reason to send events elsewhere.
    let routes = Check {
        detail: (!held.is_empty()).then(|| {
            let names: Vec<String> = held.iter().map(|route| held_name(services, *route)).collect();
            format!(
                "not in the catalog, nothing is sent or dropped: {}",
                names.join(", ")
            )
        }),
        ..check("routes", None)
    };
    // Events are taken and wait: a broker that is away degrades its routes and nothing else.
    let failed = services.map(|services| services.engine.failed_brokers());
    let brokers = Check {
        detail: failed.filter(|failed| !failed.is_empty()).map(|failed| {
            let told: Vec<_> = failed
                .iter()
                .map(|(place, why)| format!("{place}: {why}"))
                .collect();
            format!("degraded, events wait for them: {}", told.join("; "))
        }),
        ..check("brokers", None)
    };
    let checks = vec![log, storage, catalog, routes, brokers, stopping];
    let failing = checks.iter().filter(|check| !check.ok).map(|check| Fault {
        code: check.name.clone(),
        detail: check.detail.clone().unwrap_or_default(),
        ..Fault::default()
    });
    let failing: Vec<_> = failing.collect();
    if let Some(first) = failing.first() {
        let problem = Problem::new(503, "not-ready", first.detail.clone());
        return Err(problem.with_errors(failing).retry_after(1));
    }
    Ok(Json(ReadyReply {
        ready: true,
        checks,
        durability: state.info.durability.to_owned(),
    }))
}

/// The number of a route that the catalog does not know, and what the log was told it is called.
fn held_name(services: Option<&Services>, route: RouteId) -> String {
    let name = services.and_then(|services| routing::announced_name(&services.log, route));
    name.map_or_else(|| route.to_string(), |name| format!("{route} ({name})"))
}

fn check(name: &str, fault: Option<&str>) -> Check {
    Check {
        name: name.to_owned(),
        ok: fault.is_none(),
        detail: fault.map(str::to_owned),
    }
}

/// Metrics in the Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")),
)]
pub(super) async fn metrics(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    if let Ok(services) = state.services() {
        let engine = services.engine.clone();
        if let Ok(routes) = blocking(move || Ok(engine.routes()?)).await {
            gauge("tramline_backlog", routes.iter().map(|route| route.backlog).sum());
            gauge(
                "tramline_dead_letters",
                routes.iter().map(|route| route.dead).sum(),
            );
        }
        let counts = services.log.stats();
        gauge("tramline_log_appended_bytes", counts.bytes);
        gauge("tramline_log_synced_groups", counts.groups);
        gauge("tramline_differing_copies", counts.differing_copies);
    }
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        state.metrics.render(),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; counts below 2^53 are exact"
)]
fn gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(value as f64);
}

/// What this server is.
#[utoipa::path(
    get, path = "/v1/status", tag = "operations", operation_id = "status",
    responses((status = 200, description = "Version, storage, durability, uptime", body = StatusReply)),
)]
pub(super) async fn status(State(state): State<Arc<AppState>>) -> Result<Json<StatusReply>, Problem> {
    let services = state.services()?;
    let counts = services.log.stats();
    Ok(Json(StatusReply {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        storage: state.info.storage.to_owned(),
        durability: state.info.durability.to_owned(),
        uptime_seconds: state.uptime_seconds(),
        log: services.log.uuid().to_string(),
        appended_bytes: counts.bytes,
        synced_groups: counts.groups,
        log_segments: counts.segments,
        dedup_window_seconds: counts.dedup_kept.as_secs(),
    }))
}
