//! The only source of "now".
//!
//! Everything that needs the time takes a [`Clock`], so a test can decide what time it is.

use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Instant;

use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;

/// Where the steady time of this process begins.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the time of day, and how time passes.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch. Somebody may set it, forward or back.
    fn now_ms(&self) -> i64;

    /// Milliseconds since some moment of this process; nobody sets it, and it never goes back.
    fn steady_ms(&self) -> i64;

    /// Both at once.
    fn moment(&self) -> Moment {
        Moment {
            wall_ms: self.now_ms(),
            steady_ms: self.steady_ms(),
        }
    }
}

/// A moment, on the clock that is shown and on the one that is waited by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// Milliseconds of the [steady](Clock::steady_ms) time.
    pub steady_ms: i64,
}

impl Moment {
    /// The steady time of a wait that began at `from_ms` and ends at `until_ms`, both Unix
    /// milliseconds. Whatever the clock was set to in between, nobody waits longer than was asked.
    #[must_use]
    pub fn steady_end(self, from_ms: i64, until_ms: i64) -> i64 {
        let longest = until_ms.saturating_sub(from_ms).max(0);
        let left = until_ms.saturating_sub(self.wall_ms).clamp(0, longest);
        self.steady_ms.saturating_add(left)
    }
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the system"
    )]
    fn now_ms(&self) -> i64 {
        Utc::now().timestamp_millis()
    }

    fn steady_ms(&self) -> i64 {
        i64::try_from(ORIGIN.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// Writes a time as RFC 3339 in UTC with milliseconds, `2026-01-02T03:04:05.678Z`.
///
/// A time outside of what chrono can hold is written as the epoch.
#[must_use]
pub fn rfc3339(unix_ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(unix_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads an RFC 3339 time as milliseconds since the Unix epoch.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_was_asked_whatever_the_clock_says() {
        let at = |wall_ms| {
            Moment {
                wall_ms,
                steady_ms: 7,
            }
            .steady_end(1_000, 1_500)
        };
        assert_eq!(at(1_200), 7 + 300);
        assert_eq!(at(-5_000_000), 7 + 500, "the clock was set back");
        assert_eq!(at(5_000_000), 7, "the clock was set forward");
        assert_eq!(at(i64::MIN), 7 + 500);
    }

    #[test]
    fn a_written_time_reads_back_as_the_same_millisecond() {
        assert_eq!(
            parse_rfc3339(&rfc3339(1_700_000_000_123)),
            Some(1_700_000_000_123)
        );
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    }
}
