//! The state of every route as the log tells it, folded once at start.

use std::collections::BTreeMap;
use std::collections::HashMap;

use roaring::RoaringTreemap;

use super::queue::Queue;
use super::queue::Waiting;
use super::record;
use super::record::Attempt;
use crate::log::Log;
use crate::log::LogError;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StoredState;

/// Sequences read at a time from a route's queue in the log.
const CHUNK: usize = 4_096;

/// What the records of one route add up to.
#[derive(Debug, Default)]
pub(super) struct Folded {
    settled: RoaringTreemap,
    waiting: BTreeMap<u64, Waiting>,
    dead: RoaringTreemap,
}

/// Folds all state records of the log. Blocking; one pass.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn fold(log: &Log) -> Result<HashMap<RouteId, Folded>, LogError> {
    let mut routes: HashMap<RouteId, Folded> = HashMap::new();
    log.for_each_state(&mut |record| routes.entry(record.record.route).or_default().apply(&record))?;
    Ok(routes)
}

impl Folded {
    fn apply(&mut self, record: &StoredState) {
        for &sequence in &record.record.sequences {
            match record.record.kind {
                StateKind::Progress | StateKind::Dropped => {
                    self.waiting.remove(&sequence);
                    self.settled.insert(sequence);
                }
                StateKind::Dead => {
                    self.waiting.remove(&sequence);
                    self.dead.insert(sequence);
                    self.settled.insert(sequence);
                }
                StateKind::Redriven if self.dead.contains(sequence) => {
                    self.dead.remove(sequence);
                    let waiting = Waiting {
                        attempts: 0,
                        since_ms: Some(record.time_ms),
                        due_ms: record.time_ms,
                    };
                    self.waiting.insert(sequence, waiting);
                }
                StateKind::Retry => {
                    let attempt: Option<Attempt> = record::read(record);
                    let since_ms = self.waiting.get(&sequence).and_then(|waiting| waiting.since_ms);
                    // A payload that cannot be read costs the count and the delay, never the delivery.
                    let waiting = Waiting {
                        attempts: attempt.as_ref().map_or(1, |attempt| attempt.n),
                        since_ms,
                        due_ms: attempt
                            .and_then(|attempt| attempt.next_at_ms)
                            .unwrap_or(record.time_ms),
                    };
                    self.waiting.insert(sequence, waiting);
                }
                _ => {}
            }
        }
    }

    /// The queue of the route: its floor is the last event before the first open one.
    pub(super) fn into_queue(self, log: &Log, route: RouteId) -> Queue {
        let mut floor = 0;
        'walk: loop {
            let next = log.route_events(route, floor, CHUNK).unwrap_or_default();
            if next.is_empty() {
                break;
            }
            for sequence in next {
                if !self.settled.contains(sequence) && !self.waiting.contains_key(&sequence) {
                    break 'walk;
                }
                floor = sequence;
            }
        }
        let ahead = self.settled.iter().filter(|sequence| *sequence > floor).collect();
        Queue::restored(floor, ahead, self.waiting, self.dead)
    }
}
