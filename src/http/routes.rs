//! Routes: what each pair of rule and target is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::body;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::page::PageQuery;
use super::publish::defaults;
use super::state::AppState;
use crate::api::RouteBroker;
use crate::api::RouteList;
use crate::api::RouteRates;
use crate::api::RouteReply;
use crate::api::RouteTestReply;
use crate::api::RouteTestRequest;
use crate::clock::rfc3339;
use crate::delivery::CircuitState;
use crate::delivery::RouteStatus;
use crate::delivery::Standing;
use crate::event;
use crate::event::Event;
use crate::problem::Problem;
use crate::target::BrokerHealth;

/// What a target is tested with, unless the caller brings an event.
const TEST_EVENT: &str = r#"{"type":"tramline.test","source":"/tramline","data":{"test":true}}"#;

/// The bus of a route.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RouteQuery {
    /// Name of the bus, `default` if left out.
    bus: Option<String>,
}

/// List the open routes of all buses.
#[utoipa::path(
    get, path = "/v1/routes", tag = "routes", operation_id = "listRoutes", params(PageQuery),
    responses((status = 200, description = "The routes by bus, rule and target", body = RouteList)),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<RouteList>, Problem> {
    let engine = state.services()?.engine.clone();
    let all = blocking(move || Ok(engine.routes()?)).await?;
    // Names hold no slash, so the joined key sorts and cuts as the parts do.
    let key = |route: &RouteStatus| format!("{}/{}/{}", route.bus, route.rule, route.target);
    let (items, next_cursor) = page.cut(all, key)?;
    Ok(Json(RouteList {
        items: items.into_iter().map(reply).collect(),
        next_cursor,
    }))
}

/// Show one route.
#[utoipa::path(
    get, path = "/v1/routes/{rule}/{target}", tag = "routes", operation_id = "getRoute",
    params(("rule" = String, Path, description = "Name of the rule"), ("target" = String, Path, description = "Name of the target"), RouteQuery),
    responses(
        (status = 200, description = "What it is doing", body = RouteReply),
        (status = 404, description = "No such route", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    ApiPath((rule, target)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<RouteQuery>,
) -> Result<Json<RouteReply>, Problem> {
    let bus = query.bus.as_deref().unwrap_or("default").to_owned();
    let missing = no_such_route(&bus, &rule, &target);
    let engine = state.services()?.engine.clone();
    let found = blocking(move || Ok(engine.find_route(&bus, &rule, &target)?)).await?;
    found.map(|route| Json(reply(route))).ok_or(missing)
}

/// Send a test event to one target.
///
/// Through the same guard and client as any delivery, at once, and once: nothing is recorded. The body may hold an
/// `event` in the JSON format; the target gets it as it is, without the transform of the rule.
#[utoipa::path(
    post, path = "/v1/routes/{rule}/{target}/test", tag = "routes", operation_id = "testRoute",
    params(("rule" = String, Path, description = "Name of the rule"), ("target" = String, Path, description = "Name of the target"), RouteQuery),
    request_body = Option<RouteTestRequest>,
    responses(
        (status = 200, description = "How it ended, well or not", body = RouteTestReply),
        (status = 400, description = "Not a CloudEvent", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such route", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many tests at once", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn test(
    State(state): State<Arc<AppState>>,
    ApiPath((rule, target)): ApiPath<(String, String)>,
    ApiQuery(query): ApiQuery<RouteQuery>,
    request: Request,
) -> Result<Json<RouteTestReply>, Problem> {
    let services = state.services()?;
    let bus = query.bus.as_deref().unwrap_or("default");
    let view = Arc::clone(services.router.snapshot().view());
    let missing = || no_such_route(bus, &rule, &target);
    let route = view.open_route(bus, &rule, &target).ok_or_else(missing)?;
    let event = test_event(&state, request).await?;
    let tested = services.engine.test(route, event).await?.ok_or_else(missing)?;
    Ok(Json(RouteTestReply {
        class: tested.class,
        status: tested.status,
        ms: tested.ms,
        reason: tested.reason,
    }))
}

/// The event in the body, or one of ours.
async fn test_event(state: &AppState, request: Request) -> Result<Event, Problem> {
    let body = body::read(request, state.limits.event_bytes, "body-too-large").await?;
    let given: Option<RouteTestRequest> = if body.bytes.is_empty() {
        None
    } else {
        let read = serde_json::from_slice(&body.bytes);
        read.map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))?
    };
    let text = match given.and_then(|given| given.event) {
        Some(event) => event.get().to_owned(),
        None => TEST_EVENT.to_owned(),
    };
    Ok(event::event_from_json(&text.into(), Some(defaults(state)))?)
}

/// There is no open route of these names.
pub(super) fn no_such_route(bus: &str, rule: &str, target: &str) -> Problem {
    let detail = format!("the bus `{bus}` has no route {rule}/{target}");
    Problem::new(404, "no-such-route", detail)
}

fn reply(route: RouteStatus) -> RouteReply {
    let (state, reason) = match route.standing {
        Standing::Active => ("active", None),
        Standing::Paused(reason) => ("paused", Some(reason.to_owned())),
        Standing::Disabled(reason) => ("disabled", Some(reason)),
        Standing::Held(reason) => ("held", Some(reason.to_owned())),
    };
    let circuit = match route.circuit {
        CircuitState::Closed => "closed",
        CircuitState::Open => "open",
        CircuitState::HalfOpen => "half_open",
    };
    RouteReply {
        bus: route.bus,
        rule: route.rule,
        target: route.target,
        state: state.to_owned(),
        reason,
        circuit: circuit.to_owned(),
        broker: route.broker.map(broker),
        backlog: route.backlog,
        in_flight: route.in_flight,
        retrying: route.retrying,
        dead: route.dead,
        delivered: route.delivered,
        rates: RouteRates {
            attempts: rounded(route.attempt_rate),
            failures: rounded(route.failure_rate),
        },
        oldest_at: route.oldest_at_ms.map(rfc3339),
    }
}

fn broker(health: BrokerHealth) -> RouteBroker {
    let (state, reason) = match health {
        BrokerHealth::Connected => ("connected", None),
        BrokerHealth::Idle => ("idle", None),
        BrokerHealth::Failed(reason) => ("failed", Some(reason)),
    };
    RouteBroker {
        state: state.to_owned(),
        reason,
    }
}

/// Two digits behind the point: more would say nothing.
fn rounded(rate: f64) -> f64 {
    (rate * 100.0).round() / 100.0
}
