//! The fate of one event: its routes, its attempts, and the rules it missed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::blocking::blocking;
use super::events::find;
use super::extract::ApiPath;
use super::extract::NoQuery;
use super::present;
use super::state::AppState;
use super::state::Services;
use crate::api::DeliveriesReply;
use crate::api::DeliveryReply;
use crate::api::NotMatched;
use crate::delivery::DeliveryState;
use crate::delivery::RouteTimeline;
use crate::event::Event;
use crate::pattern;
use crate::pattern::EventView;
use crate::problem::Problem;
use crate::routing::Snapshot;
use crate::routing::json_data;
use crate::routing::view_of;

/// Near misses that are told.
const MAX_MISSES: usize = 10;
/// Rules compared for near misses; a bus with more answers from these.
const MAX_COMPARED: usize = 1_000;

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
    let stored = match find(services, &bus, &sequence).await {
        Ok(stored) => stored,
        Err(problem) => return remains(services, &bus, &sequence).await?.map(Json).ok_or(problem),
    };
    let snapshot = services.router.snapshot();
    let engine = services.engine.clone();
    let reply = blocking(move || {
        let event = present::stored_event(&stored)?;
        let routes = engine.timeline(&stored)?.into_iter().map(delivery).collect();
        Ok(DeliveriesReply {
            sequence: stored.sequence,
            generation: stored.generation,
            routes,
            not_matched: misses(&snapshot, &bus, &event),
            partial: false,
        })
    });
    reply.await.map(Json)
}

/// What is still told of an event that retention has given up; `None` when that is nothing.
async fn remains(services: &Services, bus: &str, sequence: &str) -> Result<Option<DeliveriesReply>, Problem> {
    let snapshot = services.router.snapshot();
    let (Some(bus), Ok(sequence)) = (snapshot.bus(bus), sequence.parse()) else {
        return Ok(None);
    };
    let (id, log, engine) = (bus.id, services.log.clone(), services.engine.clone());
    blocking(move || {
        if sequence >= log.sequences(id)?.start {
            return Ok(None);
        }
        let routes: Vec<_> = engine.remains(id, sequence)?.into_iter().map(delivery).collect();
        Ok((!routes.is_empty()).then_some(DeliveriesReply {
            sequence,
            generation: 0,
            routes,
            not_matched: Vec::new(),
            partial: true,
        }))
    })
    .await
}

fn delivery(timeline: RouteTimeline) -> DeliveryReply {
    let state = match timeline.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Retrying => "retrying",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "dead",
        DeliveryState::Dropped => "dropped",
    };
    let (code, reason) = timeline.death.unzip();
    DeliveryReply {
        rule: timeline.rule,
        target: timeline.target,
        state: state.to_owned(),
        attempts: timeline.attempts.into_iter().map(present::attempt).collect(),
        code,
        reason,
    }
}

/// The rules whose patterns hold most, and the condition that each failed.
fn misses(snapshot: &Snapshot, bus: &str, event: &Event) -> Vec<NotMatched> {
    let Some(bus) = snapshot.view().bus(bus) else {
        return Vec::new();
    };
    let attributes = view_of(event);
    let view = EventView {
        attributes: &attributes,
        data: json_data(event),
    };
    let mut missed: Vec<_> = bus
        .rules
        .iter()
        .take(MAX_COMPARED)
        .filter_map(|(name, live)| {
            let explanation = pattern::explain(&live.rule.pattern, &view);
            let open = explanation.conditions - explanation.held;
            let failed = explanation.failed?;
            let rule = name.as_str().to_owned();
            Some((
                open,
                NotMatched {
                    rule,
                    path: failed.path,
                    expected: failed.expected,
                    found: failed.found,
                },
            ))
        })
        .collect();
    missed.sort_by(|a, b| (a.0, &a.1.rule).cmp(&(b.0, &b.1.rule)));
    missed
        .into_iter()
        .map(|(_, miss)| miss)
        .take(MAX_MISSES)
        .collect()
}
