//! The language as its users see it, every example held against both matchers.

mod arrays;
mod explanations;
mod operators;
mod properties;
mod refusals;
mod rulesets;

use serde_json::Value;

use super::Access;
use super::EventView;
use super::Explanation;
use super::FailedCondition;
use super::Filter;
use super::Pattern;
use super::PatternError;
use super::Residual;
use super::RuleSet;
use super::Scalar;
use super::explain;
use super::naive;
use super::nearest_misses;

/// An event of type `t` whose data is this text.
fn event(data: &str) -> EventView<'_> {
    EventView {
        attributes: &[("type", Scalar::String("t"))],
        data: Some(data.as_bytes()),
    }
}

fn pattern(text: &str) -> Pattern {
    let value: Value = serde_json::from_str(text).expect("the pattern is JSON");
    Pattern::parse(&value).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// Whether the compiled matcher finds the pattern; the naive one must agree.
fn decide(pattern: &Pattern, event: &EventView<'_>) -> bool {
    let compiled = !RuleSet::compile([((), pattern.clone())])
        .matching(event)
        .is_empty();
    assert_eq!(
        compiled,
        naive::matches(pattern, event),
        "the matchers differ: {pattern:?} {event:?}"
    );
    assert_eq!(
        compiled,
        explain(pattern, event).matched(),
        "explain differs: {pattern:?} {event:?}"
    );
    compiled
}

/// Whether a pattern of the payload matches it.
fn matches(fields: &str, data: &str) -> bool {
    decide(&pattern(&format!(r#"{{"data":{fields}}}"#)), &event(data))
}

/// Whether the alternatives hold for the field `f` of a payload.
fn accepts(alternatives: &str, value: &str) -> bool {
    matches(
        &format!(r#"{{"f":[{alternatives}]}}"#),
        &format!(r#"{{"f":{value}}}"#),
    )
}
