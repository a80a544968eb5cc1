//! The fate of one event: its routes, its attempts, and the rules it missed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::StatusCode;

use super::blocking::blocking;
use super::events::find;
use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::NoQuery;
use super::present;
use super::problem::no_such_bus;
use super::routes::no_such_route;
use super::schemas::violation;
use super::state::AppState;
use crate::api::DeliveriesReply;
use crate::api::DeliveryReply;
use crate::api::NotMatched;
use crate::api::ResendRequest;
use crate::api::ValidateReply;
use crate::delivery::DeliveryState;
use crate::delivery::RouteTimeline;
use crate::filter;
use crate::log::StoredEvent;
use crate::pattern::EventView;
use crate::problem::Problem;
use crate::routing::Router;
use crate::routing::Snapshot;
use crate::routing::data_verdict;
use crate::routing::json_data;
use crate::routing::view_of;

/// Near misses that are told.
const MAX_MISSES: usize = 10;
/// Rules compared for near misses; a bus with more answers from these.
const MAX_COMPARED: usize = 10_000;

/// What became of an event: every route with its attempts, and the nearest misses.
///
/// Of an event that is no longer kept it is told what is still on record: `partial` is true.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/events/{sequence}/deliveries", tag = "events", operation_id = "getDeliveries",
    params(("bus" = String, Path, description = "Name of the bus"), ("sequence" = u64, Path, description = "Its number on the bus")),
    responses(
        (status = 200, description = "Its fate", body = DeliveriesReply),
        (status = 404, description = "No such bus or event", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, sequence)): ApiPath<(String, String)>,
) -> Result<Json<DeliveriesReply>, Problem> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    let id = snapshot.bus(&bus).ok_or_else(|| no_such_bus(&bus))?.id;
    let engine = services.engine.clone();
    let ruling = Arc::clone(&services.router);
    let stored = match find(services, &bus, &sequence).await {
        Ok(stored) => stored,
        // Of an event that the bus no longer keeps a route may know something.
        Err(missing) if missing.status == 404 => {
            let sequence = sequence.parse().unwrap_or_default();
            let log = services.log.clone();
            let retired = move || {
                if sequence >= log.sequences(id)?.start {
                    return Err(missing);
                }
                let (timelines, event) = engine.retired_timeline(id, sequence)?;
                if timelines.is_empty() {
                    return Err(missing);
                }
                let routes = timelines.into_iter().map(delivery).collect();
                let stored = event.as_ref();
                let not_matched = stored
                    .map(|stored| misses(&snapshot, &bus, stored))
                    .transpose()?
                    .unwrap_or_default();
                Ok(DeliveriesReply {
                    sequence,
                    generation: stored.map_or(0, |stored| stored.generation),
                    routes,
                    not_matched,
                    partial: true,
                    schema: event
                        .as_ref()
                        .and_then(|stored| schema(&ruling, &snapshot, stored)),
                })
            };
            return blocking(retired).await.map(Json);
        }
        Err(problem) => return Err(problem),
    };
    let reply = blocking(move || {
        let routes = engine.timeline(id, &stored)?.into_iter().map(delivery).collect();
        Ok(DeliveriesReply {
            sequence: stored.sequence,
            generation: stored.generation,
            routes,
            not_matched: misses(&snapshot, &bus, &stored)?,
            partial: false,
            schema: schema(&ruling, &snapshot, &stored),
        })
    });
    reply.await.map(Json)
}

/// Send an event once more over one route.
///
/// A delivery that has ended begins anew under another `webhook-id`; a dead letter is given back and one that waits
/// is tried now, under the same. The answer comes when that is durable; the event's timeline tells how it goes on.
#[utoipa::path(
    post, path = "/v1/buses/{bus}/events/{sequence}/resend", tag = "events", operation_id = "resendEvent",
    params(("bus" = String, Path, description = "Name of the bus"), ("sequence" = u64, Path, description = "Its number on the bus")),
    request_body = ResendRequest,
    responses(
        (status = 202, description = "Where the delivery stands", body = DeliveryReply),
        (status = 404, description = "No such bus, event or route", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn resend(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, sequence)): ApiPath<(String, String)>,
    ApiJson(request): ApiJson<ResendRequest>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let stored = find(services, &bus, &sequence).await?;
    let view = Arc::clone(services.router.snapshot().view());
    let missing = || no_such_route(&bus, &request.rule, &request.target);
    let route = view
        .open_route(&bus, &request.rule, &request.target)
        .ok_or_else(missing)?;
    let timeline = services.engine.resend(stored, route).await?.ok_or_else(missing)?;
    Ok((StatusCode::ACCEPTED, Json(delivery(timeline))).into_response())
}

fn delivery(timeline: RouteTimeline) -> DeliveryReply {
    let state = match timeline.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Retrying => "retrying",
        DeliveryState::Held => "held",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "dead",
        DeliveryState::Dropped => "dropped",
    };
    let (code, reason) = timeline.ending.unzip();
    DeliveryReply {
        rule: timeline.rule,
        target: timeline.target,
        state: state.to_owned(),
        attempts: timeline.attempts.into_iter().map(present::attempt).collect(),
        code,
        reason,
    }
}

/// What the schema of its type says about the event now.
fn schema(router: &Router, snapshot: &Snapshot, stored: &StoredEvent) -> Option<ValidateReply> {
    let event = present::stored_event(stored).ok()?;
    let verdict = data_verdict(snapshot.view(), router.origins(), &event)?;
    Some(ValidateReply {
        valid: verdict.violations.is_empty(),
        version: verdict.version,
        errors: verdict.violations.into_iter().map(violation).collect(),
    })
}

/// Of the rules that were in force when the event was accepted, those whose patterns hold most, and
/// the condition that each failed.
fn misses(snapshot: &Snapshot, bus: &str, stored: &StoredEvent) -> Result<Vec<NotMatched>, Problem> {
    let event = present::stored_event(stored)?;
    let Some(bus) = snapshot.view().bus(bus) else {
        return Ok(Vec::new());
    };
    let attributes = view_of(&event);
    let view = EventView {
        attributes: &attributes,
        data: json_data(&event),
    };
    let rules = snapshot.view().rules_at(&bus.name, stored.generation);
    let mut rules: Vec<_> = rules
        .take(MAX_COMPARED)
        .map(|rule| (rule.name.as_str(), &rule.wanted))
        .collect();
    rules.sort_unstable_by_key(|(name, _)| *name);
    let told = filter::nearest_misses(rules, &view, MAX_MISSES).into_iter();
    let misses = told.map(|miss| NotMatched {
        rule: miss.rule.to_owned(),
        path: miss.failed.path,
        expected: miss.failed.expected,
        found: miss.failed.found,
    });
    Ok(misses.collect())
}
