//! When a failed delivery is tried again: the policy of a target and its arithmetic.

mod decode;
#[cfg(test)]
pub(super) use decode::KEYS;

use std::time::Duration;

/// How often, how soon and for how long a delivery is tried.
///
/// Whichever of `max_attempts` and `max_age` is reached first ends the delivery. The age is the
/// caller's to watch, because it counts from the event's acceptance.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How the delay grows.
    pub strategy: Strategy,
    /// How chance spreads the delay.
    pub jitter: Jitter,
    /// Most attempts, the first included.
    pub max_attempts: u32,
    /// Longest time from acceptance to the last attempt.
    pub max_age: Duration,
    /// Longest silence that a target gets when it asks for one.
    pub retry_after_max: Duration,
    /// Statuses that are tried again, whatever they mean elsewhere.
    pub retry_on: Vec<u16>,
    /// Statuses that end a delivery, whatever they mean elsewhere.
    pub permanent_on: Vec<u16>,
}

/// How the delay grows from attempt to attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// `initial`, then `factor` times longer each time, never above `max`.
    Exponential {
        /// Delay after the first attempt.
        initial: Duration,
        /// Growth, at least 1.
        factor: f64,
        /// Longest delay.
        max: Duration,
    },
    /// The same delay every time.
    Fixed {
        /// The delay.
        delay: Duration,
    },
    /// One delay per retry; when the list ends, so do the retries.
    Schedule {
        /// The delays in order, at least one.
        delays: Vec<Duration>,
    },
    /// One attempt only.
    None,
}

/// How chance spreads a delay, so that what failed together does not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Anything up to the delay, but not below 100 ms (or the delay, when that is shorter).
    Full,
    /// Half of the delay, and up to another half.
    Equal,
    /// The delay itself.
    None,
}

/// A target that names a time far away shall not be forgotten.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Least delay under full jitter: a retry at once would find the same failure.
const JITTER_FLOOR: Duration = Duration::from_millis(100);

impl Default for RetryPolicy {
    /// Exponential with full jitter, 1 s to 10 min, 24 h or 185 attempts: as AWS `EventBridge` does.
    fn default() -> Self {
        Self {
            strategy: Strategy::Exponential {
                initial: Duration::from_secs(1),
                factor: 2.0,
                max: Duration::from_mins(10),
            },
            jitter: Jitter::Full,
            max_attempts: 185,
            max_age: Duration::from_hours(24),
            retry_after_max: RETRY_AFTER_MAX,
            retry_on: Vec::new(),
            permanent_on: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// The schedule that the Standard Webhooks specification recommends.
    #[must_use]
    pub fn standard_webhooks() -> Self {
        let minute = 60;
        let hour = 60 * minute;
        let delays = [
            5,
            5 * minute,
            30 * minute,
            2 * hour,
            5 * hour,
            10 * hour,
            14 * hour,
            20 * hour,
            24 * hour,
        ];
        Self {
            strategy: Strategy::Schedule {
                delays: delays.map(Duration::from_secs).to_vec(),
            },
            jitter: Jitter::None,
            max_attempts: 10,
            // The delays add up to 75 h 35 min; the attempts between them take time too.
            max_age: Duration::from_secs(96 * hour),
            retry_after_max: RETRY_AFTER_MAX,
            retry_on: Vec::new(),
            permanent_on: Vec::new(),
        }
    }

    /// How long to wait after attempt number `attempt` (from 1) failed.
    ///
    /// `None` says that there is no attempt left. `random` is drawn from 0 to 1 by the caller; the
    /// same arguments give the same delay. The age is not looked at.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: f64) -> Option<Duration> {
        if attempt >= self.max_attempts {
            return None;
        }
        let retry = attempt.saturating_sub(1);
        let delay = match &self.strategy {
            Strategy::Exponential { initial, factor, max } => grown(*initial, *factor, retry, *max),
            Strategy::Fixed { delay } => *delay,
            Strategy::Schedule { delays } => *delays.get(usize::try_from(retry).ok()?)?,
            Strategy::None => return None,
        };
        Some(self.jitter.spread(delay, random))
    }
}

impl Jitter {
    fn spread(self, delay: Duration, random: f64) -> Duration {
        // `clamp` passes NaN on, which would panic below.
        let random = if random.is_finite() {
            random.clamp(0.0, 1.0)
        } else {
            0.0
        };
        match self {
            Self::Full => delay.mul_f64(random).max(JITTER_FLOOR.min(delay)),
            Self::Equal => delay / 2 + (delay / 2).mul_f64(random),
            Self::None => delay,
        }
    }
}

/// `initial * factor ^ retry`, at most `max`; infinity and worse end at `max`.
fn grown(initial: Duration, factor: f64, retry: u32, max: Duration) -> Duration {
    let exponent = i32::try_from(retry).unwrap_or(i32::MAX);
    let seconds = initial.as_secs_f64() * factor.powi(exponent);
    Duration::try_from_secs_f64(seconds).map_or(max, |delay| delay.min(max))
}

#[cfg(test)]
mod tests;
