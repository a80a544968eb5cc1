//! What is no `match`, and how that is said.

use super::Match;
use super::json;

/// All problems as `pointer code`.
fn refusals(text: &str) -> Vec<String> {
    let errors = Match::parse(&json(text)).expect_err(text);
    let shown = errors
        .iter()
        .map(|error| format!("{} {}", error.pointer, error.code));
    shown.collect()
}

#[test]
fn every_problem_of_filters_is_told_with_its_place() {
    for (filters, expected) in [
        (r#"{"exact": {}}"#, "/filters/0/exact invalid-operand"),
        (r#"{"exact": []}"#, "/filters/0/exact invalid-operand"),
        (
            r#"{"exact": {"type": ""}}"#,
            "/filters/0/exact/type invalid-operand",
        ),
        (
            r#"{"prefix": {"count": 5}}"#,
            "/filters/0/prefix/count invalid-operand",
        ),
        (
            r#"{"suffix": {"type": null}}"#,
            "/filters/0/suffix/type invalid-operand",
        ),
        (
            r#"{"exact": {"myExt": "x"}}"#,
            "/filters/0/exact/myExt invalid-attribute",
        ),
        (
            r#"{"exact": {"data": "x"}}"#,
            "/filters/0/exact/data invalid-attribute",
        ),
        (
            r#"{"exact": {"data.a/b": "x"}}"#,
            "/filters/0/exact/data.a~1b invalid-attribute",
        ),
        (r#"{"all": []}"#, "/filters/0/all empty-list"),
        (r#"{"any": {"exact": {"id": "a"}}}"#, "/filters/0/any not-a-list"),
        (r#"{"any": ["x"]}"#, "/filters/0/any/0 not-a-filter"),
        (r#"{"not": []}"#, "/filters/0/not not-a-filter"),
        (
            r#"{"not": {"exact": {"id": ""}}}"#,
            "/filters/0/not/exact/id invalid-operand",
        ),
        (r#"{"sql": 5}"#, "/filters/0/sql invalid-operand"),
        (r#"{"sql": "type ="}"#, "/filters/0/sql invalid-sql"),
        (
            r#"{"exact": {"id": "a"}, "not": {"sql": "TRUE"}}"#,
            "/filters/0 not-a-filter",
        ),
    ] {
        assert_eq!(
            refusals(&format!(r#"{{"filters": [{filters}]}}"#)),
            [expected],
            "{filters}"
        );
    }
    let several = r#"{"filters": [{"exact": {"a": ""}}, {"prefx": {"b": "c"}}, {}]}"#;
    let expected = [
        "/filters/0/exact/a invalid-operand",
        "/filters/1/prefx unknown-dialect",
        "/filters/2 not-a-filter",
    ];
    assert_eq!(refusals(several), expected);
}

#[test]
fn a_correction_comes_where_one_is_known() {
    let correction = |text: &str| {
        let errors = Match::parse(&json(text)).expect_err(text);
        errors
            .into_iter()
            .find_map(|error| error.correction)
            .unwrap_or_default()
    };
    let misspelt = r#"{"filters": [{"exact": {"id": "a"}}, {"sufix": {"id": "a"}}]}"#;
    assert_eq!(correction(misspelt), "did you mean `suffix`?");
    assert_eq!(
        correction(r#"{"filters": [{"prefix": {"count": 5}}]}"#),
        r#"quote it: "5""#
    );
    assert_eq!(correction(r#"{"sql": "type LKIE 'a'"}"#), "did you mean `LIKE`?");
}

#[test]
fn languages_do_not_mix() {
    assert_eq!(
        refusals(r#"{"sql": "TRUE", "type": ["a"]}"#),
        ["/type unknown-key"]
    );
    assert_eq!(
        refusals(r#"{"filters": [{"sql": "TRUE"}], "sql": ["a"]}"#),
        ["/sql unknown-key"]
    );
}

#[test]
fn an_error_of_an_expression_says_the_character() {
    let errors = Match::parse(&json(r#"{"sql": "type = 'ü' AN dry"}"#)).unwrap_err();
    assert_eq!(errors[0].character, Some(12));
    assert!(
        errors[0].detail.starts_with("character 12: "),
        "{}",
        errors[0].detail
    );
}

#[test]
fn number_and_depth_of_filters_are_bounded() {
    let many = vec![r#"{"exact": {"id": "a"}}"#; 1_001].join(",");
    assert_eq!(
        refusals(&format!(r#"{{"filters": [{many}]}}"#)),
        ["/filters too-many-filters"]
    );
    let deep = format!(
        "{}{}{}",
        r#"{"not":"#.repeat(40),
        r#"{"sql": "TRUE"}"#,
        "}".repeat(40)
    );
    let found = refusals(&format!(r#"{{"filters": [{deep}]}}"#));
    assert!(found.len() == 1 && found[0].ends_with(" too-deep"), "{found:?}");
}
