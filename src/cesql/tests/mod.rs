//! Expressions as their authors see them.

mod access;
mod explanations;
mod properties;
mod refusals;
mod values;

use super::Expression;
use crate::pattern::Scalar;

/// An event with attributes of every type.
const EVENT: &[(&str, Scalar<'_>)] = &[
    ("specversion", Scalar::String("1.0")),
    ("id", Scalar::String("e-1")),
    ("source", Scalar::String("/shop/berlin")),
    ("type", Scalar::String("com.example.order.created")),
    ("hop", Scalar::String("05")),
    ("count", Scalar::Integer(5)),
    ("dry", Scalar::Boolean(true)),
    ("ümlaut", Scalar::String("never named")),
];

fn expression(text: &str) -> Expression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The value, and the kind of the fault if there is one, as `value` or `value kind`.
fn outcome(text: &str) -> String {
    let expression = expression(text);
    let outcome = expression.evaluate(EVENT);
    let fault = outcome.fault.map(|fault| format!(" {}", fault.kind.name()));
    format!("{}{}", outcome.value, fault.unwrap_or_default())
}

#[track_caller]
fn assert_outcomes(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(outcome(text), *expected, "{text}");
    }
}
