//! Deduplication: which keys are being stored right now.
//!
//! Keys that are stored already are found in the indexes of the segments; see `known`. A key is
//! first reserved here and then looked up there, so of two appends at the same moment one waits
//! for the other. A key only points at an event: whether it is the same one tells its [`Identity`].

use super::config::IsSameEvent;
use super::event::{Cause, NewEvent, StoredEvent};
use super::ids::{BusId, DedupKey};
use super::index::{Index, KeyHasher};
use super::known::Offered;
use super::recent::Recent;
use super::shared::Shared;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// What becomes of one event of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is stored as the n-th new event of this append.
    Fresh(u32),
    /// It repeats the n-th new event of this append.
    Repeats(u32),
    /// It is already stored under this sequence.
    Known(u64),
}

/// What tells an event from another one that has the same key.
pub(crate) struct Identity<'e> {
    cause: Option<Cause>,
    attributes: &'e [u8],
}

impl Identity<'_> {
    /// Whether it is one event: an answer to the same delivery, or of the same attributes as far as
    /// `is_same` looks at them.
    pub(crate) fn is_that_of(&self, other: &Self, is_same: IsSameEvent) -> bool {
        let answers_same = self.cause.is_some() && self.cause == other.cause;
        answers_same || is_same(self.attributes, other.attributes)
    }
}

impl<'e> From<&'e NewEvent> for Identity<'e> {
    fn from(event: &'e NewEvent) -> Self {
        let (cause, attributes) = (event.cause, &event.attributes);
        Self { cause, attributes }
    }
}

impl<'e> From<&'e StoredEvent> for Identity<'e> {
    fn from(event: &'e StoredEvent) -> Self {
        let (cause, attributes) = (event.cause, &event.attributes);
        Self { cause, attributes }
    }
}

impl<'e> From<&'e Offered> for Identity<'e> {
    fn from(event: &'e Offered) -> Self {
        let (cause, attributes) = (event.cause, &event.attributes);
        Self { cause, attributes }
    }
}

/// The keys that are being stored, and those that were lately.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    pending: HashSet<(BusId, DedupKey), BuildHasherDefault<KeyHasher>>,
    pub(crate) recent: Recent,
    /// There may be keys within the window that are not among the recent: of before the opening.
    pub(crate) has_older: bool,
}

impl Dedup {
    /// What is known when a log is opened: the keys of its active segment.
    pub(crate) fn after(index: &Index, max_events: usize) -> Self {
        let mut recent = Recent::new(max_events);
        for (bus, key, sequence) in index.active().keys() {
            recent.add((bus, sequence), key, 0, i64::MIN);
        }
        Self {
            pending: HashSet::default(),
            recent,
            has_older: !index.sealed().is_empty(),
        }
    }

    /// Reserves keys, or none of them: `false` when another append is storing one right now.
    ///
    /// What is reserved ends with [`release`](Self::release), also what `keys` has twice.
    pub(crate) fn reserve(&mut self, bus: BusId, keys: &[DedupKey]) -> bool {
        let is_free = keys.iter().all(|key| !self.pending.contains(&(bus, *key)));
        if is_free {
            self.pending.extend(keys.iter().map(|key| (bus, *key)));
        }
        is_free
    }

    /// Whether one of the keys may have been stored within the window: `false` is certain.
    pub(crate) fn may_know(&self, bus: BusId, keys: &[DedupKey]) -> bool {
        self.has_older || keys.iter().any(|key| self.recent.may_hold(bus, *key))
    }

    /// The keys are in the index now, or nothing was written.
    pub(crate) fn release(&mut self, bus: BusId, keys: impl Iterator<Item = DedupKey>) {
        for key in keys {
            self.pending.remove(&(bus, key));
        }
    }
}

/// The keys of one append, reserved; gives them back when dropped.
pub(crate) struct Reservation<'s> {
    shared: &'s Shared,
    bus: BusId,
    keys: Vec<DedupKey>,
    may_be_known: bool,
}

impl<'s> Reservation<'s> {
    /// Reserves `keys`; gives them back while another append stores one of them.
    pub(crate) fn try_new(
        shared: &'s Shared,
        bus: BusId,
        keys: Vec<DedupKey>,
    ) -> Result<Self, Vec<DedupKey>> {
        let mut dedup = shared.dedup.lock();
        if !dedup.reserve(bus, &keys) {
            return Err(keys);
        }
        Ok(Self {
            shared,
            bus,
            may_be_known: dedup.may_know(bus, &keys),
            keys,
        })
    }

    /// Whether one of the keys may be stored already: `false` is certain.
    pub(crate) const fn may_be_known(&self) -> bool {
        self.may_be_known
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &[DedupKey] {
        &self.keys
    }

    /// Gives all but these of the keys back.
    pub(crate) fn keep(&mut self, kept: HashSet<DedupKey>) {
        let all = std::mem::take(&mut self.keys);
        let known: Vec<_> = all.into_iter().filter(|key| !kept.contains(key)).collect();
        self.keys = kept.into_iter().collect();
        give_back(self.shared, self.bus, &known);
    }

    /// Leaves the keys reserved: the writer gives them back.
    pub(crate) fn hand_over(mut self) {
        self.keys.clear();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        give_back(self.shared, self.bus, &self.keys);
    }
}

fn give_back(shared: &Shared, bus: BusId, keys: &[DedupKey]) {
    if !keys.is_empty() {
        shared.dedup.lock().release(bus, keys.iter().copied());
        shared.dedup_changed.notify_waiters();
    }
}

/// The keys of the different events of an append, in order, and what each event is to them if all
/// are new. Two different events may have one key.
pub(crate) fn distinct(events: &[NewEvent], is_same: IsSameEvent) -> (Vec<DedupKey>, Vec<Decision>) {
    if let [event] = events {
        return (vec![event.key], vec![Decision::Fresh(0)]);
    }
    let mut seen: HashMap<DedupKey, (u32, &NewEvent)> = HashMap::with_capacity(events.len());
    let mut twins: Vec<(u32, &NewEvent)> = Vec::new();
    let mut keys = Vec::with_capacity(events.len());
    let decisions = events.iter().map(|event| {
        let fresh = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let is_copy_of = |(_, other): &(u32, &NewEvent)| {
            other.key == event.key && Identity::from(*other).is_that_of(&event.into(), is_same)
        };
        match seen.entry(event.key) {
            Entry::Vacant(place) => {
                place.insert((fresh, event));
            }
            Entry::Occupied(first) => {
                let original = std::iter::once(first.get())
                    .chain(&twins)
                    .find(|seen| is_copy_of(seen));
                if let Some((place, _)) = original {
                    return Decision::Repeats(*place);
                }
                twins.push((fresh, event));
            }
        }
        keys.push(event.key);
        Decision::Fresh(fresh)
    });
    let decisions = decisions.collect();
    (keys, decisions)
}

/// The decisions once it is known which of the different events are stored, and where.
pub(crate) fn with_known(decisions: &[Decision], known: &[Option<u64>]) -> Vec<Decision> {
    let mut fresh = 0;
    let settled: Vec<Decision> = known
        .iter()
        .map(|known| {
            if let Some(sequence) = known {
                return Decision::Known(*sequence);
            }
            fresh += 1;
            Decision::Fresh(fresh - 1)
        })
        .collect();
    let of = |place: u32| {
        usize::try_from(place)
            .ok()
            .and_then(|place| settled.get(place))
            .copied()
    };
    decisions
        .iter()
        .map(|decision| match *decision {
            Decision::Fresh(place) => of(place).unwrap_or(*decision),
            Decision::Repeats(place) => match of(place) {
                Some(Decision::Fresh(fresh)) => Decision::Repeats(fresh),
                known => known.unwrap_or(*decision),
            },
            Decision::Known(_) => *decision,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUS: BusId = BusId(1);

    fn event(key: u128) -> NewEvent {
        NewEvent {
            key: DedupKey(key),
            ..NewEvent::default()
        }
    }

    fn is_equal(a: &[u8], b: &[u8]) -> bool {
        a == b
    }

    #[test]
    fn the_second_copy_inside_one_append_repeats_the_first() {
        let (keys, decisions) = distinct(&[event(1), event(2), event(1)], is_equal);
        assert_eq!(keys, [DedupKey(1), DedupKey(2)]);
        assert_eq!(
            decisions,
            [Decision::Fresh(0), Decision::Fresh(1), Decision::Repeats(0)]
        );
        assert_eq!(
            with_known(&decisions, &[Some(9), None]),
            [Decision::Known(9), Decision::Fresh(0), Decision::Known(9)]
        );
        assert_eq!(
            with_known(&decisions, &[None, Some(9)]),
            [Decision::Fresh(0), Decision::Known(9), Decision::Repeats(0)]
        );
    }

    #[test]
    fn different_events_of_one_key_inside_one_append_are_both_new() {
        let other = |attributes: &'static [u8]| NewEvent {
            attributes: attributes.into(),
            ..event(1)
        };
        let events = [other(b"a"), other(b"b"), other(b"a"), other(b"b"), other(b"c")];
        let (keys, decisions) = distinct(&events, is_equal);
        assert_eq!(keys, [DedupKey(1); 3]);
        let expected = [
            Decision::Fresh(0),
            Decision::Fresh(1),
            Decision::Repeats(0),
            Decision::Repeats(1),
            Decision::Fresh(2),
        ];
        assert_eq!(decisions, expected);
    }

    #[test]
    fn answers_to_one_delivery_are_one_event_whatever_their_attributes() {
        let answer = |sequence, attributes: &'static [u8]| NewEvent {
            cause: Some(Cause {
                route: crate::log::RouteId(1),
                sequence,
            }),
            attributes: attributes.into(),
            ..event(1)
        };
        let (_, decisions) = distinct(&[answer(1, b"a"), answer(1, b"b"), answer(2, b"c")], is_equal);
        let expected = [Decision::Fresh(0), Decision::Repeats(0), Decision::Fresh(1)];
        assert_eq!(decisions, expected);
    }

    #[test]
    fn a_pending_key_blocks_the_whole_append_and_reserves_nothing() {
        let mut dedup = Dedup::default();
        assert!(dedup.reserve(BUS, &[DedupKey(1)]));
        assert!(!dedup.reserve(BUS, &[DedupKey(2), DedupKey(1)]));
        assert!(dedup.reserve(BusId(2), &[DedupKey(1)]), "buses do not share keys");
        assert!(dedup.reserve(BUS, &[DedupKey(2)]));
        dedup.release(BUS, [DedupKey(1)].into_iter());
        assert!(dedup.reserve(BUS, &[DedupKey(1)]));
    }
}
