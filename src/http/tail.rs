//! The live tail of a bus as server-sent events (WHATWG HTML, 9.2).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::chunk;
use super::chunk::Chunk;
use super::events::CHUNK_BYTES;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::present;
use super::problem::no_such_bus;
use super::select;
use super::state::AppState;
use crate::api::Gap;
use crate::event::Event;
use crate::filter::Match;
use crate::log::BusId;
use crate::log::StoredEvent;
use crate::pattern::EventView;
use crate::pattern::RuleSet;
use crate::problem::Problem;
use crate::routing::json_data;
use crate::routing::view_of;

/// Without a match for this long, the client's position is moved on.
const POSITION_EVERY: Duration = Duration::from_secs(5);
/// Something is sent at least this often, so that proxies keep the connection.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// Events read at once.
const CHUNK: usize = 200;

/// What to follow.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TailQuery {
    /// Only events that this matches: the `match` of a rule, in any of its languages, as JSON.
    #[serde(rename = "match")]
    #[param(rename = "match")]
    pattern: Option<String>,
    /// Only events of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
    /// Only events of this source.
    source: Option<String>,
    /// Only events that this rule matched when they were accepted.
    rule: Option<String>,
    /// Where to begin: `earliest`, `latest` (default), a sequence, or an RFC 3339 time.
    from: Option<String>,
}

/// Follow a bus: its events as they become durable, as server-sent events.
///
/// The first block tells where the tail begins. `id:` is the sequence; with `Last-Event-ID` the tail resumes behind it.
/// Each block is an `event`, or a `gap`: events that are not there any more, from, to and why.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/tail", tag = "events", operation_id = "tail",
    params(
        ("bus" = String, Path, description = "Name of the bus"), TailQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "Resume behind this sequence"),
    ),
    responses(
        (status = 200, description = "Events as they come", body = String, content_type = "text/event-stream"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Last-Event-ID is ahead of the bus", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The pattern is invalid", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn tail(
    State(state): State<Arc<AppState>>,
    ApiPath(bus): ApiPath<String>,
    ApiQuery(query): ApiQuery<TailQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let id = services
        .router
        .snapshot()
        .bus(&bus)
        .ok_or_else(|| no_such_bus(&bus))?
        .id;
    let next = start(&state, id, &headers, query.from.as_deref()).await?;
    let filter = Filter {
        rules: wanted(query.pattern.as_deref())?,
        kind: query.kind,
        source: query.source,
        rule: query.rule,
    };
    // A client that loses the connection before the first event resumes here; it could not where it
    // asked to begin ahead of the bus.
    let is_there = next <= services.log.next_sequence(id);
    let told = next.saturating_sub(1);
    let now = Instant::now();
    let feed = Tail {
        begin: is_there.then(|| position_block(told)),
        watch: services.log.watch(id),
        state: Arc::clone(&state),
        bus: id,
        next,
        filter: Arc::new(filter),
        told,
        position_at: now + POSITION_EVERY,
        comment_at: now + COMMENT_EVERY,
    };
    let body = stream::unfold(feed, async |mut feed| {
        let block = feed.next_block().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(block), feed))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn wanted(text: Option<&str>) -> Result<Option<RuleSet<()>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let value = serde_json::from_str(text)
        .map_err(|error| Problem::new(400, "invalid-query", format!("match is not JSON: {error}")))?;
    let wanted = Match::parse(&value).map_err(|errors| super::rule_test::refused(&errors, "/match", None))?;
    Ok(Some(RuleSet::compile([((), &wanted)])))
}

/// The first sequence to send.
async fn start(
    state: &AppState,
    bus: BusId,
    headers: &HeaderMap,
    from: Option<&str>,
) -> Result<u64, Problem> {
    let log = &state.services()?.log;
    let next = log.next_sequence(bus);
    if let Some(last) = headers.get("last-event-id") {
        let last: u64 = last
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| Problem::new(400, "invalid-last-event-id", "Last-Event-ID is a sequence"))?;
        if last >= next {
            let detail = format!("Last-Event-ID {last} is ahead of the bus, whose next sequence is {next}");
            return Err(Problem::new(409, "sequence-ahead", detail));
        }
        return Ok(last + 1);
    }
    select::from(log, bus, from.unwrap_or("latest")).await
}

struct Filter {
    rules: Option<RuleSet<()>>,
    kind: Option<String>,
    source: Option<String>,
    rule: Option<String>,
}

impl Filter {
    fn admits(&self, event: &Event, matched: &[String]) -> bool {
        select::is(self.kind.as_deref(), event.kind())
            && select::is(self.source.as_deref(), event.source())
            && self.rule.as_ref().is_none_or(|rule| matched.contains(rule))
            && self.rules.as_ref().is_none_or(|rules| {
                let attributes = view_of(event);
                !rules
                    .matching(&EventView {
                        attributes: &attributes,
                        data: json_data(event),
                    })
                    .is_empty()
            })
    }
}

struct Tail {
    /// What tells where the tail begins, until it is sent.
    begin: Option<Bytes>,
    state: Arc<AppState>,
    watch: watch::Receiver<u64>,
    bus: BusId,
    /// The next sequence to look at.
    next: u64,
    filter: Arc<Filter>,
    /// The last sequence that the client knows.
    told: u64,
    position_at: Instant,
    comment_at: Instant,
}

impl Tail {
    /// The next bytes to send; `None` when the server stops or the log cannot be read.
    async fn next_block(&mut self) -> Option<Bytes> {
        if let Some(block) = self.begin.take() {
            return Some(block);
        }
        loop {
            if self.state.stop.is_cancelled() {
                return None;
            }
            // Registered before the look, so that nothing falls between look and wait.
            self.watch.mark_unchanged();
            let block = self.read().await?;
            if !block.is_empty() {
                self.told = self.next - 1;
                self.position_at = Instant::now() + POSITION_EVERY;
                self.comment_at = Instant::now() + COMMENT_EVERY;
                return Some(block.into());
            }
            // Also before reading on: a bus that is never quiet must not keep the client where it was.
            if let Some(block) = self.position() {
                return Some(block);
            }
            if self.next <= *self.watch.borrow() {
                continue;
            }
            tokio::select! {
                () = self.state.stop.cancelled() => return None,
                changed = self.watch.changed() => changed.ok()?,
                () = tokio::time::sleep_until(self.position_at) => {}
                () = tokio::time::sleep_until(self.comment_at) => {
                    self.comment_at = Instant::now() + COMMENT_EVERY;
                    return Some(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }

    /// The block that moves the client on, when it is due and there is something to tell.
    fn position(&mut self) -> Option<Bytes> {
        let now = Instant::now();
        if now < self.position_at {
            return None;
        }
        self.position_at = now + POSITION_EVERY;
        if self.told + 1 >= self.next {
            return None;
        }
        self.told = self.next - 1;
        self.comment_at = now + COMMENT_EVERY;
        Some(position_block(self.told))
    }

    /// Reads the next events and moves on; what the filter admits, as blocks.
    async fn read(&mut self) -> Option<Vec<u8>> {
        let services = self.state.services().ok()?;
        let (log, bus, from, filter) = (
            services.log.clone(),
            self.bus,
            self.next,
            Arc::clone(&self.filter),
        );
        if from >= log.next_sequence(bus) {
            return Some(Vec::new());
        }
        let view = Arc::clone(services.router.snapshot().view());
        let read = blocking(move || {
            let mut out = Vec::new();
            let mut next = from;
            let chunk = match chunk::read(&log, bus, from, CHUNK, CHUNK_BYTES)? {
                Chunk::Gap(gap, behind) => return Ok((gap_block(&gap), behind)),
                Chunk::Events(events) => events,
            };
            for stored in chunk {
                next = stored.sequence + 1;
                let event = present::stored_event(&stored)?;
                if filter.admits(&event, &present::matched(&stored, &view)) {
                    write_block(&stored, &event, &view, &mut out)?;
                }
            }
            Ok((out, next))
        });
        let (out, next) = read.await.ok()?;
        self.next = next;
        Some(out)
    }
}

/// Sets the client's last event id and shows it no event.
fn position_block(sequence: u64) -> Bytes {
    format!("id: {sequence}\n\n").into()
}

/// Says that events are not there any more, and sets the client's last event id behind them.
fn gap_block(gap: &Gap) -> Vec<u8> {
    let data = serde_json::to_string(gap).unwrap_or_default();
    format!("id: {}\nevent: gap\ndata: {data}\n\n", gap.to).into()
}

fn write_block(
    stored: &StoredEvent,
    event: &Event,
    view: &crate::catalog::View,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    out.extend_from_slice(format!("id: {}\nevent: event\ndata: ", stored.sequence).as_bytes());
    let entry = present::entry(stored, event, view)?;
    let json = serde_json::to_vec(&entry).map_err(|error| super::problem::internal(&error))?;
    // Data is forwarded verbatim and may hold line ends between its values; a space means the same.
    out.extend(
        json.into_iter()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }),
    );
    out.extend_from_slice(b"\n\n");
    Ok(())
}
