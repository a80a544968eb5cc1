//! Rules of a bus: listed, written, deleted, paused and resumed.

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
use super::extract::bus_name;
use super::extract::rule_name;
use super::page::PageQuery;
use super::problem::no_such_bus;
use super::problem::of_issues;
use super::revision::etag;
use super::revision::expected_revision;
use super::state::AppState;
use super::state::Services;
use crate::api::RuleList;
use crate::api::RuleReply;
use crate::catalog::BusName;
use crate::catalog::Rule;
use crate::catalog::RuleView;
use crate::problem::Problem;
use crate::routing::Desired;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 5] = ["bus", "revision", "generation", "owner", "state"];

/// List the rules of a bus.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/rules", tag = "rules", operation_id = "listRules",
    params(("bus" = String, Path, description = "Name of the bus"), PageQuery),
    responses(
        (status = 200, description = "The rules by name", body = RuleList),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiPath(bus): ApiPath<String>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<RuleList>, Problem> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    let found = snapshot.view().bus(&bus).ok_or_else(|| no_such_bus(&bus))?;
    let names: Vec<_> = found.rules.keys().collect();
    let (names, next_cursor) = page.cut(names, |name| name.as_str().to_owned())?;
    let items = names
        .into_iter()
        .filter_map(|name| found.rules.get(name))
        .map(|live| reply(services, &found.name, live));
    Ok(Json(RuleList {
        items: items.collect(),
        next_cursor,
    }))
}

/// Show a rule.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/rules/{name}", tag = "rules", operation_id = "getRule",
    params(("bus" = String, Path, description = "Name of the bus"), ("name" = String, Path, description = "Name of the rule")),
    responses(
        (status = 200, description = "The rule; its ETag is its revision", body = RuleReply),
        (status = 404, description = "No such bus or rule", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    show(state.services()?, &bus, &name, StatusCode::OK)
}

/// Write a rule: create it, or replace it as a whole.
///
/// The answer comes when the rule is in force: every publish that begins afterwards is decided by it.
#[utoipa::path(
    put, path = "/v1/buses/{bus}/rules/{name}", tag = "rules", operation_id = "putRule",
    params(
        ("bus" = String, Path, description = "Name of the bus"),
        ("name" = String, Path, description = "Name of the rule"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    request_body(content = Object, description = "match, transform?, targets, description?"),
    responses(
        (status = 201, description = "Created", body = RuleReply),
        (status = 200, description = "Replaced", body = RuleReply),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A file owns the rule", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The rule is refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
    headers: HeaderMap,
    ApiJson(mut spec): ApiJson<Value>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let (bus_name, rule_name) = (bus_name(&bus)?, rule_name(&name)?);
    if let Value::Object(members) = &mut spec {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    let rule = Rule::decode(&spec, Some(&rule_name)).map_err(|issues| of_issues(&issues))?;
    let expect = expected_revision(&headers)?;
    let is_known = services
        .router
        .snapshot()
        .view()
        .rule(&bus_name, &rule_name)
        .is_some();
    services
        .control
        .change(
            Desired::PutRule {
                bus: bus_name,
                rule: Box::new(rule),
                expect,
            },
            false,
        )
        .await?;
    show(
        services,
        &bus,
        &name,
        if is_known {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        },
    )
}

/// Delete a rule. Its undelivered events are dropped on record.
#[utoipa::path(
    delete, path = "/v1/buses/{bus}/rules/{name}", tag = "rules", operation_id = "deleteRule",
    params(("bus" = String, Path, description = "Name of the bus"), ("name" = String, Path, description = "Name of the rule")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such bus or rule", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A file owns the rule", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let services = state.services()?;
    if services.router.snapshot().bus(&bus).is_none() {
        return Err(no_such_bus(&bus));
    }
    let expect = expected_revision(&headers)?;
    let desired = Desired::DeleteRule {
        bus: bus_name(&bus)?,
        rule: rule_name(&name)?,
        expect,
    };
    services.control.change(desired, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a rule: it goes on matching, and its events wait until it is resumed.
///
/// The answer comes when no attempt begins any more; attempts in flight end. A restart changes nothing.
#[utoipa::path(
    post, path = "/v1/buses/{bus}/rules/{name}/pause", tag = "rules", operation_id = "pauseRule",
    params(("bus" = String, Path, description = "Name of the bus"), ("name" = String, Path, description = "Name of the rule")),
    responses(
        (status = 200, description = "Paused, or it was already", body = RuleReply),
        (status = 404, description = "No such bus or rule", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn pause(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    show(services, &bus, &name, StatusCode::OK)?;
    services
        .engine
        .pause(&bus_name(&bus)?, &rule_name(&name)?)
        .await?;
    show(services, &bus, &name, StatusCode::OK)
}

/// Resume a rule: its events are sent again, those that waited first.
///
/// It lifts whatever stopped its routes: a pause, a target that was gone, a circuit that is open. What the rule's own
/// settings pause stays paused.
#[utoipa::path(
    post, path = "/v1/buses/{bus}/rules/{name}/resume", tag = "rules", operation_id = "resumeRule",
    params(("bus" = String, Path, description = "Name of the bus"), ("name" = String, Path, description = "Name of the rule")),
    responses(
        (status = 200, description = "Resumed, or it was not paused", body = RuleReply),
        (status = 404, description = "No such bus or rule", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn resume(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, name)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    show(services, &bus, &name, StatusCode::OK)?;
    services
        .engine
        .resume(&bus_name(&bus)?, &rule_name(&name)?)
        .await?;
    show(services, &bus, &name, StatusCode::OK)
}

fn show(services: &Services, bus: &str, name: &str, status: StatusCode) -> Result<Response, Problem> {
    let snapshot = services.router.snapshot();
    let found = snapshot.view().bus(bus).ok_or_else(|| no_such_bus(bus))?;
    let missing = || {
        Problem::new(
            404,
            "no-such-rule",
            format!("there is no rule `{name}` on the bus `{bus}`"),
        )
    };
    let live = rule_name(name)
        .ok()
        .and_then(|name| found.rules.get(&name))
        .ok_or_else(missing)?;
    let etag = [(ETAG, etag(live.revision))];
    Ok((status, etag, Json(reply(services, &found.name, live))).into_response())
}

fn reply(services: &Services, bus: &BusName, live: &RuleView) -> RuleReply {
    let rule = match live.rule.shown() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let is_paused = live.rule.paused || services.engine.is_paused(bus, &live.rule.name);
    RuleReply {
        bus: bus.as_str().to_owned(),
        revision: live.revision,
        generation: live.from_generation,
        owner: live.owner.clone(),
        state: if is_paused { "paused" } else { "active" }.to_owned(),
        rule,
    }
}
