//! Reading one element of `targets`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::Target;
use super::TargetKind;
use super::bus;
use super::circuit::CircuitPolicy;
use super::function::Function;
use super::order;
use super::queue::Queue;
use super::webhook::Webhook;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::decode::transform;
use crate::catalog::issue::Issue;
use crate::catalog::names::TargetName;
use crate::catalog::retry::RetryPolicy;
use crate::config::Rate;

pub(in crate::catalog) const KEYS: &[&str] = &[
    "name",
    "webhook",
    "function",
    "queue",
    "bus",
    "echo",
    "transform",
    "retry",
    "timeout",
    "concurrency",
    "rate",
    "order",
    "key",
    "circuit",
    "paused",
];
const KINDS: &[&str] = &["webhook", "function", "queue", "bus", "echo"];
const LATER_KINDS: &[&str] = &["file"];

/// The default deadline of an attempt: long for an API call, short for a thread that hangs.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A longer call belongs behind a queue.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_mins(5);
const CONCURRENCY: u32 = 32;
const CONCURRENCIES: RangeInclusive<u32> = 1..=1024;

impl Target {
    /// Reads a target and reports everything wrong with it.
    pub(in crate::catalog) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "a target", issues)?;
        let before = issues.count();
        fields.only(KEYS, LATER_KINDS, issues);
        let name = name(&fields, issues);
        let kind = kind(&fields, pointer, issues);
        let transform = transform(&fields, issues);
        let retry = match fields.find("retry") {
            Some(value) => RetryPolicy::decode(value, &fields.at("retry"), issues),
            None => Some(RetryPolicy::default()),
        };
        let timeout = fields.duration("timeout", TIMEOUTS, issues).unwrap_or(TIMEOUT);
        let concurrency = fields
            .number("concurrency", CONCURRENCIES, issues)
            .unwrap_or(CONCURRENCY);
        let rate = rate(&fields, issues);
        let order = order::decode(&fields, issues);
        let circuit = match fields.find("circuit") {
            Some(value) => CircuitPolicy::decode(value, &fields.at("circuit"), issues),
            None => Some(CircuitPolicy::default()),
        };
        let paused = fields.flag("paused", issues);
        if issues.count() > before {
            return None;
        }
        Some(Self {
            name: name?,
            kind: kind?,
            transform,
            retry: retry?,
            timeout,
            concurrency,
            rate,
            order,
            circuit,
            paused,
        })
    }
}

fn rate(fields: &Fields<'_>, issues: &mut Issues) -> Option<Rate> {
    let text = fields.text("rate", issues)?;
    let rate = text.parse();
    if let Err(detail) = &rate {
        issues
            .push(Issue::new(fields.at("rate"), "invalid-value", detail).with_correction("such as `100/s`"));
    }
    rate.ok()
}

fn name(fields: &Fields<'_>, issues: &mut Issues) -> Option<TargetName> {
    fields.required("name", "name: crm", issues)?;
    let text = fields.text("name", issues)?;
    let name = TargetName::parse(text);
    if let Err(error) = &name {
        issues.push(Issue::new(fields.at("name"), "invalid-name", error.to_string()));
    }
    name.ok()
}

/// The one kind the target has.
fn kind(fields: &Fields<'_>, pointer: &str, issues: &mut Issues) -> Option<TargetKind> {
    let given: Vec<_> = KINDS
        .iter()
        .filter_map(|kind| fields.find(kind).map(|value| (*kind, value)))
        .collect();
    match given[..] {
        [(kind, value)] => {
            let at = fields.at(kind);
            match kind {
                "webhook" => Webhook::decode(value, &at, issues).map(TargetKind::Webhook),
                "function" => Function::decode(value, &at, issues).map(TargetKind::Function),
                "queue" => Queue::decode(value, &at, issues).map(|queue| TargetKind::Queue(Box::new(queue))),
                "bus" => bus::decode(value, &at, issues).map(TargetKind::Bus),
                _ => {
                    Fields::of(value, &at, "`echo`", issues)?.only(&[], &[], issues);
                    Some(TargetKind::Echo)
                }
            }
        }
        // A kind that is not available has been reported with its key.
        [] if LATER_KINDS.iter().any(|kind| fields.find(kind).is_some()) => None,
        [] => {
            let detail = "a target needs its kind: `webhook`, `function`, `queue`, `bus` or `echo`";
            issues.push(
                Issue::new(pointer, "missing-field", detail)
                    .with_correction("add `webhook: { url: \"https://…\" }` or `echo: {}`"),
            );
            None
        }
        [(one, _), (other, _), ..] => {
            let detail = format!("a target has one kind: `{one}` or `{other}`, not both");
            issues.push(Issue::new(pointer, "invalid-target", detail).with_correction("make it two targets"));
            None
        }
    }
}
