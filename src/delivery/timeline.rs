//! What became of one event on each of its routes.

use super::engine::DeliveryError;
use super::engine::Engine;
use super::queue::Queue;
use super::record;
use super::record::Attempt;
use super::record::Death;
use super::record::Ending;
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
    /// Not tried yet; it waits behind another one of its key that failed.
    Held,
    /// The target has the event.
    Delivered,
    /// Ended without success; a dead letter says why.
    Dead,
    /// Given up on record: discarded, over a limit, or its route was deleted.
    Dropped,
}

impl DeliveryState {
    /// Whether the delivery has not ended.
    const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying | Self::Held)
    }
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
    /// Code and reason, when it is dead or dropped, or its reply could not be published.
    pub ending: Option<(String, String)>,
}

impl Engine {
    /// The timeline of an event on every route it was accepted for or given to later. Reads the
    /// log; blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn timeline(&self, bus: BusId, event: &StoredEvent) -> Result<Vec<RouteTimeline>, DeliveryError> {
        let mut routes = event.routes.clone();
        let others = self.routes_where(bus, |queue| queue.is_guest(event.sequence));
        routes.extend(others.into_iter().filter(|id| !event.routes.contains(id)));
        routes.sort_unstable();
        routes
            .into_iter()
            .map(|id| self.on_route(id, event.sequence))
            .collect()
    }

    /// What is left of the timeline of an event that its bus no longer keeps: the routes that have
    /// something to do with it or something on record, and the event if one of them keeps it. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn retired_timeline(
        &self,
        bus: BusId,
        sequence: u64,
    ) -> Result<(Vec<RouteTimeline>, Option<StoredEvent>), DeliveryError> {
        let mut routes = self.routes_where(bus, |queue| {
            queue.dead().contains(sequence) || queue.is_under_way(sequence) || queue.is_guest(sequence)
        });
        let view = self.shared.view.load();
        let of_bus = view.routes().filter(|names| names.bus_id == bus);
        for names in of_bus.take(MAX_ROUTES) {
            let records = self.shared.log.route_states(names.id, sequence);
            if !records.map_err(DeliveryError::Log)?.is_empty() {
                routes.push(names.id);
            }
        }
        routes.sort_unstable();
        routes.dedup();
        let mut event = None;
        let mut timelines = Vec::new();
        for id in routes {
            let mut timeline = self.on_route(id, sequence)?;
            let letter = self
                .shared
                .letters
                .find(id, sequence)
                .map_err(DeliveryError::Log)?;
            if let Some((letter, kept)) = letter {
                if timeline.state == DeliveryState::Pending {
                    timeline.state = DeliveryState::Dead;
                    timeline.attempts.extend(letter.death.last);
                    timeline.ending = Some((letter.death.code, letter.death.reason));
                }
                event = event.or(kept);
            }
            timelines.push(timeline);
        }
        Ok((timelines, event))
    }

    fn routes_where(&self, bus: BusId, is_meant: impl Fn(&Queue) -> bool) -> Vec<RouteId> {
        let routes = self.shared.routes.read();
        let of_bus = routes.values().filter(|route| route.bus == bus);
        of_bus
            .filter(|route| is_meant(&route.queue.lock()))
            .map(|route| route.id)
            .collect()
    }

    pub(super) fn on_route(&self, id: RouteId, sequence: u64) -> Result<RouteTimeline, DeliveryError> {
        let shared = &self.shared;
        // First what is not recorded yet: what leaves there in between is then in the log.
        let unrecorded = shared.progress.find(id, sequence);
        let records = shared
            .log
            .route_states(id, sequence)
            .map_err(DeliveryError::Log)?;
        let mut story = Story::of(&records, unrecorded, sequence);
        let view = shared.view.load();
        let names = view.route(id);
        let is_closed = names.is_none_or(|names| names.is_closed);
        if is_closed && story.state.is_open() {
            story.state = DeliveryState::Dropped;
            let ending = ("route-closed", "its rule or target was deleted");
            story.ending = Some((ending.0.to_owned(), ending.1.to_owned()));
        }
        Ok(RouteTimeline {
            rule: names
                .map(|names| names.rule.as_str().to_owned())
                .unwrap_or_default(),
            target: names
                .map(|names| names.target.as_str().to_owned())
                .unwrap_or_default(),
            state: story.state,
            attempts: story.attempts,
            ending: story.ending,
        })
    }
}

struct Story {
    state: DeliveryState,
    attempts: Vec<Attempt>,
    ending: Option<(String, String)>,
    failures: u32,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            ending: None,
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
                    self.ending = Some((death.code, death.reason));
                }
            }
            StateKind::Redriven => {
                // Given to this route, or back to it after attempts.
                self.state = if self.attempts.is_empty() {
                    DeliveryState::Pending
                } else {
                    DeliveryState::Retrying
                };
                self.failures = 0;
                self.ending = None;
            }
            StateKind::Held => self.state = DeliveryState::Held,
            StateKind::Dropped => {
                // What was called stays called, whatever became of the letter about its reply.
                if self.state != DeliveryState::Delivered {
                    self.state = DeliveryState::Dropped;
                }
                let ending = record::read::<Ending>(record);
                self.ending = ending.map(|ending| (ending.code, ending.reason));
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
