//! Which keys were stored lately: a coarse answer for all segments of the dedup window at once.
//!
//! An append must learn that its key is new without asking the filter of every segment. Keys are
//! added to the filter of the present era; an era ends when its filter is full and is forgotten
//! when the window has passed it. Few keys that are new pass a filter, and those are looked up.

use super::ids::{BusId, DedupKey};
use super::index::Filter;
use std::collections::{BTreeMap, VecDeque};

/// Keys of the first era, so that an idle log is small, and of a later one at most: 2 MiB.
const KEYS: (usize, usize) = (1 << 16, 1 << 20);
/// Each era may have so many times the keys of the one before.
const GROWTH: usize = 4;

/// Filters over the keys that were stored since the log was opened, and over its active segment.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    eras: VecDeque<Era>,
    max_events: u64,
}

#[derive(Debug)]
struct Era {
    filter: Filter,
    /// Keys it still has room for.
    room: usize,
    size: usize,
    /// The last sequence of every bus in it.
    last: BTreeMap<BusId, u64>,
    /// When its last key was added.
    at: i64,
}

impl Era {
    fn of(size: usize) -> Self {
        Self {
            filter: Filter::sized_for(size),
            room: size,
            size,
            last: BTreeMap::new(),
            at: i64::MIN,
        }
    }
}

impl Recent {
    /// No keys; of each bus only the last `max_events` matter.
    pub(crate) fn new(max_events: usize) -> Self {
        Self {
            eras: VecDeque::new(),
            max_events: max_events as u64,
        }
    }

    /// Adds the key of an event at the time `now`. What is older than `oldest` may be forgotten.
    pub(crate) fn add(&mut self, (bus, sequence): (BusId, u64), key: DedupKey, now: i64, oldest: i64) {
        if self.eras.back().is_none_or(|era| era.room == 0) {
            let size = self
                .eras
                .back()
                .map_or(KEYS.0, |era| (era.size * GROWTH).min(KEYS.1));
            self.forget(oldest);
            self.eras.push_back(Era::of(size));
        }
        if let Some(era) = self.eras.back_mut() {
            era.filter.add(bus, key);
            era.room -= 1;
            era.at = now;
            let last = era.last.entry(bus).or_default();
            *last = sequence.max(*last);
        }
    }

    /// Whether an event with the key may have been added: `false` is certain.
    pub(crate) fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        self.eras.iter().any(|era| era.filter.may_hold(bus, key))
    }

    /// Forgets the first eras whose events are all outside of the window.
    fn forget(&mut self, oldest: i64) {
        while let Some(first) = self.eras.front() {
            let newest = |bus: &BusId| self.eras.iter().filter_map(|era| era.last.get(bus)).max();
            let is_outgrown = |(bus, last): (&BusId, &u64)| {
                newest(bus).is_some_and(|newest| last.saturating_add(self.max_events) < *newest)
            };
            if first.at >= oldest && !first.last.iter().all(is_outgrown) {
                return;
            }
            self.eras.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUS: BusId = BusId(1);

    fn key(n: u64) -> DedupKey {
        crate::log::dedup_key(&uuid::Uuid::nil(), "/recent", &n.to_string())
    }

    #[test]
    fn a_key_within_the_window_is_never_missed() {
        let mut recent = Recent::new(100_000);
        for n in 1..=200_000 {
            recent.add((BUS, n), key(n), 0, i64::MIN);
        }
        assert!((100_001..=200_000).all(|n| recent.may_hold(BUS, key(n))));
        let wrong = (1_000_000..1_010_000)
            .filter(|n| recent.may_hold(BUS, key(*n)))
            .count();
        assert!(wrong < 100, "{wrong} of 10,000");
    }

    #[test]
    fn eras_outside_of_the_window_are_forgotten() {
        let (first, size) = (KEYS.0 as u64, KEYS.0 as u64 * 100);
        for (max_events, oldest) in [(1_000, i64::MIN), (usize::MAX, 1)] {
            let mut recent = Recent::new(max_events);
            for n in 1..=size {
                recent.add((BUS, n), key(n), i64::from(n > first), oldest);
            }
            assert!(recent.eras.front().unwrap().last[&BUS] > first);
        }
    }

    #[test]
    fn a_bus_that_sleeps_keeps_its_last_events() {
        let mut recent = Recent::new(1_000);
        recent.add((BusId(2), 1), key(0), 0, i64::MIN);
        for n in 1..=KEYS.0 as u64 * 40 {
            recent.add((BUS, n), key(n), 0, i64::MIN);
        }
        assert!(recent.may_hold(BusId(2), key(0)));
    }
}
