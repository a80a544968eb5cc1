use serde_json::Value;
use serde_json::json;

use super::*;
use crate::catalog::decode::Issues;

fn decode(value: &Value) -> Result<RetryPolicy, Vec<(String, &'static str)>> {
    let mut issues = Issues::default();
    let policy = RetryPolicy::decode(value, "/retry", &mut issues);
    issues
        .or(policy)
        .map_err(|issues| issues.into_iter().map(|i| (i.pointer, i.code)).collect())
}

/// The delays after attempts 1, 2, 3, …, as long as there are any.
fn delays(policy: &RetryPolicy, random: f64) -> Vec<u64> {
    (1..)
        .map_while(|attempt| policy.delay(attempt, random))
        .map(|delay| delay.as_secs())
        .take(12)
        .collect()
}

const fn after(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_default_doubles_from_one_second_to_ten_minutes_and_ends_at_185() {
    let policy = RetryPolicy {
        jitter: Jitter::None,
        ..RetryPolicy::default()
    };
    let delays: Vec<_> = (1..=12)
        .map(|n| policy.delay(n, 0.5).unwrap().as_secs())
        .collect();
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    assert_eq!(policy.delay(184, 0.5), Some(after(600)));
    assert_eq!(policy.delay(185, 0.5), None);
    assert_eq!(policy.delay(u32::MAX, 0.5), None);
}

#[test]
fn no_attempt_number_overflows() {
    let huge = Duration::from_hours(31 * 24);
    let strategy = Strategy::Exponential {
        initial: huge,
        factor: 100.0,
        max: huge,
    };
    let policy = RetryPolicy {
        strategy,
        jitter: Jitter::None,
        max_attempts: u32::MAX,
        ..RetryPolicy::default()
    };
    for attempt in [0, 1, 2, 1_000, u32::MAX - 1] {
        assert_eq!(policy.delay(attempt, 1.0), Some(huge));
    }
}

#[test]
fn full_jitter_never_falls_below_its_floor() {
    let policy = RetryPolicy::default();
    assert_eq!(policy.delay(5, 0.0), Some(Duration::from_millis(100)));
    assert_eq!(policy.delay(5, 0.5), Some(after(8)));
    assert_eq!(policy.delay(5, 1.0), Some(after(16)));
    let quick = decode(&json!({"initial": "20ms"})).unwrap();
    assert_eq!(quick.delay(1, 0.0), Some(Duration::from_millis(20)));
}

#[test]
fn equal_jitter_keeps_half() {
    let policy = RetryPolicy {
        jitter: Jitter::Equal,
        ..RetryPolicy::default()
    };
    assert_eq!(policy.delay(5, 0.0), Some(after(8)));
    assert_eq!(policy.delay(5, 1.0), Some(after(16)));
}

#[test]
fn chance_out_of_range_is_harmless() {
    let policy = RetryPolicy::default();
    for random in [f64::NAN, f64::INFINITY, -1.0, 7.0] {
        assert!(policy.delay(5, random).unwrap() <= after(16), "{random}");
    }
}

#[test]
fn a_schedule_ends_with_its_list() {
    let policy = decode(&json!({"schedule": ["5s", "5m"]})).unwrap();
    assert_eq!(
        [1, 2, 3].map(|n| policy.delay(n, 0.3)),
        [Some(after(5)), Some(after(300)), None]
    );
    let short = decode(&json!({"schedule": ["5s", "5m"], "max_attempts": 2})).unwrap();
    assert_eq!(delays(&short, 0.3), [5]);
}

#[test]
fn fixed_waits_the_same_and_none_never() {
    let fixed = decode(&json!({"strategy": "fixed", "initial": "3s", "max_attempts": 3})).unwrap();
    assert_eq!(
        [1, 2, 3].map(|n| fixed.delay(n, 0.0)),
        [Some(after(3)), Some(after(3)), None]
    );
    let none = decode(&json!({"strategy": "none"})).unwrap();
    assert!(delays(&none, 0.5).is_empty());
}

#[test]
fn presets_are_a_base_that_other_keys_change() {
    assert_eq!(decode(&json!({"preset": "aws"})), Ok(RetryPolicy::default()));
    assert_eq!(decode(&json!({})), Ok(RetryPolicy::default()));
    let standard = decode(&json!({"preset": "standard_webhooks", "max_attempts": 3})).unwrap();
    assert_eq!(standard.strategy, RetryPolicy::standard_webhooks().strategy);
    assert_eq!(
        [1, 2, 3].map(|n| standard.delay(n, 0.0)),
        [Some(after(5)), Some(after(300)), None]
    );
}

#[test]
fn one_short_bound_also_bounds_the_default_of_the_other() {
    let policy = decode(&json!({"max": "500ms", "jitter": "none"})).unwrap();
    assert_eq!(policy.delay(1, 0.0), Some(Duration::from_millis(500)));
}

#[test]
fn every_bad_setting_is_named() {
    for (value, pointer, code) in [
        (json!([]), "/retry", "invalid-type"),
        (json!({"initial": 5}), "/retry/initial", "invalid-duration"),
        (json!({"initial": "0s"}), "/retry/initial", "invalid-value"),
        (
            json!({"initial": "5m", "max": "5s"}),
            "/retry/initial",
            "invalid-value",
        ),
        (json!({"max_age": "32d"}), "/retry/max_age", "invalid-value"),
        (json!({"max_attempts": 0}), "/retry/max_attempts", "invalid-value"),
        (
            json!({"max_attempts": 1.5}),
            "/retry/max_attempts",
            "invalid-value",
        ),
        (
            json!({"max_attempts": "5"}),
            "/retry/max_attempts",
            "invalid-type",
        ),
        (json!({"factor": 0.5}), "/retry/factor", "invalid-value"),
        (json!({"factor": "2"}), "/retry/factor", "invalid-value"),
        (json!({"strategy": "linear"}), "/retry/strategy", "invalid-value"),
        (
            json!({"strategy": "schedule"}),
            "/retry/strategy",
            "missing-field",
        ),
        (json!({"schedule": []}), "/retry/schedule", "invalid-value"),
        (
            json!({"schedule": ["5s", "x"]}),
            "/retry/schedule/1",
            "invalid-duration",
        ),
        (
            json!({"schedule": ["5s"], "strategy": "fixed"}),
            "/retry/schedule",
            "invalid-value",
        ),
        (json!({"preset": "azure"}), "/retry/preset", "invalid-value"),
        (json!({"jitter": true}), "/retry/jitter", "invalid-type"),
        (json!({"attempts": 3}), "/retry/attempts", "unknown-key"),
    ] {
        assert_eq!(decode(&value), Err(vec![(pointer.to_owned(), code)]), "{value}");
    }
}
