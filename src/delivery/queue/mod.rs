//! What one route has still to do, in memory: a bounded window on its backlog in the log.
//!
//! A pure state machine: no I/O, no clock. The order of work is retries that are due, then new
//! events in sequence order.

mod lanes;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;

use roaring::RoaringTreemap;

use super::again::Again;
use super::again::AllTerms;
use super::again::Terms;
use super::letter_set::LetterSet;
use super::memory::Held;
use super::retries::Retries;
use super::unfinished::OnRoute;
use crate::clock::Moment;
use lanes::Lanes;

/// New events held ready; more wait as backlog in the log.
pub(super) const WINDOW: usize = 512;

/// A delivery that the worker shall attempt now.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) sequence: u64,
    /// Attempts charged so far.
    pub(super) attempts: u32,
    /// From when the age of the delivery counts, if not from its acceptance.
    pub(super) since_ms: Option<i64>,
    /// What it keeps its order by.
    pub(super) key: Option<u64>,
    /// The event, if it is still in memory.
    pub(super) event: Option<Arc<Held>>,
}

/// A delivery that has been tried, or was given back by a redrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) attempts: u32,
    pub(super) since_ms: Option<i64>,
    /// When it began to wait, Unix milliseconds.
    pub(super) from_ms: i64,
    /// When its next attempt is due, Unix milliseconds.
    pub(super) due_ms: i64,
    /// What it keeps its order by.
    pub(super) key: Option<u64>,
}

impl Waiting {
    /// Taken up again at once, as if nothing had been tried.
    pub(super) const fn anew(now_ms: i64) -> Self {
        Self {
            attempts: 0,
            since_ms: Some(now_ms),
            from_ms: now_ms,
            due_ms: now_ms,
            key: None,
        }
    }
}

/// What a delivery that was not tried yet keeps its order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// Not known before its event is read.
    Unknown,
    /// Nothing: it may overtake and be overtaken.
    Free,
    /// Everything with this number.
    Of(u64),
}

/// What was learned of a delivery for its order.
#[derive(Debug)]
pub(super) struct Learned {
    /// Its key, if it has one.
    pub(super) key: Option<u64>,
    /// Its event, if there was room for it.
    pub(super) event: Option<Arc<Held>>,
}

/// A delivery that waits, and its place among those that do.
#[derive(Debug, Clone, Copy)]
struct Parked {
    waiting: Waiting,
    /// Steady time of its next attempt.
    due: i64,
}

#[derive(Debug)]
struct Ready {
    sequence: u64,
    key: Key,
    event: Option<Arc<Held>>,
}

/// A question to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The next sequences above this one.
    pub(super) after: u64,
    /// How often the queue had fallen behind when it asked.
    missed: u64,
}

/// The work of one route.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Every event of the route at or below this sequence was taken from the log.
    cursor: u64,
    /// The log may hold events above the cursor that the live feed did not bring.
    is_behind: bool,
    /// How often it fell behind.
    missed: u64,
    ready: VecDeque<Ready>,
    /// Events came from the log by their numbers only since it was last asked for them.
    is_unread: bool,
    /// Open since before a restart, at or below the cursor, not taken yet; compressed.
    backlog: RoaringTreemap,
    waiting: BTreeMap<u64, Parked>,
    /// Steady times of the next attempts.
    due: BTreeSet<(i64, u64)>,
    in_flight: BTreeSet<u64>,
    /// Whether the route keeps order.
    is_ordered: bool,
    lanes: Lanes,
    /// Deliveries that came to the head of their lane and were not tried yet, with their keys.
    released: BTreeMap<u64, u64>,
    /// Keys known from before a restart.
    known_keys: BTreeMap<u64, u64>,
    retries: Retries,
    dead: LetterSet,
    /// What is special about deliveries that were given back or sent again.
    terms: AllTerms,
    /// Sequences that did not take the route and were given to it later.
    guests: RoaringTreemap,
}

impl Queue {
    /// A queue as it was when the process last stopped; every event of the route at or below
    /// `cursor` is among the unfinished or settled.
    pub(super) fn restored(cursor: u64, unfinished: OnRoute, now: Moment) -> Self {
        let OnRoute {
            open: backlog,
            waiting,
            held,
            dead,
            terms,
            guests,
            state: _,
        } = unfinished;
        let mut queue = Self {
            cursor,
            is_behind: true,
            backlog,
            dead,
            terms,
            guests,
            known_keys: held,
            ..Self::default()
        };
        for (sequence, mut waiting) in waiting {
            queue.backlog.remove(sequence);
            // The head of its lane, before anything of the same key is looked at.
            waiting.key = waiting.key.filter(|key| queue.lanes.enter(sequence, *key));
            queue.postpone(sequence, waiting, now);
        }
        queue
    }

    /// Shares the bound on the retries of the server.
    pub(super) fn share(&mut self, retries: &Retries) {
        self.retries = retries.clone();
        self.account();
    }

    /// Says whether the route keeps order.
    pub(super) fn keep_order(&mut self, is_ordered: bool) {
        self.is_ordered = is_ordered;
    }

    /// The order is kept by another key from now on: all keys are to be found anew.
    ///
    /// What is in flight or waits for a retry at this moment is not kept in order.
    pub(super) fn forget_keys(&mut self) {
        self.known_keys.clear();
        let mut sequences = self.lanes.dissolve();
        sequences.extend(std::mem::take(&mut self.released).into_keys());
        sequences.sort_unstable();
        for parked in self.waiting.values_mut() {
            parked.waiting.key = None;
        }
        let key = if self.is_ordered { Key::Unknown } else { Key::Free };
        for ready in &mut self.ready {
            ready.key = key;
        }
        for sequence in sequences.into_iter().rev() {
            self.ready.push_front(Ready {
                sequence,
                key,
                event: None,
            });
        }
        self.account();
    }

    fn key_before_reading(&mut self, sequence: u64) -> Key {
        if !self.is_ordered {
            return Key::Free;
        }
        self.known_keys.remove(&sequence).map_or(Key::Unknown, Key::Of)
    }

    /// The first deliveries, at most `n`, whose key is wanted before they can go.
    pub(super) fn keyless(&self, n: usize) -> Vec<(u64, Option<Arc<Held>>)> {
        let keyless = self.ready.iter().take_while(|ready| ready.key == Key::Unknown);
        let keyless = keyless.take(n);
        keyless
            .map(|ready| (ready.sequence, ready.event.clone()))
            .collect()
    }

    /// Takes keys that were found, by sequence.
    pub(super) fn learn(&mut self, mut found: BTreeMap<u64, Learned>) {
        for ready in &mut self.ready {
            if found.is_empty() {
                return;
            }
            if let Some(Learned { key, event }) = found.remove(&ready.sequence) {
                ready.key = key.map_or(Key::Free, Key::Of);
                ready.event = event;
            }
        }
    }

    /// Deliveries that are held behind a failing one, and not on record as that; with their keys.
    pub(super) fn take_unrecorded(&mut self) -> Vec<(u64, u64)> {
        self.lanes.take_unrecorded()
    }

    fn account(&mut self) {
        self.retries.hold(self.waiting.len() + self.lanes.len());
    }

    /// Takes an event from the live feed; one that does not fit is read from the log later.
    ///
    /// `hold` gives the event itself, if there is memory for it; else it is read at its attempt.
    pub(super) fn offer(&mut self, sequence: u64, hold: impl FnOnce() -> Option<Arc<Held>>) {
        if sequence <= self.cursor {
            return;
        }
        if self.is_behind || self.ready.len() >= WINDOW {
            self.fall_behind();
            return;
        }
        self.cursor = sequence;
        let key = self.key_before_reading(sequence);
        self.ready.push_back(Ready {
            sequence,
            key,
            event: hold(),
        });
    }

    /// The log has events that the live feed did not bring: look into it.
    pub(super) fn fall_behind(&mut self) {
        self.is_behind = true;
        self.missed += 1;
    }

    /// What to read next from the log, when nothing is ready.
    pub(super) fn wanted(&mut self) -> Option<Wanted> {
        if !self.ready.is_empty() {
            return None;
        }
        let old: Vec<u64> = self.backlog.iter().take(WINDOW).collect();
        if let Some(last) = old.last() {
            self.backlog.remove_range(..=last);
            self.extend_ready(old);
            return None;
        }
        self.is_behind.then_some(Wanted {
            after: self.cursor,
            missed: self.missed,
        })
    }

    /// Takes the sequences that were read: up to [`WINDOW`] above the one asked for.
    ///
    /// An empty answer means that the queue has caught up and the live feed is enough, unless the
    /// feed left something out since the question was asked.
    pub(super) fn refill(&mut self, wanted: &Wanted, next: Vec<u64>) {
        if wanted.after != self.cursor {
            return;
        }
        if let Some(last) = next.last() {
            self.cursor = *last;
        } else if wanted.missed == self.missed {
            self.is_behind = false;
        }
        self.extend_ready(next);
    }

    /// The sequences whose events are not in memory, if that was not asked since they came.
    pub(super) fn take_unread(&mut self) -> Vec<u64> {
        if !std::mem::take(&mut self.is_unread) {
            return Vec::new();
        }
        let unread = self.ready.iter().filter(|ready| ready.event.is_none());
        unread.map(|ready| ready.sequence).collect()
    }

    /// Takes events that were read, ascending; the others are read at their attempt.
    pub(super) fn hold(&mut self, events: Vec<Arc<Held>>) {
        let mut events = events.into_iter().peekable();
        for ready in &mut self.ready {
            while events
                .next_if(|held| held.event.sequence < ready.sequence)
                .is_some()
            {}
            if let Some(held) = events.next_if(|held| held.event.sequence == ready.sequence) {
                ready.event = Some(held);
            }
        }
    }

    /// Events that are read ahead, or at their attempt.
    fn extend_ready(&mut self, sequences: Vec<u64>) {
        self.is_unread |= !sequences.is_empty();
        for sequence in sequences {
            let key = self.key_before_reading(sequence);
            self.ready.push_back(Ready {
                sequence,
                key,
                event: None,
            });
        }
    }

    /// The next delivery to attempt at a steady time, which is in flight from here on.
    pub(super) fn take(&mut self, steady_ms: i64) -> Option<Due> {
        if let Some(&(due, sequence)) = self.due.first()
            && due <= steady_ms
        {
            return self.take_waiting(sequence);
        }
        if let Some((sequence, key)) = self.released.pop_first() {
            return Some(self.begin(sequence, Some(key), None));
        }
        while self.has_room_for_retries() && self.ready.front()?.key != Key::Unknown {
            let Ready { sequence, key, event } = self.ready.pop_front()?;
            let key = match key {
                Key::Of(key) => Some(key),
                Key::Unknown | Key::Free => None,
            };
            if key.is_none_or(|key| self.lanes.enter(sequence, key)) {
                return Some(self.begin(sequence, key, event));
            }
            self.account();
        }
        None
    }

    fn begin(&mut self, sequence: u64, key: Option<u64>, event: Option<Arc<Held>>) -> Due {
        self.in_flight.insert(sequence);
        Due {
            sequence,
            attempts: 0,
            since_ms: None,
            key,
            event,
        }
    }

    fn take_waiting(&mut self, sequence: u64) -> Option<Due> {
        let Parked { waiting, due } = *self.waiting.get(&sequence)?;
        self.due.remove(&(due, sequence));
        self.in_flight.insert(sequence);
        Some(Due {
            sequence,
            attempts: waiting.attempts,
            since_ms: waiting.since_ms,
            key: waiting.key,
            event: None,
        })
    }

    /// Takes the [first](Self::first_ready) of those that were not tried yet, if it still is.
    pub(super) fn take_first(&mut self, sequence: u64) -> Option<Due> {
        if let Some(key) = self.released.remove(&sequence) {
            return Some(self.begin(sequence, Some(key), None));
        }
        self.ready.front().filter(|first| first.sequence == sequence)?;
        let first = self.ready.pop_front()?;
        Some(self.begin(sequence, None, first.event))
    }

    /// A delivery that waits and is older than from `since_ms` on, if there is one; it is in flight
    /// from here on. Else the lowest such time of those that wait.
    pub(super) fn take_older(&mut self, since_ms: i64) -> Result<Due, Option<i64>> {
        let idle = |sequence: &u64| !self.in_flight.contains(sequence);
        let waiting = self.waiting.iter().filter(|(sequence, _)| idle(sequence));
        let since = waiting.filter_map(|(sequence, parked)| Some((parked.waiting.since_ms?, *sequence)));
        match since.min() {
            Some((oldest, sequence)) if oldest < since_ms => self.take_waiting(sequence).ok_or(None),
            Some((oldest, _)) => Err(Some(oldest)),
            None => Err(None),
        }
    }

    /// The first of those that were not tried yet, and when it was accepted, if that is in memory.
    pub(super) fn first_ready(&self) -> Option<(u64, Option<i64>)> {
        if let Some((sequence, _)) = self.released.first_key_value() {
            return Some((*sequence, None));
        }
        let first = self.ready.front()?;
        Some((
            first.sequence,
            first.event.as_ref().map(|held| held.event.time_ms),
        ))
    }

    /// Whether a new event can be attempted at once.
    pub(super) fn has_ready(&self) -> bool {
        !self.released.is_empty() || (!self.ready.is_empty() && self.has_room_for_retries())
    }

    /// Whether the log may hold more than was taken from it.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Steady time at which the next retry is due.
    pub(super) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The delivery is done: the target has the event.
    pub(super) fn settle(&mut self, sequence: u64) {
        self.in_flight.remove(&sequence);
        self.waiting.remove(&sequence);
        self.terms.end(sequence);
        self.leave(sequence);
    }

    /// Lets the next of its lane go.
    fn leave(&mut self, sequence: u64) {
        if let Some((next, key)) = self.lanes.leave(sequence) {
            self.released.insert(next, key);
        }
        self.account();
    }

    /// The delivery waits for its next attempt.
    pub(super) fn postpone(&mut self, sequence: u64, waiting: Waiting, now: Moment) {
        self.in_flight.remove(&sequence);
        let due = now.steady_end(waiting.from_ms, waiting.due_ms);
        if let Some(before) = self.waiting.insert(sequence, Parked { waiting, due }) {
            self.due.remove(&(before.due, sequence));
        }
        self.due.insert((due, sequence));
        self.lanes.fail(sequence);
        self.account();
    }

    /// An attempt failed through our own fault: it is made again later, and not charged.
    pub(super) fn put_back(&mut self, sequence: u64, since_ms: i64, wait_ms: i64, now: Moment) {
        let before = self.waiting.get(&sequence).map(|parked| parked.waiting);
        let waiting = Waiting {
            attempts: before.map_or(0, |before| before.attempts),
            since_ms: before.and_then(|before| before.since_ms).or(Some(since_ms)),
            from_ms: now.wall_ms,
            due_ms: now.wall_ms.saturating_add(wait_ms),
            key: self.lanes.key_of_head(sequence),
        };
        self.postpone(sequence, waiting, now);
    }

    /// The delivery ended without success, for the reason of this code.
    pub(super) fn bury(&mut self, sequence: u64, code: &str) {
        self.in_flight.remove(&sequence);
        self.waiting.remove(&sequence);
        self.terms.bury(sequence);
        self.dead.insert(sequence, code);
        self.leave(sequence);
    }

    /// A delivery goes over the route once more, with attempts and age from now: a dead letter that
    /// is given back, or one that had ended or waits. One in flight stays as it is.
    pub(super) fn send_again(&mut self, sequence: u64, now: Moment, again: &Again) {
        self.dead.remove(sequence);
        if again.is_guest {
            self.guests.insert(sequence);
        }
        self.terms.begin(sequence, again);
        if self.in_flight.contains(&sequence) {
            return;
        }
        if self.ready.iter().any(|ready| ready.sequence == sequence) {
            self.ready.retain(|ready| ready.sequence != sequence);
        }
        self.backlog.remove(sequence);
        // Sent again it keeps no order, and holds nobody back.
        self.released.remove(&sequence);
        self.leave(sequence);
        self.postpone(sequence, Waiting::anew(now.wall_ms), now);
    }

    /// What is special about the attempts of a delivery.
    pub(super) fn terms(&self, sequence: u64) -> Terms {
        self.terms.of(sequence)
    }

    /// Whether an attempt of the delivery runs or is to come that was made or ordered before.
    pub(super) fn is_under_way(&self, sequence: u64) -> bool {
        self.in_flight.contains(&sequence) || self.waiting.contains_key(&sequence)
    }

    /// Whether an attempt of the delivery runs.
    pub(super) fn is_in_flight(&self, sequence: u64) -> bool {
        self.in_flight.contains(&sequence)
    }

    /// Whether the event was given to the route later.
    pub(super) fn is_guest(&self, sequence: u64) -> bool {
        self.guests.contains(sequence)
    }

    /// Takes out up to `n` deliveries below `end` that are not in flight: they are given up.
    pub(super) fn take_below(&mut self, end: u64, n: usize) -> Vec<u64> {
        let waiting = self.waiting.range(..end).map(|(sequence, _)| *sequence);
        let waiting = waiting.filter(|sequence| !self.in_flight.contains(sequence));
        let ready = self
            .ready
            .iter()
            .map(|ready| ready.sequence)
            .take_while(|sequence| *sequence < end);
        let backlog = self.backlog.iter().take_while(|sequence| *sequence < end);
        let behind = self.lanes.behind().take_while(|sequence| *sequence < end);
        let released = self.released.range(..end).map(|(sequence, _)| *sequence);
        let tried = waiting.chain(behind).chain(released);
        let doomed: Vec<u64> = tried.chain(ready).chain(backlog).take(n).collect();
        for sequence in &doomed {
            self.terms.end(*sequence);
            if let Some(parked) = self.waiting.remove(sequence) {
                self.due.remove(&(parked.due, *sequence));
            }
            self.backlog.remove(*sequence);
            self.released.remove(sequence);
            self.leave(*sequence);
        }
        // Some came to the head of their lane only because those before them were given up.
        for sequence in &doomed {
            self.released.remove(sequence);
        }
        let gone: BTreeSet<u64> = doomed.iter().copied().collect();
        self.ready.retain(|ready| !gone.contains(&ready.sequence));
        doomed
    }

    /// A dead letter is no longer kept.
    pub(super) fn forget_dead(&mut self, sequence: u64) {
        self.dead.remove(sequence);
        self.terms.end(sequence);
    }

    /// The route is closed: nothing more is sent. Dead letters stay.
    pub(super) fn close(&mut self) {
        let retries = self.retries.clone();
        *self = Self {
            dead: std::mem::take(&mut self.dead),
            guests: std::mem::take(&mut self.guests),
            retries,
            cursor: u64::MAX,
            ..Self::default()
        };
    }

    /// Whether there is nothing to do and nothing to wait for.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_behind
            && self.ready.is_empty()
            && self.backlog.is_empty()
            && self.due.is_empty()
            && self.released.is_empty()
            && self.in_flight.is_empty()
    }

    pub(super) fn dead(&self) -> &LetterSet {
        &self.dead
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(super) fn retrying(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn has_room_for_retries(&self) -> bool {
        self.retries.has_room()
    }

    /// Position up to which the log was read, and how many of those events were not started yet.
    pub(super) fn backlog(&self) -> (u64, u64) {
        let taken = self.ready.len() + self.released.len() + self.lanes.len();
        (self.cursor, self.backlog.len() + taken as u64)
    }

    /// A sequence below which nothing of the route is unfinished; none when nothing is.
    pub(super) fn floor(&self) -> Option<u64> {
        let unread = self.is_behind.then(|| self.cursor.saturating_add(1));
        [self.oldest(), unread].into_iter().flatten().min()
    }

    /// The lowest sequence that is not settled, as far as it is in memory.
    pub(super) fn oldest(&self) -> Option<u64> {
        let ready = self.ready.front().map(|ready| ready.sequence);
        let waiting = self.waiting.first_key_value().map(|(sequence, _)| *sequence);
        [
            ready,
            waiting,
            self.in_flight.first().copied(),
            self.lanes.behind().next(),
            self.released.first_key_value().map(|(sequence, _)| *sequence),
            self.backlog.min(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

#[cfg(test)]
mod tests;
