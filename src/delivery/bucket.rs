//! The token bucket of a route: how fast its attempts may begin.

use std::time::Duration;

use crate::config::Rate;

/// What was not used in this time may be used at once.
const BURST: Duration = Duration::from_millis(50);
const NANOS: i64 = 1_000_000;

/// Spaces attempts evenly.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Steady time, in nanoseconds, when the next attempt would be due if none came early.
    next: i64,
}

impl Bucket {
    /// When the next attempt may begin, steady milliseconds; none if it may at once.
    pub(super) fn wait(&self, steady_ms: i64) -> Option<i64> {
        let burst = i64::try_from(BURST.as_nanos()).unwrap_or(0);
        let earliest = self.next.saturating_sub(burst);
        let now = steady_ms.saturating_mul(NANOS);
        (earliest > now).then(|| earliest.div_euclid(NANOS).saturating_add(1))
    }

    /// An attempt begins.
    pub(super) fn take(&mut self, rate: Rate, steady_ms: i64) {
        let now = steady_ms.saturating_mul(NANOS);
        let interval = i64::try_from(rate.time_for(1).as_nanos()).unwrap_or(i64::MAX);
        self.next = self.next.max(now).saturating_add(interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the first attempts begin, if all are due at once.
    fn begins(rate: &str, count: usize) -> Vec<i64> {
        let (rate, mut bucket, mut now) = (rate.parse().unwrap(), Bucket::default(), 0);
        let mut begins = Vec::new();
        while begins.len() < count {
            if let Some(until) = bucket.wait(now) {
                assert!(until > now, "a wait that ends is over");
                now = until;
            } else {
                bucket.take(rate, now);
                begins.push(now);
            }
        }
        begins
    }

    #[test]
    fn attempts_are_spaced_by_the_rate_and_a_little_may_come_at_once() {
        let begins = begins("100/s", 500);
        for window in begins.windows(106) {
            assert!(window[105] - window[0] >= 990, "{} in a second", window.len());
        }
        assert!((4_900..=5_000).contains(&begins[499]), "{}", begins[499]);
    }

    #[test]
    fn slow_and_fast_rates_are_kept() {
        assert_eq!(begins("1/m", 3).last().map(|last| last / 1_000), Some(119));
        let last = begins("100000/s", 100_000).pop().unwrap();
        assert!((900..=1_000).contains(&last), "{last}");
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let mut bucket = Bucket::default();
        let rate = "10/s".parse().unwrap();
        bucket.take(rate, 0);
        bucket.take(rate, 60_000);
        assert_eq!(bucket.wait(60_000), Some(60_051));
    }
}
