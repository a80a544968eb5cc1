//! Why not?

use super::Explanation;
use super::FailedCondition;
use super::event;
use super::explain;
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
        r#"{"type":["other"],"data":{"n":[{"numeric":[">",0,"<=",9.50]},"x"],"b":[{"prefix":"q"}],"a":[1]}}"#;
    let explanation = explain(&pattern(text), &event(r#"{"a":1,"b":"qq","n":[10,"y"]}"#));
    assert_eq!((explanation.conditions, explanation.held), (4, 2));
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
