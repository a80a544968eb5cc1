//! What is unfinished on every route, as the log tells it.
//!
//! A fold over the facts of the log, in order. At a checkpoint it is what a snapshot holds, at the
//! end of the log it is where the engine goes on. It is always made from the newest snapshot and
//! the facts behind it, never from the engine's memory, so a snapshot cannot be ahead of the log.

use std::collections::BTreeMap;
use std::collections::HashMap;

use bytes::Buf;
use bytes::BufMut as _;
use bytes::Bytes;
use roaring::RoaringTreemap;

use super::again::AllTerms;
use super::again::Terms;
use super::jobs::JobStates;
use super::letter_set::LetterSet;
use super::letter_set::decode_set;
use super::letter_set::encode_set;
use super::queue::Waiting;
use super::record;
use super::record::Death;
use super::record::Retry;
use super::route_state::RouteState;
use crate::log::BusId;
use crate::log::Checkpoint;
use crate::log::Fact;
use crate::log::Log;
use crate::log::LogError;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StoredState;

/// Version of the encoding; a snapshot of another one is folded anew.
const VERSION: u8 = 4;

/// What is unfinished on one route.
#[derive(Debug, Default, PartialEq)]
pub(super) struct OnRoute {
    /// Sequences that are neither delivered nor dead nor dropped.
    pub(super) open: RoaringTreemap,
    /// Those of them that were tried.
    pub(super) waiting: BTreeMap<u64, Waiting>,
    /// Those of them that are held behind another one, with what they keep their order by.
    pub(super) held: BTreeMap<u64, u64>,
    /// Open dead letters.
    pub(super) dead: LetterSet,
    /// What is special about deliveries that were given back or sent again.
    pub(super) terms: AllTerms,
    /// Sequences that did not take the route and were given to it later.
    pub(super) guests: RoaringTreemap,
    /// What the route as a whole may do.
    pub(super) state: RouteState,
}

/// What is unfinished on all routes, and the jobs; a route without anything, whose state never
/// changed, is not listed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Unfinished {
    pub(super) routes: HashMap<RouteId, OnRoute>,
    pub(super) jobs: JobStates,
}

/// Everything that is unfinished at the end of the log, and the next sequence of every bus there.
/// Blocking: reads the newest snapshot and what is behind it.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn at_end(log: &Log) -> Result<(Unfinished, HashMap<BusId, u64>), LogError> {
    fold(log, None)
}

/// Takes a snapshot at a checkpoint. Blocking: reads what is between the last one and this one.
///
/// # Errors
/// When the log cannot be read or the snapshot not be written; the older ones are untouched.
pub(super) fn snapshot(log: &Log, checkpoint: Checkpoint) -> Result<(), LogError> {
    let (unfinished, _) = fold(log, Some(checkpoint))?;
    log.save_snapshot(checkpoint, unfinished.encode())
}

fn fold(log: &Log, until: Option<Checkpoint>) -> Result<(Unfinished, HashMap<BusId, u64>), LogError> {
    let saved = log.snapshot()?;
    let decoded = saved.and_then(|(place, state)| Some((place, Unfinished::decode(&state)?)));
    let (from, mut unfinished) = decoded.map_or((None, Unfinished::default()), |(place, state)| {
        (Some(place), state)
    });
    let next = log.fold(from, until, &mut |fact| unfinished.apply(fact))?;
    unfinished.tidy();
    Ok((unfinished, next))
}

impl Unfinished {
    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Took(route, sequence) => {
                self.routes.entry(route).or_default().open.insert(sequence);
            }
            Fact::Recorded(record) if record.record.kind == StateKind::Job => {
                self.jobs.apply_payload(&record.record.payload);
            }
            Fact::Recorded(record) if record.record.kind == StateKind::Redriven => {
                self.routes.entry(record.record.route).or_default().apply(&record);
            }
            Fact::Recorded(record) => {
                if record.record.kind == StateKind::RouteState {
                    self.routes.entry(record.record.route).or_default();
                }
                if let Some(route) = self.routes.get_mut(&record.record.route) {
                    route.apply(&record);
                }
            }
        }
    }

    /// Forgets routes that have nothing left to do.
    fn tidy(&mut self) {
        self.routes.retain(|_, route| {
            let is_idle = route.open.is_empty() && route.dead.is_empty() && route.guests.is_empty();
            !(is_idle && route.state.is_new())
        });
    }

    fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        out.put_u8(VERSION);
        self.jobs.encode(&mut out);
        let mut routes: Vec<_> = self.routes.iter().collect();
        routes.sort_unstable_by_key(|(id, _)| **id);
        for (id, route) in routes {
            out.put_u64_le(id.0);
            encode_set(&route.open, &mut out);
            route.dead.encode(&mut out);
            encode_set(&route.guests, &mut out);
            out.put_u64_le(route.terms.len() as u64);
            for (sequence, terms) in route.terms.iter() {
                out.put_u64_le(sequence);
                out.put_u64_le(terms.replay);
                out.put_u64_le(terms.generation.unwrap_or(u64::MAX));
            }
            out.put_u64_le(route.waiting.len() as u64);
            for (sequence, waiting) in &route.waiting {
                out.put_u64_le(*sequence);
                out.put_u32_le(waiting.attempts);
                out.put_i64_le(waiting.since_ms.unwrap_or(i64::MIN));
                out.put_i64_le(waiting.from_ms);
                out.put_i64_le(waiting.due_ms);
                out.put_u8(u8::from(waiting.key.is_some()));
                out.put_u64_le(waiting.key.unwrap_or_default());
            }
            out.put_u64_le(route.held.len() as u64);
            for (sequence, key) in &route.held {
                out.put_u64_le(*sequence);
                out.put_u64_le(*key);
            }
            let state = record::json(&route.state);
            out.put_u64_le(state.len() as u64);
            out.put_slice(&state);
        }
        out.into()
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` for another version.
    fn decode(bytes: &Bytes) -> Option<Self> {
        let mut input = bytes.as_ref();
        if input.try_get_u8().ok()? != VERSION {
            return None;
        }
        let jobs = JobStates::decode(&mut input)?;
        let mut routes = HashMap::new();
        while input.has_remaining() {
            let id = RouteId(input.try_get_u64_le().ok()?);
            let (open, dead) = (decode_set(&mut input)?, LetterSet::decode(&mut input)?);
            let guests = decode_set(&mut input)?;
            let mut terms = AllTerms::default();
            for _ in 0..input.try_get_u64_le().ok()? {
                let sequence = input.try_get_u64_le().ok()?;
                let replay = input.try_get_u64_le().ok()?;
                let generation =
                    Some(input.try_get_u64_le().ok()?).filter(|generation| *generation != u64::MAX);
                terms.put(sequence, Terms { generation, replay });
            }
            let mut waiting = BTreeMap::new();
            for _ in 0..input.try_get_u64_le().ok()? {
                let sequence = input.try_get_u64_le().ok()?;
                let entry = Waiting {
                    attempts: input.try_get_u32_le().ok()?,
                    since_ms: Some(input.try_get_i64_le().ok()?).filter(|since_ms| *since_ms != i64::MIN),
                    from_ms: input.try_get_i64_le().ok()?,
                    due_ms: input.try_get_i64_le().ok()?,
                    key: {
                        let has_key = input.try_get_u8().ok()? == 1;
                        Some(input.try_get_u64_le().ok()?).filter(|_| has_key)
                    },
                };
                waiting.insert(sequence, entry);
            }
            let mut held = BTreeMap::new();
            for _ in 0..input.try_get_u64_le().ok()? {
                let sequence = input.try_get_u64_le().ok()?;
                held.insert(sequence, input.try_get_u64_le().ok()?);
            }
            let state = serde_json::from_slice(part(&mut input)?).ok()?;
            let route = OnRoute {
                open,
                waiting,
                held,
                dead,
                terms,
                guests,
                state,
            };
            routes.insert(id, route);
        }
        Some(Self { routes, jobs })
    }
}

/// The bytes behind their length.
fn part<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(input.try_get_u64_le().ok()?).ok()?;
    let (bytes, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(bytes)
}

impl OnRoute {
    fn apply(&mut self, record: &StoredState) {
        match record.record.kind {
            StateKind::RouteClosed => {
                self.open.clear();
                self.waiting.clear();
                self.held.clear();
                let dead = &self.dead;
                self.terms.retain(|sequence| dead.contains(sequence));
                self.state = RouteState::default();
            }
            StateKind::RouteState => self.state.replace_with(record),
            StateKind::Held => {
                let open = record::held_in(record).filter(|(sequence, _)| {
                    self.open.contains(*sequence) && !self.waiting.contains_key(sequence)
                });
                self.held.extend(open);
            }
            _ => {}
        }
        for &sequence in &record.record.sequences {
            match record.record.kind {
                StateKind::Progress | StateKind::Dropped => self.settle(sequence),
                StateKind::Dead if self.open.contains(sequence) => {
                    self.open.remove(sequence);
                    self.waiting.remove(&sequence);
                    self.terms.bury(sequence);
                    // A payload that cannot be read costs the code, never the letter.
                    let death: Option<Death> = record::read(record);
                    let code = death.as_ref().map_or("unknown", |death| death.code.as_str());
                    self.dead.insert(sequence, code);
                }
                StateKind::Redriven => self.send_again(sequence, record),
                StateKind::Retry if self.open.contains(sequence) => {
                    let retry: Option<Retry> = record::read(record);
                    let since_ms = retry.as_ref().and_then(|retry| retry.since_ms);
                    let since_ms =
                        since_ms.or_else(|| self.waiting.get(&sequence).and_then(|waiting| waiting.since_ms));
                    // A payload that cannot be read costs the count and the delay, never the delivery.
                    let waiting = Waiting {
                        attempts: retry.as_ref().map_or(1, |retry| retry.attempt.n),
                        since_ms,
                        from_ms: record.time_ms,
                        key: retry.as_ref().and_then(|retry| retry.key),
                        due_ms: retry
                            .and_then(|retry| retry.attempt.next_at_ms)
                            .unwrap_or(record.time_ms),
                    };
                    self.waiting.insert(sequence, waiting);
                    self.held.remove(&sequence);
                }
                _ => {}
            }
        }
    }

    fn send_again(&mut self, sequence: u64, record: &StoredState) {
        let again = record::again(record);
        self.dead.remove(sequence);
        self.open.insert(sequence);
        self.terms.begin(sequence, &again);
        if again.is_guest {
            self.guests.insert(sequence);
        }
        self.waiting.insert(sequence, Waiting::anew(record.time_ms));
    }

    /// Everything below `end` was given up; dead letters stay.
    pub(super) fn forget_below(&mut self, end: u64) {
        self.open.remove_range(..end);
        self.waiting.retain(|sequence, _| *sequence >= end);
        self.held.retain(|sequence, _| *sequence >= end);
        let dead = &self.dead;
        self.terms
            .retain(|sequence| sequence >= end || dead.contains(sequence));
    }

    fn settle(&mut self, sequence: u64) {
        self.open.remove(sequence);
        self.waiting.remove(&sequence);
        self.held.remove(&sequence);
        self.dead.remove(sequence);
        self.terms.end(sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::StateRecord;
    use proptest::prelude::*;

    fn recorded(kind: StateKind, route: u64, sequences: Vec<u64>) -> Fact {
        let record = StateRecord {
            route: RouteId(route),
            sequences,
            ..StateRecord::new(kind)
        };
        Fact::Recorded(StoredState { time_ms: 5, record })
    }

    fn facts() -> impl Strategy<Value = Vec<(u8, u64, u64)>> {
        proptest::collection::vec((0..9_u8, 1..4_u64, 1..30_u64), 0..200)
    }

    fn fact((kind, route, sequence): (u8, u64, u64)) -> Fact {
        let kind = match kind {
            0 | 1 => return Fact::Took(RouteId(route), sequence),
            2 => StateKind::Progress,
            3 => StateKind::Retry,
            4 => StateKind::Dead,
            5 => StateKind::Redriven,
            6 => StateKind::Dropped,
            7 => return held(route, sequence),
            _ => return changed(route, sequence),
        };
        recorded(kind, route, vec![sequence])
    }

    fn held(route: u64, sequence: u64) -> Fact {
        let record = record::held(RouteId(route), &[(sequence, sequence % 3), (sequence + 1, 2)]);
        Fact::Recorded(StoredState { time_ms: 5, record })
    }

    fn changed(route: u64, n: u64) -> Fact {
        let state = RouteState {
            n,
            paused: !n.is_multiple_of(3),
            ..RouteState::default()
        };
        let record = state.record(RouteId(route));
        Fact::Recorded(StoredState { time_ms: 5, record })
    }

    proptest! {
        /// Invariant I13: state from a snapshot and the tail equals state from the beginning.
        #[test]
        fn i13_a_snapshot_and_the_tail_equal_the_whole_history(facts in facts(), cut in 0..200_usize) {
            let mut whole = Unfinished::default();
            let mut split = Unfinished::default();
            for (at, entry) in facts.into_iter().enumerate() {
                if at == cut {
                    split.tidy();
                    split = Unfinished::decode(&split.encode()).unwrap();
                }
                whole.apply(fact(entry));
                split.apply(fact(entry));
            }
            whole.tidy();
            split.tidy();
            prop_assert_eq!(whole, split);
        }
    }

    #[test]
    fn the_newest_state_of_a_route_counts_whichever_reached_the_log_first() {
        let mut unfinished = Unfinished::default();
        for n in [1, 4, 3] {
            unfinished.apply(changed(1, n));
        }
        unfinished.tidy();
        assert_eq!(unfinished.routes[&RouteId(1)].state.n, 4);
    }

    #[test]
    fn what_another_version_wrote_is_folded_anew() {
        assert_eq!(Unfinished::decode(&Bytes::from_static(b"\x02")), None);
        assert_eq!(Unfinished::decode(&Bytes::new()), None);
    }

    #[test]
    fn a_closed_route_keeps_its_dead_letters_only() {
        let mut unfinished = Unfinished::default();
        for sequence in 1..4 {
            unfinished.apply(Fact::Took(RouteId(1), sequence));
        }
        unfinished.apply(recorded(StateKind::Dead, 1, vec![2]));
        unfinished.apply(recorded(StateKind::RouteClosed, 1, vec![]));
        unfinished.tidy();
        let route = &unfinished.routes[&RouteId(1)];
        assert_eq!((route.open.len(), route.dead.len()), (0, 1));
    }
}
