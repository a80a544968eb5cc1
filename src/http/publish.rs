//! Publishing: the three modes of the CloudEvents HTTP binding, and plain JSON.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::StatusCode;
use http::header::ALLOW;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::blocking::blocking;
use super::body;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::present;
use super::problem::fault_of;
use super::problem::no_such_bus;
use super::refusal::entry_fault;
use super::refusal::of_entries;
use super::refusal::refused;
use super::refusal::refused_alone;
use super::state::AppState;
use super::state::Limits;
use super::state::Services;
use crate::api::PartialReply;
use crate::api::PartialResult;
use crate::api::PublishReply;
use crate::api::PublishResult;
use crate::clock::rfc3339;
use crate::event;
use crate::event::Defaults;
use crate::event::Event;
use crate::event::Mode;
use crate::ingest::PublishError;
use crate::ingest::Published;
use crate::ingest::Refusal;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::target::HOPS_HEADER;

/// How to take a batch.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PublishQuery {
    /// Accept the good entries of a batch and answer 200 with a result or an error for each. A
    /// single event is answered as ever.
    #[serde(default)]
    #[param(default = false)]
    partial: bool,
}

/// Publish events to a bus.
///
/// One event in binary or structured mode, a batch of them, or a plain JSON object with at
/// least `type` and `source`. A batch is accepted whole or not at all, unless `partial` is asked for.
#[utoipa::path(
    post, path = "/v1/buses/{bus}/events", tag = "events", operation_id = "publishEvents",
    params(("bus" = String, Path, description = "Name of the bus"), PublishQuery),
    request_body(content(
        (Object = "application/cloudevents+json"),
        (Vec<Object> = "application/cloudevents-batch+json"),
        (Object = "application/json"),
    ), description = "A CloudEvent; in binary mode the data alone, with the attributes in ce-* headers"),
    responses(
        (status = 200, description = "With `partial`, what became of each entry", body = PartialReply),
        (status = 202, description = "Accepted and on disk", body = PublishReply),
        (status = 400, description = "Not a CloudEvent", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The source is not registered or did not declare the type; or the bus is `system`, whose events the server makes", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a form of CloudEvents", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The data violates the schema of its type", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn publish(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<PublishQuery>,
    ApiPath(bus): ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    accept(&state, &bus, query.partial, request).await
}

/// Publish events to the bus `default`.
#[utoipa::path(
    post, path = "/events", tag = "events", operation_id = "publishDefaultEvents", params(PublishQuery),
    request_body(content(
        (Object = "application/cloudevents+json"),
        (Vec<Object> = "application/cloudevents-batch+json"),
        (Object = "application/json"),
    ), description = "As for a named bus"),
    responses(
        (status = 200, description = "With `partial`, what became of each entry", body = PartialReply),
        (status = 202, description = "Accepted and on disk", body = PublishReply),
        (status = 400, description = "Not a CloudEvent", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The source is not registered or did not declare the type", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a form of CloudEvents", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The data violates the schema of its type", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn publish_default(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<PublishQuery>,
    request: Request,
) -> Result<Response, Problem> {
    accept(&state, "default", query.partial, request).await
}

/// Consent to webhook deliveries (CloudEvents HTTP webhook, 4).
#[utoipa::path(
    options, path = "/v1/buses/{bus}/events", tag = "events", operation_id = "publishHandshake",
    params(("bus" = String, Path, description = "Name of the bus")),
    responses((status = 200, description = "Any origin may deliver at any rate")),
)]
pub(super) async fn handshake() -> impl IntoResponse {
    consent()
}

/// Consent to webhook deliveries to the bus `default`.
#[utoipa::path(
    options, path = "/events", tag = "events", operation_id = "publishDefaultHandshake",
    responses((status = 200, description = "Any origin may deliver at any rate")),
)]
pub(super) async fn handshake_default() -> impl IntoResponse {
    consent()
}

fn consent() -> impl IntoResponse {
    [
        (ALLOW.as_str(), "POST, OPTIONS"),
        ("webhook-allowed-origin", "*"),
        ("webhook-allowed-rate", "*"),
    ]
}

async fn accept(state: &AppState, bus: &str, partial: bool, request: Request) -> Result<Response, Problem> {
    let services = state.services()?;
    match services.router.snapshot().bus(bus) {
        None => return Err(no_such_bus(bus)),
        Some(rules) if rules.name.is_system() => {
            let detail = "only the server publishes to the bus `system`; rules may take its events elsewhere";
            return Err(Problem::new(403, "reserved-bus", detail));
        }
        Some(_) => {}
    }
    let form = Form::of(request.headers())?;
    let hops = hops(request.headers())?;
    let headers = if form == Form::Event(Mode::Binary) {
        request.headers().clone()
    } else {
        HeaderMap::new()
    };
    let (max, code) = match form {
        Form::Event(Mode::Batch) => (state.limits.batch_bytes, "batch-too-large"),
        _ => (state.limits.event_bytes, "event-too-large"),
    };
    let held = body::read(request, max, code).await?;
    let body = held.bytes.clone();
    let events = match form {
        Form::Event(Mode::Binary) => vec![event::event_from_headers(&headers, body)?],
        Form::Event(Mode::Structured) => vec![event::event_from_json(&body, None)?],
        Form::Plain => vec![event::event_from_json(&body, Some(defaults(state)))?],
        Form::Event(Mode::Batch) => {
            let entries = entries(&body, state.limits)?;
            if partial {
                let (results, faults) = store_good(services, bus, entries, hops).await?;
                let reply = by_entry(state.info.durability, results, faults);
                return Ok((StatusCode::OK, Json(reply)).into_response());
            }
            whole_batch(services, bus, entries).await?
        }
    };
    let results = store(services, bus, &events, hops)
        .await
        .map_err(|error| match error {
            Unstored::Refused(refusals) if form != Form::Event(Mode::Batch) => refused_alone(&refusals),
            error => error.into(),
        })?;
    let reply = PublishReply {
        results,
        durability: state.info.durability.to_owned(),
    };
    Ok((StatusCode::ACCEPTED, Json(reply)).into_response())
}

/// How often the events have been published already: one more than the webhook call that brings
/// them back says.
fn hops(headers: &HeaderMap) -> Result<u8, Problem> {
    let Some(value) = headers.get(HOPS_HEADER) else {
        return Ok(0);
    };
    let digits = value.to_str().ok().filter(|text| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number && !text.is_empty()
    });
    let digits = digits.ok_or_else(|| {
        let detail = format!("the header {HOPS_HEADER} is a whole number; leave it out");
        Problem::new(400, "invalid-hops", detail)
    })?;
    // More than fits is too many as well.
    Ok(digits.parse().unwrap_or(u8::MAX).saturating_add(1))
}

/// Publishes events, all or none of them.
async fn store(
    services: &Services,
    bus: &str,
    events: &[Event],
    hops: u8,
) -> Result<Vec<PublishResult>, Unstored> {
    let published = match services.publisher.publish(bus, events, hops).await {
        Err(PublishError::Refused(refusals)) => return Err(Unstored::Refused(refusals)),
        other => other.map_err(Problem::from)?,
    };
    let published = as_first_decided(services, bus, published).await?;
    let results = events
        .iter()
        .zip(published)
        .map(|(event, published)| PublishResult {
            id: event.id().to_owned(),
            source: event.source().to_owned(),
            sequence: published.sequence,
            matched_count: published.matched.len(),
            matched: present::named(published.matched),
            duplicate: published.is_duplicate,
        });
    Ok(results.collect())
}

/// Why events were not stored.
enum Unstored {
    /// Some are not admitted.
    Refused(Vec<Refusal>),
    /// Anything else.
    Failed(Problem),
}

impl From<Problem> for Unstored {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<Unstored> for Problem {
    fn from(unstored: Unstored) -> Self {
        match unstored {
            Unstored::Refused(refusals) => refused(&refusals),
            Unstored::Failed(problem) => problem,
        }
    }
}

/// Each fault at the place of its entry, the results in between.
fn by_entry(durability: &str, accepted: Vec<PublishResult>, faults: Vec<Fault>) -> PartialReply {
    let count = accepted.len() + faults.len();
    let (mut accepted, mut faults) = (accepted.into_iter(), faults.into_iter().peekable());
    let results = (0..count).filter_map(|index| match faults.next_if(|fault| fault.index == Some(index)) {
        Some(fault) => Some(PartialResult::Refused {
            error: fault.clipped(),
        }),
        None => accepted.next().map(PartialResult::Accepted),
    });
    PartialReply {
        results: results.collect(),
        durability: durability.to_owned(),
    }
}

/// Duplicates with the rules that matched when they came first, whatever the rules say now.
async fn as_first_decided(
    services: &Services,
    bus: &str,
    mut published: Vec<Published>,
) -> Result<Vec<Published>, Problem> {
    if !published.iter().any(|event| event.is_duplicate) {
        return Ok(published);
    }
    let snapshot = services.router.snapshot();
    let bus = snapshot.bus(bus).ok_or_else(|| no_such_bus(bus))?.id;
    let (log, view) = (services.log.clone(), Arc::clone(snapshot.view()));
    blocking(move || {
        for duplicate in published.iter_mut().filter(|event| event.is_duplicate) {
            if let Some(first) = log.event(bus, duplicate.sequence)? {
                duplicate.matched = present::matched(&first, &view);
            }
        }
        Ok(published)
    })
    .await
}

pub(super) fn defaults(state: &AppState) -> Defaults {
    Defaults {
        id: Uuid::new_v4().to_string(),
        time: rfc3339(state.clock.now_ms()),
    }
}

/// The entries of a batch.
#[derive(Debug, Default)]
struct Entries {
    /// The good ones with their places, ascending.
    good: Vec<(usize, Event)>,
    /// What is wrong with the others, ascending.
    faults: Vec<Fault>,
}

fn entries(body: &Bytes, limits: Limits) -> Result<Entries, Problem> {
    let max = limits.batch_events;
    let entries = event::batch_entries(body, max)?.ok_or_else(|| {
        let detail = format!("the batch has more events than the limit of {max}; send several");
        Problem::new(413, "batch-too-large", detail)
    })?;
    let mut read = Entries::default();
    for (index, entry) in entries.iter().enumerate() {
        if entry.len() > limits.event_bytes {
            read.faults.push(Fault {
                index: Some(index),
                code: "event-too-large".into(),
                detail: format!("the event is larger than {} bytes", limits.event_bytes),
                ..Fault::default()
            });
            continue;
        }
        match event::event_from_json(entry, None) {
            Ok(event) => read.good.push((index, event)),
            Err(error) => read.faults.push(fault_of(&error, Some(index))),
        }
    }
    Ok(read)
}

/// All entries of a batch, of which none may be bad. Where one is, the others are judged too, because
/// the first of all that are bad gives the status.
async fn whole_batch(services: &Services, bus: &str, entries: Entries) -> Result<Vec<Event>, Problem> {
    let (places, events): (Vec<_>, Vec<_>) = entries.good.into_iter().unzip();
    if entries.faults.is_empty() {
        return Ok(events);
    }
    let refusals = services.publisher.refusals(bus, &events).await;
    let mut faults = entries.faults;
    faults.extend(refusals.iter().map(|refusal| entry_fault(refusal, &places)));
    faults.sort_by_key(|fault| fault.index);
    Err(of_entries(faults))
}

/// Publishes the good entries of a batch; those that are refused are bad ones too.
async fn store_good(
    services: &Services,
    bus: &str,
    entries: Entries,
    hops: u8,
) -> Result<(Vec<PublishResult>, Vec<Fault>), Problem> {
    let Entries { mut good, mut faults } = entries;
    // Each round but the last takes at least one out; more than two only if the schemas change meanwhile.
    loop {
        let (places, events): (Vec<_>, Vec<_>) = good.into_iter().unzip();
        match store(services, bus, &events, hops).await {
            Ok(results) => {
                faults.sort_by_key(|fault| fault.index);
                return Ok((results, faults));
            }
            Err(Unstored::Refused(refusals)) => {
                let refused: HashSet<usize> = refusals.iter().map(|refusal| refusal.index).collect();
                faults.extend(refusals.iter().map(|refusal| entry_fault(refusal, &places)));
                let numbered = places.into_iter().zip(events).enumerate();
                good = numbered
                    .filter(|(place, _)| !refused.contains(place))
                    .map(|(_, entry)| entry)
                    .collect();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The forms in which events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In a mode of the HTTP binding.
    Event(Mode),
    /// An object of plain JSON.
    Plain,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(mode) = Mode::of(headers)? {
            return Ok(Self::Event(mode));
        }
        let content_type = headers.get(CONTENT_TYPE);
        if content_type.is_some_and(|kind| kind.to_str().is_ok_and(event::is_json)) {
            return Ok(Self::Plain);
        }
        let detail = "send application/cloudevents+json, application/cloudevents-batch+json, application/json, \
                      or the attributes in ce-* headers";
        Err(Problem::new(415, "unsupported-media-type", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_taken_and_other_types_are_refused() {
        let form = |content_type: &'static str| {
            let content_type = http::HeaderValue::from_static(content_type);
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
            Form::of(&headers).map_err(|problem| problem.status)
        };
        assert_eq!(form("application/json"), Ok(Form::Plain));
        assert_eq!(form("application/vnd.x+json"), Ok(Form::Plain));
        assert_eq!(
            form("application/cloudevents+json"),
            Ok(Form::Event(Mode::Structured))
        );
        for unknown in ["application/cloudevents+avro", "text/plain", ""] {
            assert_eq!(form(unknown), Err(415), "{unknown}");
        }
        assert_eq!(Form::of(&HeaderMap::new()).unwrap_err().status, 415);
    }

    #[test]
    fn an_event_that_comes_back_has_one_hop_more() {
        let hops_of = |value: &'static str| {
            let value = http::HeaderValue::from_static(value);
            hops(&HeaderMap::from_iter([(
                http::HeaderName::from_static(HOPS_HEADER),
                value,
            )]))
            .map_err(|problem| problem.code)
        };
        assert_eq!(hops(&HeaderMap::new()).unwrap(), 0);
        for (value, expected) in [("0", 1), ("15", 16), ("254", 255), ("255", 255), ("99999", 255)] {
            assert_eq!(hops_of(value), Ok(expected), "{value}");
        }
        for bad in ["", "-1", "x", "1.5", "+1", "0x1"] {
            assert_eq!(hops_of(bad), Err("invalid-hops".to_owned()), "{bad}");
        }
    }
}
