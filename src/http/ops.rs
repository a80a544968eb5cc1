//! Health, metrics and status.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::state::AppState;
use super::state::DURABILITY;
use crate::api::Check;
use crate::api::ReadyReply;
use crate::api::StatusReply;
use crate::problem::Problem;

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
        (status = 503, description = "It does not; the checks say why", body = ReadyReply),
    ),
)]
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> impl IntoResponse {
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
    let checks = vec![log, catalog, stopping];
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(ReadyReply {
            ready,
            checks,
            durability: DURABILITY.to_owned(),
        }),
    )
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
        let (backlog, dead) = services
            .engine
            .routes()
            .unwrap_or_default()
            .iter()
            .fold((0, 0), |(backlog, dead), route| {
                (backlog + route.backlog, dead + route.dead)
            });
        gauge("tramline_backlog", backlog);
        gauge("tramline_dead_letters", dead);
        let counts = services.log.stats();
        gauge("tramline_log_appended_bytes", counts.bytes);
        gauge("tramline_log_synced_groups", counts.groups);
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
        durability: DURABILITY.to_owned(),
        uptime_seconds: state.uptime_seconds(),
        log: services.log.uuid().to_string(),
        appended_bytes: counts.bytes,
        synced_groups: counts.groups,
    }))
}
