//! What was seen of the events of one type on one bus.

use std::collections::BTreeMap;
use std::collections::VecDeque;

/// Newest events whose places are kept.
pub(super) const RECENT: usize = 1_000;
/// Sources that are counted apart.
const SOURCES: usize = 20;
/// The time over which a rate is taken.
const WINDOW_MS: i64 = 60_000;
/// The parts of that time.
const SLOT_MS: i64 = 5_000;

/// What was seen of the events of one type on one bus.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Events.
    pub count: u64,
    /// When the first of them was accepted, in Unix milliseconds.
    pub first_ms: i64,
    /// When the last one was.
    pub last_ms: i64,
    /// Their sources, each with how many of them; of many only some.
    pub sources: BTreeMap<String, u64>,
    /// Times and sequences of the newest ones, ascending.
    pub recent: VecDeque<(i64, u64)>,
    /// How many came in each part of the last minute, by the number of the part.
    slots: VecDeque<(i64, u64)>,
}

impl Record {
    /// Takes note of the next event.
    pub(super) fn add(&mut self, sequence: u64, time_ms: i64, source: &str) {
        if self.count == 0 {
            self.first_ms = time_ms;
        }
        self.count += 1;
        self.last_ms = time_ms;
        if let Some(count) = self.sources.get_mut(source) {
            *count += 1;
        } else if self.sources.len() < SOURCES {
            self.sources.insert(source.to_owned(), 1);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((time_ms, sequence));
        let slot = time_ms.div_euclid(SLOT_MS);
        match self.slots.back_mut() {
            Some((last, count)) if *last == slot => *count += 1,
            _ => self.slots.push_back((slot, 1)),
        }
        while self
            .slots
            .front()
            .is_some_and(|(first, _)| !is_within(*first, time_ms))
        {
            self.slots.pop_front();
        }
    }

    /// Events per second over the last minute.
    #[must_use]
    pub fn rate(&self, now_ms: i64) -> f64 {
        let within = self.slots.iter().filter(|(slot, _)| is_within(*slot, now_ms));
        let count: u64 = within.map(|(_, count)| count).sum();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        f64::from(count) / 60.0
    }
}

fn is_within(slot: i64, now_ms: i64) -> bool {
    slot * SLOT_MS > now_ms - WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_how_many_came_when_and_from_where() {
        let mut record = Record::default();
        for sequence in 1..=120 {
            let source = if sequence % 3 == 0 { "/b" } else { "/a" };
            record.add(sequence, i64::try_from(sequence).unwrap() * 1_000, source);
        }
        assert_eq!(
            (record.count, record.first_ms, record.last_ms),
            (120, 1_000, 120_000)
        );
        assert_eq!((record.sources["/a"], record.sources["/b"]), (80, 40));
        assert!(
            (0.9..=1.1).contains(&record.rate(120_000)),
            "{}",
            record.rate(120_000)
        );
        assert!(record.rate(200_000).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let mut record = Record::default();
        for sequence in 0..5_000 {
            record.add(sequence, 0, &format!("/{sequence}"));
        }
        assert_eq!((record.recent.len(), record.recent[0].1), (RECENT, 4_000));
        assert_eq!((record.count, record.sources.len()), (5_000, SOURCES));
    }
}
