//! Ingest: takes valid events, decides where they go, and makes both durable in one write.

mod check;

use std::sync::Arc;

use crate::event;
use crate::event::Event;
use crate::log;
use crate::log::AppendError;
use crate::log::Appended;
use crate::log::BusId;
use crate::log::Log;
use crate::log::NewEvent;
use crate::routing::Decision;
use crate::routing::Router;

pub use check::Cause;
pub use check::Refusal;

/// Takes events for the buses. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    log: Log,
    router: Arc<Router>,
    published: metrics::Counter,
}

/// One accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its number on the bus; of the first one, if this is a duplicate.
    pub sequence: u64,
    /// Names of the rules it matched.
    pub matched: Vec<String>,
    /// Whether an event of this source and id had been accepted before.
    pub is_duplicate: bool,
}

/// Why events were not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// There is no bus of that name.
    #[error("there is no bus `{0}`")]
    NoSuchBus(String),
    /// Some are not admitted; nothing is stored. At least one, ascending by place.
    #[error("{} of the events are refused", .0.len())]
    Refused(Vec<Refusal>),
    /// The log refused; see there whether the events may be stored all the same.
    #[error("the events could not be made durable")]
    Append(#[from] AppendError),
}

impl Publisher {
    /// Takes events in the order given.
    #[must_use]
    pub fn new(log: Log, router: Arc<Router>) -> Self {
        let published = metrics::counter!("tramline_events_published_total");
        Self {
            log,
            router,
            published,
        }
    }

    /// Makes events durable together with the decision where they go: all of them or none.
    ///
    /// On return they are on disk. A dropped future may or may not have stored them, as a
    /// lost connection may; the same ids sent again are recognised. `hops` is how often they have
    /// been published by replies, bus targets and webhooks that lead back here.
    ///
    /// # Errors
    /// Nothing is stored, except after [`AppendError::OutcomeUnknown`].
    pub async fn publish(
        &self,
        bus: &str,
        events: &[Event],
        hops: u8,
    ) -> Result<Vec<Published>, PublishError> {
        let snapshot = self.router.snapshot();
        let rules = snapshot
            .bus(bus)
            .ok_or_else(|| PublishError::NoSuchBus(bus.to_owned()))?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let checked = check::check(&snapshot, self.router.origins(), bus, events).await;
        if !checked.refusals.is_empty() {
            checked.count_refused();
            return Err(PublishError::Refused(checked.refusals));
        }
        let decisions: Vec<Decision> = events.iter().map(|event| rules.decide(event)).collect();
        let new = events
            .iter()
            .zip(&decisions)
            .map(|(event, decision)| NewEvent {
                hops,
                ..self.record(event, decision)
            })
            .collect();
        let appended = self.log.append(rules.id, new, Vec::new()).await?;
        self.published.increment(u64::try_from(events.len()).unwrap_or(0));
        checked.count_warned();
        Ok(appended
            .into_iter()
            .zip(decisions)
            .map(|(appended, decision)| published(appended, &decision))
            .collect())
    }

    /// Which of the events would be refused now, ascending. Nothing is stored or counted.
    pub async fn refusals(&self, bus: &str, events: &[Event]) -> Vec<Refusal> {
        let snapshot = self.router.snapshot();
        check::check(&snapshot, self.router.origins(), bus, events)
            .await
            .refusals
    }

    /// An event with its decision, ready for the log, and the number of its bus.
    ///
    /// For events that delivery brings, which whoever brings them appends. Nothing is stored. Those of the
    /// bus `system`, which the server makes itself, are not judged.
    ///
    /// # Errors
    /// [`PublishError::NoSuchBus`] and [`PublishError::Refused`].
    pub fn prepare(&self, bus: &str, event: &Event) -> Result<(BusId, NewEvent), PublishError> {
        let snapshot = self.router.snapshot();
        let rules = snapshot
            .bus(bus)
            .ok_or_else(|| PublishError::NoSuchBus(bus.to_owned()))?;
        if !rules.name.is_system() {
            let checked = check::check_one(&snapshot, self.router.origins(), bus, event);
            checked.count_refused();
            if !checked.refusals.is_empty() {
                return Err(PublishError::Refused(checked.refusals));
            }
            checked.count_warned();
        }
        Ok((rules.id, self.record(event, &rules.decide(event))))
    }

    fn record(&self, event: &Event, decision: &Decision) -> NewEvent {
        NewEvent {
            key: log::dedup_key(&self.log.uuid(), event.source(), event.id()),
            generation: decision.generation,
            hops: 0,
            cause: None,
            routes: decision.routes(),
            attributes: event::encode_attributes(event),
            data: event.data().bytes().clone(),
        }
    }
}

fn published(appended: Appended, decision: &Decision) -> Published {
    let (sequence, is_duplicate) = match appended {
        Appended::Stored(sequence) => (sequence, false),
        Appended::Duplicate(sequence) => (sequence, true),
    };
    let matched = decision
        .rules
        .iter()
        .map(|rule| rule.name.as_str().to_owned())
        .collect();
    Published {
        sequence,
        matched,
        is_duplicate,
    }
}
