//! Which language a `match` is, and which events it lets pass.

use super::Match;
use super::passes;
use super::wanted;

#[test]
fn the_form_of_a_match_says_its_language() {
    let language = |text: &str| match wanted(text) {
        Match::Pattern(_) => "pattern",
        Match::Sql(_) => "sql",
        Match::Filters(_) => "filters",
    };
    for (text, expected) in [
        (r#"{"sql": "TRUE"}"#, "sql"),
        (r#"{"sql": ["TRUE"]}"#, "pattern"),
        (r#"{"filters": [{"exact": {"type": "a"}}]}"#, "filters"),
        (r#"{"filters": [{"sql": "TRUE"}]}"#, "filters"),
        (r#"{"filters": [{"prefix": "a"}, "b"]}"#, "pattern"),
        (r#"{"filters": ["a"]}"#, "pattern"),
        (r#"{"type": ["a"]}"#, "pattern"),
    ] {
        assert_eq!(language(text), expected, "{text}");
    }
}

#[test]
fn expressions_see_attributes() {
    assert!(passes(r#"{"sql": "type LIKE 'com.example.%' AND count > 4"}"#));
    assert!(!passes(r#"{"sql": "type LIKE 'com.example.%' AND count > 5"}"#));
    assert!(!passes(r#"{"sql": "subject = 'x' OR dry"}"#));
    assert!(!passes(r#"{"sql": "EXISTS data"}"#));
}

#[test]
fn filters_compare_attributes_as_texts() {
    for (filter, expected) in [
        (r#"{"exact": {"type": "com.example.order.created"}}"#, true),
        (r#"{"exact": {"type": "com.example.ORDER.created"}}"#, false),
        (
            r#"{"exact": {"type": "com.example.order.created", "id": "e-2"}}"#,
            false,
        ),
        (r#"{"exact": {"count": "5"}}"#, true),
        (r#"{"exact": {"count": "05"}}"#, false),
        (r#"{"exact": {"dry": "true"}}"#, true),
        (r#"{"exact": {"subject": "x"}}"#, false),
        (r#"{"prefix": {"source": "/shop/"}}"#, true),
        (r#"{"prefix": {"source": "shop/"}}"#, false),
        (r#"{"prefix": {"count": "5"}}"#, true),
        (r#"{"prefix": {"dry": "t"}}"#, true),
        (r#"{"suffix": {"type": ".created", "source": "berlin"}}"#, true),
        (r#"{"suffix": {"type": ".deleted"}}"#, false),
        (r#"{"sql": "count > 4"}"#, true),
        (r#"{"sql": "count > 5"}"#, false),
    ] {
        assert_eq!(
            passes(&format!(r#"{{"filters": [{filter}]}}"#)),
            expected,
            "{filter}"
        );
        let not = format!(r#"{{"filters": [{{"not": {filter}}}]}}"#);
        assert_eq!(passes(&not), !expected, "not {filter}");
    }
}

#[test]
fn filters_combine() {
    const YES: &str = r#"{"exact": {"id": "e-1"}}"#;
    const NO: &str = r#"{"exact": {"id": "e-2"}}"#;
    for (filters, expected) in [
        (format!("{YES}, {YES}"), true),
        (format!("{YES}, {NO}"), false),
        (format!(r#"{{"all": [{YES}, {YES}]}}"#), true),
        (format!(r#"{{"all": [{YES}, {NO}]}}"#), false),
        (format!(r#"{{"any": [{NO}, {YES}]}}"#), true),
        (format!(r#"{{"any": [{NO}, {NO}]}}"#), false),
        (format!(r#"{{"any": [{NO}, {{"prefix": {{"id": "e"}}}}]}}"#), true),
        (format!(r#"{{"any": [{NO}, {{"not": {NO}}}]}}"#), true),
        (
            format!(r#"{{"not": {{"any": [{NO}, {{"all": [{YES}, {NO}]}}]}}}}"#),
            true,
        ),
        (r#"{"not": {"exact": {"subject": "x"}}}"#.to_owned(), true),
        (r#"{"not": {"sql": "subject = 'x'"}}"#.to_owned(), true),
    ] {
        assert_eq!(
            passes(&format!(r#"{{"filters": [{filters}]}}"#)),
            expected,
            "{filters}"
        );
    }
}

#[test]
fn patterns_go_on_seeing_the_payload() {
    assert!(passes(r#"{"data": {"total": [{"numeric": [">", 100]}]}}"#));
    assert!(!passes(r#"{"data": {"total": [100]}}"#));
}
