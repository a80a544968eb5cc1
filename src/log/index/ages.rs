//! When positions of the log became durable, by a clock that never goes back.

use std::collections::VecDeque;

/// Precision of what is remembered, milliseconds.
const STEP_MS: i64 = 1_000;

/// Positions and the times at which the log had grown to them, a second apart.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    /// Ascending in both: everything below the position was durable at the time.
    marks: VecDeque<(u64, i64)>,
}

impl Ages {
    /// The log has grown to `position`; forgets what is older than `oldest`, but for where that ends.
    pub(crate) fn note(&mut self, position: u64, at: i64, oldest: i64) {
        match self.marks.back_mut() {
            Some((last, since)) if at - *since < STEP_MS => *last = position,
            _ => self.marks.push_back((position, at)),
        }
        // The first mark stays older than `oldest`: what lies before it is so too.
        while self.marks.get(1).is_some_and(|(_, at)| at + STEP_MS < oldest) {
            self.marks.pop_front();
        }
    }

    /// A time at which what is at `position` was durable: exact to a second, never too early.
    pub(crate) fn at(&self, position: u64, now: i64) -> i64 {
        let behind = self.marks.partition_point(|(mark, _)| *mark <= position);
        self.marks
            .get(behind)
            .map_or(now, |(_, since)| since.saturating_add(STEP_MS).min(now))
    }

    /// Whether anything at or above `position` may be as young as `oldest`.
    pub(crate) fn is_younger(&self, position: u64, oldest: i64, now: i64) -> bool {
        self.at(position, now) >= oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_never_thought_older_than_it_is() {
        let mut ages = Ages::default();
        for step in 0..100_u64 {
            let at = i64::try_from(step).unwrap() * 300;
            ages.note(step * 10 + 10, at, at - 5_000);
            let known = ages.at(step * 10, at);
            assert!(known >= at && known <= at + STEP_MS, "{known} {at}");
        }
        let now = 99 * 300;
        assert!(ages.at(990, now) >= now - STEP_MS);
        assert!((90 * 300..=90 * 300 + 2 * STEP_MS).contains(&ages.at(900, now)));
        assert!(!ages.is_younger(0, now - 1_000, now));
    }

    #[test]
    fn what_was_forgotten_is_old_however_busy_the_log_is() {
        for window in [1_000, 5_000, 600_000] {
            let mut ages = Ages::default();
            let mut at = 0_i64;
            while at < 3 * window {
                at += 100;
                ages.note(at.unsigned_abs(), at, at - window);
                let oldest = at - window;
                let old = oldest - 2 * STEP_MS;
                assert!(
                    old < 0 || !ages.is_younger(old.unsigned_abs(), oldest, at),
                    "{window} {at}"
                );
                assert!(
                    ages.is_younger(oldest.max(0).unsigned_abs(), oldest, at),
                    "{window} {at}"
                );
            }
            let kept = usize::try_from(window / STEP_MS).unwrap() + 4;
            assert!(ages.marks.len() <= kept, "{} of {kept}", ages.marks.len());
        }
    }
}
