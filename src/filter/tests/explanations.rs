//! Why an event does not pass.

use super::EVENT;
use super::wanted;

/// Pointer, path, expected and found of what decided.
fn failed(text: &str) -> [String; 4] {
    let failed = wanted(text).explain(&EVENT).failed.expect(text);
    [failed.pointer, failed.path, failed.expected, failed.found]
}

#[test]
fn the_smallest_part_that_decided_is_told() {
    for (text, expected) in [
        (
            r#"{"filters": [{"exact": {"id": "e-1"}}, {"prefix": {"source": "/s", "type": "org."}}]}"#,
            [
                "/filters/1/prefix/type",
                "type",
                r#"a text that starts with "org.""#,
                r#""com.example.order.created""#,
            ],
        ),
        (
            r#"{"filters": [{"all": [{"exact": {"count": "5"}}, {"suffix": {"subject": "x"}}]}]}"#,
            [
                "/filters/0/all/1/suffix/subject",
                "subject",
                r#"a text that ends with "x""#,
                "no value",
            ],
        ),
        (
            r#"{"filters": [{"any": [{"exact": {"id": "a"}}, {"exact": {"subject": "b"}}]}]}"#,
            [
                "/filters/0/any",
                "id",
                r#"(id = "a" or subject = "b")"#,
                r#"id = "e-1", no subject"#,
            ],
        ),
        (
            r#"{"filters": [{"not": {"prefix": {"source": "/shop"}}}]}"#,
            [
                "/filters/0/not",
                "source",
                r#"not source starts with "/shop""#,
                r#"source = "/shop/berlin""#,
            ],
        ),
        (
            r#"{"filters": [{"sql": "dry AND count = 6"}]}"#,
            ["/filters/0/sql", "count", "count = 6", "count = 5"],
        ),
        (
            r#"{"sql": "dry AND LENGTH(subject) > 3"}"#,
            [
                "/sql",
                "subject",
                "subject",
                "missingAttribute: the event has no `subject`",
            ],
        ),
    ] {
        assert_eq!(failed(text), expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn a_near_miss_is_nearer_than_a_far_one() {
    let held = |text: &str| {
        let explanation = wanted(text).explain(&EVENT);
        (explanation.conditions, explanation.held)
    };
    assert_eq!(held(r#"{"sql": "dry AND count = 5 AND id = 'x'"}"#), (3, 2));
    assert_eq!(held(r#"{"sql": "dry XOR dry"}"#), (1, 0));
    assert_eq!(
        held(r#"{"filters": [{"exact": {"id": "x"}}, {"exact": {"count": "5"}}]}"#),
        (2, 1)
    );
}
