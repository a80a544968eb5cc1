//! What an event can do to a transform that is right in itself.

use std::time::Duration;
use std::time::Instant;

use super::ORDER;
use super::apply;
use super::event;

fn failure(steps: &str, data: &str) -> (usize, String) {
    let failure = apply(steps, event(data.to_owned())).expect_err(steps);
    (failure.step, failure.reason)
}

#[test]
fn a_failure_names_its_step_and_reason() {
    for (steps, step, reason) in [
        (
            r#"[{"set":{"type":"${$.data.note}"}}]"#,
            0,
            "type cannot be removed",
        ),
        (
            r#"[{"data":{}},{"set":{"id":"${$.data.id}"}}]"#,
            1,
            "id cannot be removed",
        ),
        (
            r#"[{"set":{"x":"${$.data.total}"}}]"#,
            0,
            "x must be a string, a boolean or an integer of 32 bits, not a number",
        ),
        (
            r#"[{"set":{"x":"${$.data.customer}"}}]"#,
            0,
            "x must be a string, a boolean or an integer of 32 bits, not an object",
        ),
        (
            r#"[{"set":{"source":"${$.hops}"}}]"#,
            0,
            "source must be a string, not a number",
        ),
        (
            r#"[{"data":""},{"set":{"type":"${$.data}"}}]"#,
            1,
            "type cannot be empty",
        ),
        (
            r#"[{"data":"a\nb"},{"set":{"x":"${$.data}"}}]"#,
            1,
            "x cannot hold control characters",
        ),
    ] {
        assert_eq!(failure(steps, ORDER), (step, reason.to_owned()), "{steps}");
    }
}

#[test]
fn output_is_bounded_before_it_is_built() {
    let large = format!(r#"{{"v":"{}"}}"#, "x".repeat(600_000));
    let too_large = (0, "the result is larger than 1048576 bytes".to_owned());
    assert_eq!(
        failure(r#"[{"data":["${$.data}","${$.data}"]}]"#, &large),
        too_large
    );
    assert_eq!(
        failure(r#"[{"data":"${$.data.v}${$.data.v}"}]"#, &large),
        too_large
    );
    assert_eq!(
        failure(r#"[{"data":["${event}","${event.json}"]}]"#, &large),
        too_large
    );
    assert_eq!(
        failure(r#"[{"set":{"a":"${$.data.v}","b":"${$.data.v}"}}]"#, &large),
        too_large
    );
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    assert!(apply(r#"[{"data":"${$.data}"}]"#, event(deep.clone())).is_ok());
    let (step, reason) = failure(r#"[{"data":["${$.data}"]}]"#, &deep);
    assert_eq!(
        (step, reason.as_str()),
        (0, "the result is nested more than 64 levels deep")
    );
}

#[test]
fn a_query_on_a_hostile_event_is_refused_quickly() {
    let hostile = format!(r#"{{"{}":[{}0]}}"#, "k".repeat(500_000), "0,".repeat(200_000));
    let started = Instant::now();
    let (_, reason) = failure(r#"[{"data":"${$..x}"}]"#, &hostile);
    assert!(
        reason.starts_with("the event is too large for the path"),
        "{reason}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}
