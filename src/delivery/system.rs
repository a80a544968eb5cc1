//! Events about deliveries on the bus `system`: what owners of routes want to be told.
//!
//! Best effort, and it never holds up a delivery: [`Shared::emit`] puts an event into a bounded
//! queue and returns. What waits there when the process dies is not published (a few milliseconds
//! of them, or what a full disk held up); what became of the deliveries themselves is on record
//! all the same. A queue that is full counts what it leaves out and says so in an event of its
//! own. Dead letters that come together are one event for each route and code.
//!
//! Events about deliveries of the bus `system` itself are counted only: they would never end.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dead_letters::DeadLetterId;
use super::engine::Shared;
use crate::catalog::BusName;
use crate::clock::rfc3339;
use crate::event::AttributeName;
use crate::event::AttributeValue;
use crate::event::Data;
use crate::event::Event;
use crate::event::EventError;
use crate::log::AppendError;
use crate::log::RouteId;

/// System events that wait to be published: some seconds of the worst storm.
const WAITING: usize = 4_096;
/// Events of one append.
const TOGETHER: usize = 64;
/// Deliveries that one event names; it counts all of them.
const NAMED: usize = 100;
/// Longest reason in an event, in characters.
const REASON_CHARS: usize = 500;
/// While the log has no room, it is asked again after this long.
const AGAIN: Duration = Duration::from_millis(200);

/// Something that happened to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SystemEvent {
    /// Deliveries ended as dead letters, for one code.
    DeadLetters {
        /// Stable code of the reason.
        code: String,
        /// The reason of the first, in words.
        reason: String,
        /// Their sequences.
        sequences: Vec<u64>,
    },
    /// Its target takes nothing any more.
    RouteDisabled {
        /// Stable word.
        reason: String,
    },
    /// Its circuit opened, after it was closed.
    CircuitOpened {
        /// When the first probe goes through, Unix milliseconds.
        until_ms: i64,
    },
    /// Deliveries were given up to keep the log within its bounds.
    GaveUp {
        /// `hard-limit` or `letter-expired`.
        code: &'static str,
        /// Their sequences.
        sequences: Vec<u64>,
    },
}

/// A system event with its route and its time.
#[derive(Debug, Clone)]
struct Told {
    route: RouteId,
    at_ms: i64,
    what: SystemEvent,
}

/// The queue between deliveries and the bus `system`.
pub(super) struct Outbox {
    sender: mpsc::Sender<Told>,
    /// Taken by the task that publishes.
    receiver: Mutex<Option<mpsc::Receiver<Told>>>,
    /// Left out because the queue was full, and not said yet.
    missed: AtomicU64,
}

impl Default for Outbox {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
            missed: AtomicU64::new(0),
        }
    }
}

impl SystemEvent {
    const fn kind(&self) -> &'static str {
        match self {
            Self::DeadLetters { .. } => "tramline.dead_letter.created",
            Self::RouteDisabled { .. } => "tramline.route.disabled",
            Self::CircuitOpened { .. } => "tramline.circuit.opened",
            Self::GaveUp { .. } => "tramline.retention.gave_up",
        }
    }

    /// What it says beside the names of its route.
    fn facts(&self, route: RouteId) -> Vec<(&'static str, Value)> {
        match self {
            Self::DeadLetters {
                code,
                reason,
                sequences,
            } => {
                let reason: String = reason.chars().take(REASON_CHARS).collect();
                let named = first(sequences).iter();
                let letters: Vec<_> = named
                    .map(|sequence| DeadLetterId::new(route, *sequence).to_string())
                    .collect();
                vec![
                    ("code", json!(code)),
                    ("reason", json!(reason)),
                    ("count", json!(sequences.len())),
                    ("sequences", json!(first(sequences))),
                    ("letters", json!(letters)),
                ]
            }
            Self::RouteDisabled { reason } => vec![("reason", json!(reason))],
            Self::CircuitOpened { until_ms } => vec![("until", json!(rfc3339(*until_ms)))],
            Self::GaveUp { code, sequences } => vec![
                ("code", json!(code)),
                ("count", json!(sequences.len())),
                ("sequences", json!(first(sequences))),
            ],
        }
    }

    /// Takes in another one if it says the same of more deliveries; false if it does not.
    fn take_in(&mut self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::DeadLetters { code, sequences, .. },
                Self::DeadLetters {
                    code: same,
                    sequences: more,
                    ..
                },
            ) if code == same => sequences.extend_from_slice(more),
            _ => return false,
        }
        true
    }
}

fn first(sequences: &[u64]) -> &[u64] {
    sequences.get(..NAMED).unwrap_or(sequences)
}

impl Shared {
    /// Tells the bus `system` what happened to a route. Never waits; see the module for what may be lost.
    pub(super) fn emit(&self, route: RouteId, what: SystemEvent) {
        metrics::counter!("tramline_system_events_total", "type" => what.kind()).increment(1);
        let view = self.view.load();
        let is_own = |names: &crate::catalog::RouteNames| names.bus.is_system();
        if view.route(route).is_some_and(is_own) {
            return;
        }
        let told = Told {
            route,
            at_ms: self.clock.now_ms(),
            what,
        };
        // Only the end of the process closes the queue.
        if self.outbox.sender.try_send(told).is_err() {
            self.outbox.missed.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("tramline_system_events_missed_total").increment(1);
        }
    }

    /// Publishes what was emitted until `stop`; then what is left, as far as the log takes it at once.
    pub(super) async fn publish_system_events(&self, stop: CancellationToken) {
        let Some(mut queue) = self.outbox.receiver.lock().take() else {
            return;
        };
        let mut taken = Vec::new();
        loop {
            let wait = queue.recv_many(&mut taken, WAITING);
            // Cancel-safe: nothing is taken by a wait that is given up.
            if stop.run_until_cancelled(wait).await.is_none() {
                while let Ok(told) = queue.try_recv() {
                    taken.push(told);
                }
            }
            let events = self.system_events(merged(taken.drain(..)));
            for group in events.chunks(TOGETHER) {
                if !self.publish_group(group, &stop).await {
                    return;
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    fn system_events(&self, told: Vec<Told>) -> Vec<Event> {
        let missed = self.outbox.missed.swap(0, Ordering::Relaxed);
        let missed = (missed > 0).then(|| {
            let facts = vec![("count", json!(missed))];
            event("tramline.system.missed", "", self.clock.now_ms(), facts)
        });
        let view = self.view.load();
        let events = told.into_iter().map(|told| {
            let mut facts = told.what.facts(told.route);
            let names = view.route(told.route);
            let parts = names.map(|names| (names.bus.as_str(), names.rule.as_str(), names.target.as_str()));
            let (bus, rule, target) = parts.unwrap_or_default();
            facts.extend([
                ("bus", json!(bus)),
                ("rule", json!(rule)),
                ("target", json!(target)),
            ]);
            event(
                told.what.kind(),
                &format!("{bus}/{rule}/{target}"),
                told.at_ms,
                facts,
            )
        });
        let sound = |made: Result<Event, EventError>| {
            made.inspect_err(|error| tracing::error!(%error, "a system event is no event"))
                .ok()
        };
        events.chain(missed).filter_map(sound).collect()
    }

    /// False when the log is closed.
    async fn publish_group(&self, events: &[Event], stop: &CancellationToken) -> bool {
        let bus = BusName::system();
        loop {
            let prepared = events
                .iter()
                .filter_map(|event| self.publish.prepare(bus.as_str(), event).ok());
            let (buses, new): (Vec<_>, Vec<_>) = prepared.unzip();
            let Some(bus) = buses.first() else { return true };
            match self.log.append(*bus, new, Vec::new()).await {
                Ok(_) => return true,
                Err(AppendError::Overloaded | AppendError::StorageFull | AppendError::LookupFailed)
                    if !stop.is_cancelled() =>
                {
                    stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
                }
                Err(error) => {
                    tracing::error!(%error, count = events.len(), "system events could not be published");
                    return !matches!(
                        error,
                        AppendError::OutcomeUnknown | AppendError::Poisoned | AppendError::Closed
                    );
                }
            }
        }
    }
}

/// Makes one event of those that say the same of the same route.
fn merged(told: impl Iterator<Item = Told>) -> Vec<Told> {
    let mut merged: Vec<Told> = Vec::new();
    for told in told {
        let mut known = merged.iter_mut().filter(|known| known.route == told.route);
        if !known.any(|known| known.what.take_in(&told.what)) {
            merged.push(told);
        }
    }
    merged
}

fn event(
    kind: &str,
    subject: &str,
    at_ms: i64,
    facts: Vec<(&'static str, Value)>,
) -> Result<Event, EventError> {
    let facts: Map<String, Value> = facts
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut attributes = vec![
        ("id", Uuid::new_v4().to_string()),
        ("source", "/tramline".to_owned()),
        ("type", kind.to_owned()),
        ("time", rfc3339(at_ms)),
        ("datacontenttype", "application/json".to_owned()),
    ];
    if !subject.is_empty() {
        attributes.push(("subject", subject.to_owned()));
    }
    let attributes: Result<Vec<_>, _> = attributes
        .into_iter()
        .map(|(name, value)| Ok((AttributeName::parse(name)?, AttributeValue::String(value))))
        .collect();
    Event::new(
        attributes?,
        Data::Json(Bytes::from(Value::Object(facts).to_string())),
    )
}
