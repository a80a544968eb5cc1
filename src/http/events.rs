//! Reading the events of a bus.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::HeaderMap;
use http::header::ACCEPT;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::chunk;
use super::chunk::Chunk;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::page;
use super::present;
use super::problem::no_such_bus;
use super::select;
use super::state::AppState;
use super::state::Services;
use crate::api::EventEntry;
use crate::api::EventList;
use crate::event::Event;
use crate::log::BusId;
use crate::log::StoredEvent;
use crate::problem::Problem;

/// Events looked at for one answer; a filter that matches few of them answers with a cursor.
const MAX_SCANNED: usize = 20_000;
/// Events read at once, and their bytes.
const CHUNK: usize = 500;
pub(super) const CHUNK_BYTES: usize = 8 * 1024 * 1024;
/// A page ends with the event that brings it to so many bytes.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// Names the gaps in an answer that has no other place for them, as `first-last, …`.
const GAPS: http::HeaderName = http::HeaderName::from_static("tramline-gaps");
/// Longest time a list waits for something to come.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// `earliest` (default), `latest`, a sequence, or an RFC 3339 time.
    from: Option<String>,
    /// Most events in the answer, 100 by default, 1,000 at most; it ends early at 8 MiB.
    limit: Option<usize>,
    /// Where to go on; stands instead of `from`.
    cursor: Option<String>,
    /// Only events of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
    /// Only events of this source.
    source: Option<String>,
    /// Only the event of this id.
    id: Option<String>,
    /// With nothing to list, wait this long for something, such as `5s`; 30 s at most.
    wait: Option<String>,
}

/// List events of a bus in order.
///
/// Events that are not there any more are named in `gaps`, in a batch in the header `Tramline-Gaps`; the list goes on behind them.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/events", tag = "events", operation_id = "listEvents",
    params(("bus" = String, Path, description = "Name of the bus"), EventsQuery),
    responses(
        (status = 200, description = "Events, and where to go on", content(
            (EventList = "application/json"), (Vec<Object> = "application/cloudevents-batch+json"))),
        (status = 400, description = "Bad query", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiPath(bus): ApiPath<String>,
    ApiQuery(query): ApiQuery<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    let id = snapshot.bus(&bus).ok_or_else(|| no_such_bus(&bus))?.id;
    let mut scan = Scan {
        bus: id,
        from: start(services, id, &query).await?,
        limit: page::checked_limit(query.limit)?,
        kind: query.kind.clone(),
        source: query.source.clone(),
        id: query.id.clone(),
    };
    let wait = query.wait.as_deref().map(parse_wait).transpose()?;
    let end = Instant::now() + wait.unwrap_or_default();
    let list = loop {
        if let Some(list) = scan.by_key(services).await? {
            break list;
        }
        let (list, next) = scan.run(services).await?;
        if !list.items.is_empty()
            || !list.gaps.is_empty()
            || list.next_cursor.is_some()
            || !wait_for(services, &state, id, next, end).await
        {
            break list;
        }
        // What was there is not what was asked for; what comes may be.
        scan.from = next;
    };
    let wants_batch = headers.get(ACCEPT).is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|accept| accept.contains("application/cloudevents-batch+json"))
    });
    if wants_batch {
        let gaps: Vec<_> = list
            .gaps
            .iter()
            .map(|gap| format!("{}-{}", gap.from, gap.to))
            .collect();
        let events: Vec<_> = list.items.into_iter().map(|entry| entry.event).collect();
        let mut response = Json(events).into_response();
        let kind = http::HeaderValue::from_static("application/cloudevents-batch+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        if let Ok(gaps) = http::HeaderValue::try_from(gaps.join(", "))
            && !gaps.is_empty()
        {
            response.headers_mut().insert(GAPS, gaps);
        }
        return Ok(response);
    }
    Ok(Json(list).into_response())
}

/// Show one event.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/events/{sequence}", tag = "events", operation_id = "getEvent",
    params(("bus" = String, Path, description = "Name of the bus"), ("sequence" = u64, Path, description = "Its number on the bus")),
    responses(
        (status = 200, description = "The event", body = EventEntry),
        (status = 404, description = "No such bus or event", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The event is lost: its storage was damaged", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((bus, sequence)): ApiPath<(String, String)>,
) -> Result<Json<EventEntry>, Problem> {
    let services = state.services()?;
    let stored = find(services, &bus, &sequence).await?;
    let event = present::stored_event(&stored)?;
    present::entry(&stored, &event, services.router.snapshot().view()).map(Json)
}

/// The event of a path.
pub(super) async fn find(services: &Services, bus: &str, sequence: &str) -> Result<StoredEvent, Problem> {
    let id = services
        .router
        .snapshot()
        .bus(bus)
        .ok_or_else(|| no_such_bus(bus))?
        .id;
    let sequence: u64 = sequence
        .parse()
        .map_err(|_| Problem::new(400, "invalid-sequence", "a sequence is a whole number from 1"))?;
    let log = services.log.clone();
    let found = blocking(move || Ok(log.event(id, sequence)?)).await?;
    found.ok_or_else(|| {
        Problem::new(
            404,
            "no-such-event",
            format!("the bus `{bus}` has no event {sequence}"),
        )
    })
}

async fn start(services: &Services, bus: BusId, query: &EventsQuery) -> Result<u64, Problem> {
    if let Some(cursor) = &query.cursor {
        let place = page::decode(cursor)?;
        return place.parse().map_err(|_| page::invalid_cursor());
    }
    select::from(&services.log, bus, query.from.as_deref().unwrap_or("earliest")).await
}

fn parse_wait(text: &str) -> Result<Duration, Problem> {
    let (number, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1_000),
        (None, None) => (text, 1_000),
    };
    let amount: u64 = number
        .parse()
        .map_err(|_| Problem::new(400, "invalid-wait", "wait is a time such as 5s or 500ms"))?;
    Ok(Duration::from_millis(amount.saturating_mul(unit_ms)).min(MAX_WAIT))
}

/// Whether the bus has an event at or after `from` before `end`.
async fn wait_for(services: &Services, state: &AppState, bus: BusId, from: u64, end: Instant) -> bool {
    let mut last = services.log.watch(bus);
    let coming = async { last.wait_for(|last| *last >= from.max(1)).await.is_ok() };
    let waiting = tokio::time::timeout_at(end, coming);
    matches!(state.stop.run_until_cancelled(waiting).await, Some(Ok(true)))
}

/// Which events are looked for, and from where on.
#[derive(Clone)]
pub(super) struct Scan {
    pub(super) bus: BusId,
    pub(super) from: u64,
    pub(super) limit: usize,
    kind: Option<String>,
    pub(super) source: Option<String>,
    pub(super) id: Option<String>,
}

impl Scan {
    /// Whether an event is one of them.
    pub(super) fn wants(&self, event: &Event) -> bool {
        select::is(self.kind.as_deref(), event.kind())
            && select::is(self.source.as_deref(), event.source())
            && select::is(self.id.as_deref(), event.id())
    }

    /// The events found, and the sequence behind the last one looked at.
    async fn run(&self, services: &Services) -> Result<(EventList, u64), Problem> {
        let (scan, log) = (self.clone(), services.log.clone());
        let view = Arc::clone(services.router.snapshot().view());
        blocking(move || {
            let (mut items, mut gaps) = (Vec::new(), Vec::new());
            let mut next = scan.from.max(1);
            let (mut scanned, mut bytes) = (0, 0);
            'scan: while items.len() < scan.limit && scanned < MAX_SCANNED {
                let chunk = match chunk::read(&log, scan.bus, next, CHUNK, CHUNK_BYTES)? {
                    Chunk::Gap(gap, behind) => {
                        scanned += 1;
                        next = behind;
                        gaps.push(gap);
                        continue;
                    }
                    Chunk::Events(events) => events,
                };
                if chunk.is_empty() {
                    break;
                }
                for stored in chunk {
                    next = stored.sequence + 1;
                    scanned += 1;
                    let event = present::stored_event(&stored)?;
                    if scan.wants(&event) {
                        let entry = present::entry(&stored, &event, &view)?;
                        bytes += entry.event.get().len();
                        items.push(entry);
                        if items.len() == scan.limit || bytes >= PAGE_BYTES {
                            break 'scan;
                        }
                    }
                }
            }
            let has_more = next < log.next_sequence(scan.bus);
            let next_cursor = has_more.then(|| page::encode(&next.to_string()));
            let list = EventList {
                items,
                next_cursor,
                gaps,
            };
            Ok((list, next))
        })
        .await
    }
}
