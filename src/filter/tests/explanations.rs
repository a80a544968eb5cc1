//! Why an event does not pass.

use super::EVENT;
use super::wanted;
use crate::filter::nearest_misses;

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

#[test]
fn the_nearest_misses_are_told_whatever_their_language() {
    let rules = [
        ("far", r#"{"sql": "id = 'x' AND count = 6 AND NOT dry"}"#),
        ("hit", r#"{"sql": "dry"}"#),
        ("pattern", r#"{"type": ["b"]}"#),
        (
            "filters",
            r#"{"filters": [{"exact": {"id": "x"}}, {"exact": {"count": "5"}}]}"#,
        ),
        (
            "farther",
            r#"{"type": ["b"], "id": ["x"], "source": ["/"], "subject": ["s"]}"#,
        ),
    ];
    let rules = rules.map(|(name, text)| (name, wanted(text)));
    let misses = |limit| {
        let rules = rules.iter().map(|(name, wanted)| (*name, wanted));
        let misses = nearest_misses(rules, &EVENT, limit);
        misses
            .into_iter()
            .map(|miss| (miss.rule, miss.open))
            .collect::<Vec<_>>()
    };
    let all = [("pattern", 1), ("filters", 1), ("far", 3), ("farther", 4)];
    assert_eq!(misses(9), all);
    assert_eq!(misses(2), all[..2]);
}
