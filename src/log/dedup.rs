//! Deduplication: which keys are being stored right now.
//!
//! Keys that are stored already are found in the indexes of the segments; see
//! [`known`](super::Log::known_keys). A key is first reserved here and then looked up there, so
//! of two appends at the same moment one waits for the other.

use super::event::NewEvent;
use super::ids::{BusId, DedupKey};
use super::shared::Shared;
use std::collections::HashSet;

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

/// The keys that are being stored.
#[derive(Debug, Default)]
pub(crate) struct Dedup {
    pending: HashSet<(BusId, DedupKey)>,
}

impl Dedup {
    /// Reserves keys, or none of them: `false` when another append is storing one right now.
    ///
    /// `keys` has no key twice. What is reserved ends with [`release`](Self::release).
    pub(crate) fn reserve(&mut self, bus: BusId, keys: &[DedupKey]) -> bool {
        let is_free = keys.iter().all(|key| !self.pending.contains(&(bus, *key)));
        if is_free {
            self.pending.extend(keys.iter().map(|key| (bus, *key)));
        }
        is_free
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
}

impl<'s> Reservation<'s> {
    /// Reserves `keys`, none of them twice; `None` while another append stores one of them.
    pub(crate) fn try_new(
        shared: &'s Shared,
        bus: BusId,
        keys: Vec<DedupKey>,
    ) -> Result<Self, Vec<DedupKey>> {
        if shared.dedup.lock().reserve(bus, &keys) {
            Ok(Self { shared, bus, keys })
        } else {
            Err(keys)
        }
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &[DedupKey] {
        &self.keys
    }

    /// Gives some of the keys back.
    pub(crate) fn release(&mut self, is_known: impl Fn(DedupKey) -> bool) {
        let (known, kept) = std::mem::take(&mut self.keys)
            .into_iter()
            .partition(|key| is_known(*key));
        self.keys = kept;
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

/// The different keys of an append, in order, and what each event is to them if all are new.
pub(crate) fn distinct(events: &[NewEvent]) -> (Vec<DedupKey>, Vec<Decision>) {
    if let [event] = events {
        return (vec![event.key], vec![Decision::Fresh(0)]);
    }
    let mut places = std::collections::HashMap::new();
    let mut keys = Vec::with_capacity(events.len());
    let decisions = events.iter().map(|event| {
        let fresh = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        match places.entry(event.key) {
            std::collections::hash_map::Entry::Occupied(place) => Decision::Repeats(*place.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(fresh);
                keys.push(event.key);
                Decision::Fresh(fresh)
            }
        }
    });
    let decisions = decisions.collect();
    (keys, decisions)
}

/// The decisions once some keys turned out to be known: `sequence_of` says which.
pub(crate) fn with_known(
    decisions: &[Decision],
    keys: &[DedupKey],
    sequence_of: impl Fn(DedupKey) -> Option<u64>,
) -> Vec<Decision> {
    let mut fresh = 0;
    let settled: Vec<Decision> = keys
        .iter()
        .map(|key| {
            if let Some(sequence) = sequence_of(*key) {
                return Decision::Known(sequence);
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

    #[test]
    fn the_second_copy_inside_one_append_repeats_the_first() {
        let (keys, decisions) = distinct(&[event(1), event(2), event(1)]);
        assert_eq!(keys, [DedupKey(1), DedupKey(2)]);
        assert_eq!(
            decisions,
            [Decision::Fresh(0), Decision::Fresh(1), Decision::Repeats(0)]
        );
        let known = |key: DedupKey| (key.0 == 1).then_some(9);
        assert_eq!(
            with_known(&decisions, &keys, known),
            [Decision::Known(9), Decision::Fresh(0), Decision::Known(9)]
        );
        let known = |key: DedupKey| (key.0 == 2).then_some(9);
        assert_eq!(
            with_known(&decisions, &keys, known),
            [Decision::Fresh(0), Decision::Known(9), Decision::Repeats(0)]
        );
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
