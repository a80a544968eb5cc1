//! Why not?

use super::Explanation;
use super::FailedCondition;
use super::event;
use super::explain;
use super::nearest_misses;
use super::pattern;

fn failed(text: &str, data: &str) -> FailedCondition {
    explain(&pattern(text), &event(data))
        .failed
        .expect("the pattern does not match")
}

#[test]
fn a_match_holds_in_all_conditions() {
    let explanation = explain(
        &pattern(r#"{"type":["t"],"data":{"a":[1]}}"#),
        &event(r#"{"a":1}"#),
    );
    assert_eq!(
        explanation,
        Explanation {
            conditions: 2,
            held: 2,
            failed: None
        }
    );
}

#[test]
fn the_first_failing_condition_is_named_in_path_order() {
    let text =
        r#"{"type":["t"],"data":{"n":[{"numeric":[">",0,"<=",9.50]},"x"],"b":[{"prefix":"q"}],"a":[1]}}"#;
    let explanation = explain(&pattern(text), &event(r#"{"a":1,"b":"qq","n":[10,"y"]}"#));
    assert_eq!((explanation.conditions, explanation.held), (4, 3));
    assert_eq!(
        explanation.failed,
        Some(FailedCondition {
            path: "data.n".to_owned(),
            expected: r#"a number > 0 and <= 9.50 or "x""#.to_owned(),
            found: r#"10, "y""#.to_owned(),
            pointer: "/data/n".to_owned(),
        })
    );
}

#[test]
fn attributes_are_compared_before_the_data() {
    let failed = failed(r#"{"type":["other"],"data":{"a":[1]}}"#, "{}");
    assert_eq!(failed.path, "type");
}

#[test]
fn of_alternatives_the_nearest_is_told() {
    let text = r#"{"$or":[{"type":["other"],"data":{"a":[1]}},{"type":["t"],"data":{"a":[2]}}]}"#;
    let explanation = explain(&pattern(text), &event(r#"{"a":3}"#));
    assert_eq!((explanation.conditions, explanation.held), (2, 1));
    let failed = explanation.failed.unwrap();
    assert_eq!(
        (failed.pointer.as_str(), failed.expected.as_str()),
        ("/$or/1/data/a", "2")
    );
}

#[test]
fn what_must_not_hold_but_does_is_told() {
    let text = r#"{"type":["t"],"data":{"$not":{"a":[1],"b":[{"exists":true}]}}}"#;
    assert_eq!(
        failed(text, r#"{"a":1,"b":2}"#),
        FailedCondition {
            path: "data.a".to_owned(),
            expected: "not (data.a is 1, and data.b is any value)".to_owned(),
            found: "1".to_owned(),
            pointer: "/data/$not/a".to_owned(),
        }
    );
}

#[test]
fn the_nearest_misses_come_first() {
    let patterns = [
        ("far", pattern(r#"{"type":["u"],"data":{"a":[2],"b":[2]}}"#)),
        ("matches", pattern(r#"{"type":["t"]}"#)),
        ("near", pattern(r#"{"type":["t"],"data":{"a":[2]}}"#)),
        ("nearer first", pattern(r#"{"source":["/s"]}"#)),
        ("middle", pattern(r#"{"type":["u"],"data":{"a":[2]}}"#)),
    ];
    let rules = || patterns.iter().map(|(name, pattern)| (*name, pattern));
    let misses = nearest_misses(rules(), &event(r#"{"a":1}"#), 3);
    let told: Vec<_> = misses.iter().map(|miss| (miss.rule, miss.open)).collect();
    assert_eq!(told, [("near", 1), ("nearer first", 1), ("middle", 2)]);
    assert_eq!(misses[0].failed.path, "data.a");
    assert_eq!(nearest_misses(rules(), &event("{}"), 10).len(), 4);
}

#[test]
fn an_absent_field_is_said_to_have_no_value() {
    let failed = failed(r#"{"data":{"a":[{"anything-but":["x","y"]}]}}"#, "{}");
    assert_eq!(failed.expected, r#"anything but "x" or "y""#);
    assert_eq!(failed.found, "no value");
}

#[test]
fn a_contradiction_between_elements_is_said_to_be_one() {
    let failed = failed(
        r#"{"data":{"o":{"a":[1],"b":[2]}}}"#,
        r#"{"o":[{"a":1,"b":3},{"b":2}]}"#,
    );
    assert_eq!(failed.path, "data.o.b");
    assert_eq!(
        failed.expected,
        "2, in the array element that meets the conditions before it"
    );
    assert_eq!(failed.found, "3, 2");
}

#[test]
fn long_values_are_cut() {
    let long = format!(r#"{{"a":["{}",2,3,4]}}"#, "x".repeat(500));
    assert_eq!(failed(r#"{"data":{"a":[1]}}"#, &long).found.chars().count(), 123);
}
