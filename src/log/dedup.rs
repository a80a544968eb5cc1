//! The dedup window: which keys were stored lately, and which are being stored now.

use super::event::NewEvent;
use super::ids::{BusId, DedupKey};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

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

#[derive(Debug, Clone, Copy)]
enum Slot {
    Pending(u32),
    Known(u64),
}

#[derive(Default)]
struct Window {
    keys: HashMap<DedupKey, Slot>,
    /// Known keys with their sequences and times, ascending by time.
    order: VecDeque<(DedupKey, u64, i64)>,
}

/// The windows of all buses.
///
/// Times are milliseconds of a clock that never goes back; they may be negative for what was
/// stored before the process started.
pub(crate) struct Dedup {
    window_ms: i64,
    max_events: usize,
    buses: HashMap<BusId, Window>,
}

impl Dedup {
    /// An empty window of this length and size.
    pub(crate) fn new(window: Duration, max_events: usize) -> Self {
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        Self {
            window_ms,
            max_events,
            buses: HashMap::new(),
        }
    }

    /// Reserves the keys of an append, or none of them: `None` when one is being stored right now.
    ///
    /// What is reserved ends with [`complete`](Self::complete) or [`release`](Self::release).
    pub(crate) fn reserve(&mut self, bus: BusId, events: &[NewEvent], at: i64) -> Option<Vec<Decision>> {
        let oldest = at.saturating_sub(self.window_ms);
        let window = self.buses.entry(bus).or_default();
        window.expire(oldest, self.max_events);
        if events
            .iter()
            .any(|event| matches!(window.keys.get(&event.key), Some(Slot::Pending(_))))
        {
            return None;
        }
        let mut fresh = 0;
        let decide = |event: &NewEvent| match window.keys.entry(event.key) {
            Entry::Occupied(slot) => match *slot.get() {
                Slot::Known(sequence) => Decision::Known(sequence),
                Slot::Pending(index) => Decision::Repeats(index),
            },
            Entry::Vacant(slot) => {
                slot.insert(Slot::Pending(fresh));
                fresh += 1;
                Decision::Fresh(fresh - 1)
            }
        };
        Some(events.iter().map(decide).collect())
    }

    /// The event with this key is durable; also used to rebuild the window, in log order.
    pub(crate) fn complete(&mut self, bus: BusId, key: DedupKey, sequence: u64, at: i64) {
        let window = self.buses.entry(bus).or_default();
        window.keys.insert(key, Slot::Known(sequence));
        window.order.push_back((key, sequence, at));
        window.expire(i64::MIN, self.max_events);
    }

    /// The keys were reserved and nothing was written: they are free again.
    pub(crate) fn release(&mut self, bus: BusId, keys: impl Iterator<Item = DedupKey>) {
        let Some(window) = self.buses.get_mut(&bus) else {
            return;
        };
        for key in keys {
            if let Some(Slot::Pending(_)) = window.keys.get(&key) {
                window.keys.remove(&key);
            }
        }
    }

    /// The sequence of a key that is within the window.
    pub(crate) fn find(&mut self, bus: BusId, key: DedupKey, at: i64) -> Option<u64> {
        let oldest = at.saturating_sub(self.window_ms);
        let window = self.buses.get_mut(&bus)?;
        window.expire(oldest, self.max_events);
        match window.keys.get(&key) {
            Some(Slot::Known(sequence)) => Some(*sequence),
            _ => None,
        }
    }

    /// The shortest time any bus remembers its events for.
    pub(crate) fn kept(&self, at: i64) -> Duration {
        let full = self
            .buses
            .values()
            .filter(|window| window.order.len() >= self.max_events);
        let ages = full
            .filter_map(|window| window.order.front())
            .map(|(_, _, since)| at.saturating_sub(*since));
        let kept = ages.min().unwrap_or(self.window_ms).clamp(0, self.window_ms);
        Duration::from_millis(kept.unsigned_abs())
    }
}

impl Window {
    fn expire(&mut self, oldest: i64, max_events: usize) {
        while let Some((key, sequence, at)) = self.order.front()
            && (*at < oldest || self.order.len() > max_events)
        {
            // A key that was stored again after its window is not forgotten with its first copy.
            if matches!(self.keys.get(key), Some(Slot::Known(known)) if known == sequence) {
                self.keys.remove(key);
            }
            self.order.pop_front();
        }
    }
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
        let mut dedup = Dedup::new(Duration::from_secs(1), 10);
        let decisions = dedup.reserve(BUS, &[event(1), event(2), event(1)], 0).unwrap();
        assert_eq!(
            decisions,
            [Decision::Fresh(0), Decision::Fresh(1), Decision::Repeats(0)]
        );
    }

    #[test]
    fn a_pending_key_blocks_the_whole_append_and_reserves_nothing() {
        let mut dedup = Dedup::new(Duration::from_secs(1), 10);
        dedup.reserve(BUS, &[event(1)], 0).unwrap();
        assert_eq!(dedup.reserve(BUS, &[event(2), event(1)], 0), None);
        assert!(dedup.reserve(BUS, &[event(2)], 0).is_some());
        dedup.release(BUS, [DedupKey(1)].into_iter());
        assert_eq!(dedup.reserve(BUS, &[event(1)], 0), Some(vec![Decision::Fresh(0)]));
    }

    #[test]
    fn a_key_is_forgotten_after_the_window_and_beyond_the_limit() {
        let mut dedup = Dedup::new(Duration::from_millis(100), 2);
        for key in 1..=3_u64 {
            dedup.complete(BUS, DedupKey(key.into()), key, 0);
        }
        assert_eq!(dedup.find(BUS, DedupKey(1), 0), None, "beyond two events");
        assert_eq!(dedup.find(BUS, DedupKey(3), 100), Some(3));
        assert_eq!(
            dedup.kept(50),
            Duration::from_millis(50),
            "two events are all the bus may keep"
        );
        assert_eq!(dedup.find(BUS, DedupKey(3), 101), None, "after the window");
        assert_eq!(
            dedup.find(BusId(2), DedupKey(3), 0),
            None,
            "buses do not share keys"
        );
    }
}
