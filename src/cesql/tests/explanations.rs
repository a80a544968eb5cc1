//! Why an event does not pass.

use super::EVENT;
use super::expression;
use crate::pattern::Scalar;

/// The decisive part and what was found there.
fn miss(text: &str) -> (String, String) {
    let miss = expression(text).explain(EVENT).expect(text);
    (miss.part, miss.found)
}

#[test]
fn the_decisive_part_is_the_smallest_that_makes_the_whole_false() {
    for (text, part, found) in [
        ("type = 'b'", "type = 'b'", "type = 'com.example.order.created'"),
        ("dry AND count > 7 AND type = 'b'", "count > 7", "count = 5"),
        ("dry AND (count = 5 AND id = 'x')", "id = 'x'", "id = 'e-1'"),
        (
            "id = 'x' OR count = 6",
            "id = 'x' OR count = 6",
            "id = 'e-1', count = 5",
        ),
        ("id = 'x' OR dry AND count = 6", "count = 6", "count = 5"),
        (
            "(id = 'x' OR id = 'y') AND dry",
            "(id = 'x' OR id = 'y')",
            "id = 'e-1'",
        ),
        ("EXISTS subject AND dry", "EXISTS subject", "no subject"),
        ("NOT EXISTS id", "NOT EXISTS id", "id = 'e-1'"),
        ("FALSE", "FALSE", "false for every event"),
        (
            "count + 1",
            "count + 1",
            "the value is 6, an Integer, not a Boolean",
        ),
    ] {
        assert_eq!(miss(text), (part.to_owned(), found.to_owned()), "{text}");
    }
}

#[test]
fn a_fault_is_told_with_its_kind_and_place() {
    for (text, part, found) in [
        (
            "dry AND subject = 'x'",
            "subject",
            "missingAttribute: the event has no `subject`",
        ),
        ("NOT (id) = 'x'", "(id)", "cast: 'e-1' cannot be a Boolean"),
        (
            "count / (5 - count) = 1",
            "count / (5 - count)",
            "math: the divisor is 0",
        ),
        (
            "dry AND LEFT(id, -1) = 'x'",
            "LEFT(id, -1)",
            "functionEvaluation: the length is negative",
        ),
    ] {
        assert_eq!(miss(text), (part.to_owned(), found.to_owned()), "{text}");
    }
}

#[test]
fn an_event_that_passes_misses_nothing_and_long_values_are_cut() {
    assert_eq!(expression("dry").explain(EVENT), None);
    let long = "x".repeat(10_000);
    let event = [("id", Scalar::String(&long))];
    let miss = expression("id = 'y'").explain(&event).unwrap();
    assert!(miss.found.chars().count() < 200, "{}", miss.found);
    assert_eq!(miss.attribute.as_deref(), Some("id"));
}
