//! `circuit: {failures, open, max}` or `circuit: off`: when a target is left alone for a while.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;

/// When the circuit breaker of a route opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open the first time; twice as long each time after.
    pub open: Duration,
    /// Longest time it stays open.
    pub max: Duration,
}

pub(in crate::catalog) const KEYS: &[&str] = &["failures", "open", "max"];

/// A row of more says what a shorter one said long before.
const FAILURES: RangeInclusive<u32> = 1..=1_000;
/// Above, a target that is well again would wait too long for its events.
const DURATIONS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

impl Default for CircuitPolicy {
    /// Ten failures in a row; 30 s, doubling to 10 min.
    fn default() -> Self {
        Self {
            failures: 10,
            open: Duration::from_secs(30),
            max: Duration::from_mins(10),
        }
    }
}

impl CircuitPolicy {
    /// How long it stays open when it opens for the `times`th time in a row, from 1.
    #[must_use]
    pub fn wait(&self, times: u32) -> Duration {
        let doublings = times.saturating_sub(1).min(31);
        self.open.saturating_mul(1 << doublings).min(self.max)
    }

    /// Reads the policy; `None` without an issue says that there is no circuit breaker.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        // YAML 1.1 reads `off` as false.
        if matches!(value, Value::Bool(false)) || value.as_str() == Some("off") {
            return None;
        }
        if !value.is_object() {
            let detail = format!("`circuit` is `off` or an object, not {value}");
            issues.push(
                Issue::new(pointer, "invalid-value", detail)
                    .with_correction("`circuit: off` or `circuit: { failures: 10, open: 30s, max: 10m }`"),
            );
            return None;
        }
        let fields = Fields::of(value, pointer, "`circuit`", issues)?;
        fields.only(KEYS, &[], issues);
        let default = Self::default();
        let failures = fields.number("failures", FAILURES, issues);
        let open = fields.duration("open", DURATIONS, issues);
        let max = fields.duration("max", DURATIONS, issues);
        if let (Some(open), Some(max)) = (open, max)
            && open > max
        {
            let detail = "`open` is longer than `max`";
            issues.push(Issue::new(fields.at("open"), "invalid-value", detail));
        }
        let open = open.unwrap_or(default.open.min(max.unwrap_or(default.open)));
        Some(Self {
            failures: failures.unwrap_or(default.failures),
            open,
            max: max.unwrap_or(default.max.max(open)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decode(value: &Value) -> Result<Option<CircuitPolicy>, Vec<Issue>> {
        let mut issues = Issues::default();
        let policy = CircuitPolicy::decode(value, "/circuit", &mut issues);
        issues.or(Some(policy))
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        let policy = CircuitPolicy::default();
        let waits: Vec<u64> = [1, 2, 3, 4, 5, 6, 7, u32::MAX]
            .map(|times| policy.wait(times).as_secs())
            .to_vec();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600, 600]);
    }

    #[test]
    fn it_is_off_in_both_spellings_and_partly_given_elsewhere() {
        assert_eq!(decode(&json!("off")).unwrap(), None);
        assert_eq!(decode(&json!(false)).unwrap(), None);
        let policy = decode(&json!({ "max": "1s" })).unwrap().unwrap();
        assert_eq!(
            (policy.failures, policy.open, policy.max.as_secs()),
            (10, policy.max, 1)
        );
        let policy = decode(&json!({ "open": "1h" })).unwrap().unwrap();
        assert_eq!((policy.open, policy.max), (policy.max, Duration::from_hours(1)));
    }

    #[test]
    fn anything_else_is_named() {
        for (value, code) in [
            (json!("on"), "invalid-value"),
            (json!(true), "invalid-value"),
            (json!({ "failures": 0 }), "invalid-value"),
            (json!({ "open": "2s", "max": "1s" }), "invalid-value"),
            (json!({ "opne": "2s" }), "unknown-key"),
        ] {
            assert_eq!(decode(&value).unwrap_err()[0].code, code, "{value}");
        }
    }
}
