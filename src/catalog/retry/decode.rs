//! Reading `retry: {...}`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::Jitter;
use super::RetryPolicy;
use super::Strategy;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::decode::duration_value;
use crate::catalog::issue::Issue;

pub(in crate::catalog) const KEYS: &[&str] = &[
    "strategy",
    "initial",
    "factor",
    "max",
    "jitter",
    "schedule",
    "max_attempts",
    "max_age",
    "retry_after_max",
    "retry_on",
    "permanent_on",
    "preset",
];
const STRATEGIES: &[&str] = &["exponential", "fixed", "schedule", "none"];

/// The bound on every duration: a delivery holds its event in the log as long as it lives.
const DURATIONS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(744);
/// The bound on attempts: each is listed in the dead letter.
const ATTEMPTS: RangeInclusive<u32> = 1..=10_000;
/// The bound on the growth: beyond it the second retry is at `max` anyway.
const FACTORS: RangeInclusive<f64> = 1.0..=100.0;
/// Statuses that say that the target does not have the event.
const STATUSES: RangeInclusive<u16> = 300..=599;
/// Most delays in a schedule.
const MAX_SCHEDULE: usize = 100;

impl RetryPolicy {
    /// Reads a policy; keys left out keep the preset's values, or the default's without a preset.
    ///
    /// A setting that the strategy does not use (`factor` of a fixed delay) is checked and ignored.
    pub(in crate::catalog) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`retry`", issues)?;
        let before = issues.count();
        fields.only(KEYS, &[], issues);
        let preset = match fields.word("preset", &["aws", "standard_webhooks"], &[], issues) {
            Some("standard_webhooks") => Self::standard_webhooks(),
            _ => Self::default(),
        };
        let delays = schedule(&fields, issues);
        let strategy = strategy(&fields, &preset.strategy, delays, issues);
        let jitter = match fields.word("jitter", &["full", "equal", "none"], &[], issues) {
            Some("equal") => Jitter::Equal,
            Some("none") => Jitter::None,
            // A delay somebody wrote down is meant; a grown one is not.
            None if !matches!(strategy, Strategy::Exponential { .. }) => Jitter::None,
            _ => Jitter::Full,
        };
        let retry_on = statuses(&fields, "retry_on", issues);
        let permanent_on = statuses(&fields, "permanent_on", issues);
        if let Some(both) = retry_on.iter().find(|status| permanent_on.contains(status)) {
            let detail = format!("{both} is in `retry_on` too");
            issues.push(Issue::new(fields.at("permanent_on"), "invalid-value", detail));
        }
        let policy = Self {
            strategy,
            jitter,
            max_attempts: fields
                .number("max_attempts", ATTEMPTS, issues)
                .unwrap_or(preset.max_attempts),
            max_age: fields
                .duration("max_age", DURATIONS, issues)
                .unwrap_or(preset.max_age),
            retry_after_max: fields
                .duration("retry_after_max", DURATIONS, issues)
                .unwrap_or(preset.retry_after_max),
            retry_on,
            permanent_on,
        };
        (issues.count() == before).then_some(policy)
    }
}

/// The strategy named, or implied by a schedule, or the preset's.
fn strategy(
    fields: &Fields<'_>,
    preset: &Strategy,
    delays: Option<Vec<Duration>>,
    issues: &mut Issues,
) -> Strategy {
    let named = fields.word("strategy", STRATEGIES, &[], issues);
    let implied = match preset {
        _ if delays.is_some() => "schedule",
        Strategy::Schedule { .. } => "schedule",
        _ => "exponential",
    };
    let initial = fields.duration("initial", DURATIONS, issues);
    let max = fields.duration("max", DURATIONS, issues);
    let factor = factor(fields, issues).unwrap_or(2.0);
    if let (Some(initial), Some(max)) = (initial, max)
        && initial > max
    {
        let detail = "`initial` is longer than `max`";
        issues.push(Issue::new(fields.at("initial"), "invalid-value", detail));
    }
    let delay = initial.unwrap_or(Duration::from_secs(1));
    match named.unwrap_or(implied) {
        "fixed" => Strategy::Fixed { delay },
        "none" => Strategy::None,
        "schedule" => match (delays, preset) {
            (Some(delays), _) => Strategy::Schedule { delays },
            (None, Strategy::Schedule { .. }) => preset.clone(),
            (None, _) => {
                let detail = "the strategy `schedule` needs `schedule`";
                issues.push(
                    Issue::new(fields.at("strategy"), "missing-field", detail)
                        .with_correction("add `schedule: [5s, 5m, 30m]`"),
                );
                Strategy::None
            }
        },
        _ => Strategy::Exponential {
            initial: delay,
            factor,
            max: max.unwrap_or(Duration::from_mins(10)),
        },
    }
}

/// The list of delays, if there is one.
fn schedule(fields: &Fields<'_>, issues: &mut Issues) -> Option<Vec<Duration>> {
    fields.find("schedule")?;
    let before = issues.count();
    let items = fields.list("schedule", issues);
    if issues.count() == before && !(1..=MAX_SCHEDULE).contains(&items.len()) {
        let detail = format!("`schedule` has 1 to {MAX_SCHEDULE} delays, not {}", items.len());
        issues.push(Issue::new(fields.at("schedule"), "invalid-value", detail));
    }
    if let Some("exponential" | "fixed" | "none") = fields.find("strategy").and_then(Value::as_str) {
        let detail = "`schedule` is for the strategy `schedule` only";
        issues.push(
            Issue::new(fields.at("schedule"), "invalid-value", detail)
                .with_correction("leave out `strategy` or `schedule`"),
        );
    }
    let read = |(at, item): (String, &Value)| duration_value(item, &at, "schedule", DURATIONS, issues);
    Some(items.into_iter().filter_map(read).collect())
}

/// Statuses of answers that are no success.
fn statuses(fields: &Fields<'_>, key: &str, issues: &mut Issues) -> Vec<u16> {
    let items = fields.list(key, issues);
    let read = |(at, item): (String, &Value)| {
        let status = item.as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| STATUSES.contains(status));
        if status.is_none() {
            let detail = format!("`{key}` lists statuses from 300 to 599, not {item}");
            issues.push(Issue::new(at, "invalid-value", detail));
        }
        status
    };
    items.into_iter().filter_map(read).collect()
}

/// The growth factor, if there is one.
fn factor(fields: &Fields<'_>, issues: &mut Issues) -> Option<f64> {
    let value = fields.find("factor")?;
    let factor = value.as_f64().filter(|factor| FACTORS.contains(factor));
    if factor.is_none() {
        let detail = format!(
            "`factor` is a number from {} to {}",
            FACTORS.start(),
            FACTORS.end()
        );
        issues.push(Issue::new(fields.at("factor"), "invalid-value", detail));
    }
    factor
}
