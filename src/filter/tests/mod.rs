//! A `match` as its author sees it.

mod explanations;
mod languages;
mod refusals;

use std::sync::Arc;

use serde_json::Value;

use super::Match;
use crate::pattern::EventView;
use crate::pattern::Residual as _;
use crate::pattern::RuleSet;
use crate::pattern::Scalar;

/// An event with attributes of every type, and a payload.
const EVENT: EventView<'_> = EventView {
    attributes: &[
        ("specversion", Scalar::String("1.0")),
        ("id", Scalar::String("e-1")),
        ("source", Scalar::String("/shop/berlin")),
        ("type", Scalar::String("com.example.order.created")),
        ("count", Scalar::Integer(5)),
        ("dry", Scalar::Boolean(true)),
    ],
    data: Some(br#"{"total": 250}"#),
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn wanted(text: &str) -> Match {
    Match::parse(&json(text)).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// Whether the event passes; the rule set, the last word and the explanation must say the same.
fn passes(text: &str) -> bool {
    let wanted = wanted(text);
    let alone = Arc::new(wanted.clone()).passes(&EVENT);
    let explained = wanted.explain(&EVENT).matched();
    let in_set = !RuleSet::compile([((), &wanted)]).matching(&EVENT).is_empty();
    assert_eq!((in_set, explained), (alone, alone), "{text}");
    alone
}
