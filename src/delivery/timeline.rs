//! What became of one event on each of its routes.

use serde::Deserialize;

use super::engine::DeliveryError;
use super::engine::Engine;
use super::record;
use super::record::Attempt;
use super::record::Death;
use super::record::Finished;
use super::reply::REPLY_INVALID;
use crate::log::BusId;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StoredEvent;
use crate::log::StoredState;

/// Routes that are asked about an event which does not say itself which it took.
const MAX_ROUTES: usize = 1_000;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not tried yet.
    Pending,
    /// Tried; the next attempt is due later.
    Retrying,
    /// The target has the event.
    Delivered,
    /// Ended without success; a dead letter says why.
    Dead,
    /// Given up: its route was deleted before the event was delivered, or a record says why.
    Dropped,
}

/// One event on one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTimeline {
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Where the delivery stands.
    pub state: DeliveryState,
    /// Every attempt that was charged, in order.
    pub attempts: Vec<Attempt>,
    /// Code and reason, when it is dead or was given up, or its reply could not be published.
    pub death: Option<(String, String)>,
}

impl Engine {
    /// The timeline of an event on every route it was accepted for. Reads the log; blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn timeline(&self, event: &StoredEvent) -> Result<Vec<RouteTimeline>, DeliveryError> {
        event
            .routes
            .iter()
            .map(|route| self.on_route(*route, event.sequence))
            .collect()
    }

    /// What is still recorded of an event that is no longer kept, on the routes of its bus. Reads
    /// the log; blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn remains(&self, bus: BusId, sequence: u64) -> Result<Vec<RouteTimeline>, DeliveryError> {
        let view = self.shared.view.load();
        let of_bus = view.routes().filter(|names| names.bus_id == bus);
        let mut told = Vec::new();
        for names in of_bus.take(MAX_ROUTES) {
            let records = self.shared.log.route_states(names.id, sequence);
            if !records.map_err(DeliveryError::Log)?.is_empty() {
                told.push(self.on_route(names.id, sequence)?);
            }
        }
        Ok(told)
    }

    pub(super) fn on_route(&self, id: RouteId, sequence: u64) -> Result<RouteTimeline, DeliveryError> {
        let shared = &self.shared;
        // First what is not recorded yet: what leaves there in between is then in the log.
        let unrecorded = shared.progress.find(id, sequence);
        let records = shared
            .log
            .route_states(id, sequence)
            .map_err(DeliveryError::Log)?;
        let story = Story::of(&records, unrecorded, sequence);
        let view = shared.view.load();
        let names = view.route(id);
        let is_closed = names.is_none_or(|names| names.is_closed);
        let is_open = matches!(story.state, DeliveryState::Pending | DeliveryState::Retrying);
        Ok(RouteTimeline {
            rule: names
                .map(|names| names.rule.as_str().to_owned())
                .unwrap_or_default(),
            target: names
                .map(|names| names.target.as_str().to_owned())
                .unwrap_or_default(),
            state: if is_open && is_closed {
                DeliveryState::Dropped
            } else {
                story.state
            },
            attempts: story.attempts,
            death: story.death,
        })
    }
}

/// The payload of a `dropped` record.
#[derive(Deserialize)]
struct Dropped {
    reason: String,
}

struct Story {
    state: DeliveryState,
    attempts: Vec<Attempt>,
    death: Option<(String, String)>,
    failures: u32,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            death: None,
            failures: 0,
        }
    }
}

impl Story {
    /// What the records say, and a finish that may be among them already.
    fn of(records: &[StoredState], unrecorded: Option<Finished>, sequence: u64) -> Self {
        let mut story = Self::default();
        for record in records {
            story.tell(record, sequence);
        }
        if let Some(finished) = unrecorded
            && story.state != DeliveryState::Delivered
        {
            story.finish(finished.attempt(story.failures + 1));
        }
        story
    }

    fn tell(&mut self, record: &StoredState, sequence: u64) {
        match record.record.kind {
            StateKind::Progress => {
                if let Some(finished) = record::finished_in(record, sequence) {
                    self.finish(finished.attempt(self.failures + 1));
                }
            }
            StateKind::Retry => {
                self.state = DeliveryState::Retrying;
                self.failures += 1;
                self.attempts.extend(record::read::<Attempt>(record));
            }
            StateKind::Dead => {
                self.state = DeliveryState::Dead;
                if let Some(death) = record::read::<Death>(record) {
                    if death.code == REPLY_INVALID {
                        // The letter is about the reply: the call succeeded.
                        self.state = DeliveryState::Delivered;
                    }
                    self.attempts.extend(death.last);
                    self.death = Some((death.code, death.reason));
                }
            }
            StateKind::Redriven => {
                self.state = DeliveryState::Retrying;
                self.failures = 0;
                self.death = None;
            }
            StateKind::Dropped => {
                self.state = DeliveryState::Dropped;
                self.death = record::read::<Dropped>(record).map(|dropped| {
                    let reason = format!("the delivery was given up: {}", dropped.reason);
                    (dropped.reason, reason)
                });
            }
            _ => {}
        }
    }

    fn finish(&mut self, attempt: Attempt) {
        self.state = DeliveryState::Delivered;
        self.attempts.push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Phases;

    #[test]
    fn a_finish_that_is_recorded_while_the_story_is_told_is_told_once() {
        let finished = Finished {
            sequence: 7,
            at_ms: 1,
            ms: 2,
            status: 200,
            phases: Phases::default(),
        };
        let recorded = StoredState {
            time_ms: 3,
            record: record::progress(RouteId(1), &[finished]),
        };
        for records in [vec![], vec![recorded]] {
            let story = Story::of(&records, Some(finished), 7);
            assert_eq!(story.state, DeliveryState::Delivered);
            assert_eq!(story.attempts, [finished.attempt(1)]);
        }
    }
}
