use serde_json::Value;
use serde_json::json;

use super::*;
use crate::catalog::TargetKind;

fn with(key: &str, value: Value) -> Value {
    let mut rule = json!({
        "name": "r",
        "match": {"type": ["a"]},
        "targets": [{"name": "t", "webhook": {"url": "https://h/"}}]
    });
    rule.as_object_mut().unwrap().insert(key.to_owned(), value);
    rule
}

fn with_target(key: &str, value: Value) -> Value {
    let mut target = json!({"name": "t", "webhook": {"url": "https://h/"}});
    target.as_object_mut().unwrap().insert(key.to_owned(), value);
    with("targets", json!([target]))
}

#[test]
fn a_full_rule_is_decoded_with_its_defaults() {
    let rule = Rule::decode(&with("description", json!("why")), None).unwrap();
    assert_eq!(rule.name.as_str(), "r");
    assert_eq!(rule.description.as_deref(), Some("why"));
    let target = &rule.targets[0];
    assert_eq!(target.timeout.as_secs(), 15);
    assert_eq!((target.concurrency, target.paused), (32, false));
    assert_eq!(target.retry, crate::catalog::RetryPolicy::default());
    let TargetKind::Webhook(webhook) = &target.kind else {
        panic!("{target:?}")
    };
    assert_eq!(webhook.mode, crate::catalog::WebhookMode::Structured);
}

#[test]
fn the_spec_is_the_rule_as_given_with_its_name() {
    let given = serde_json::from_str::<Value>(
        r#"{"match":{"data":{"total":[1.50]}},"targets":[{"name":"t","echo":{}}]}"#,
    )
    .unwrap();
    let rule = Rule::decode(&given, Some(&RuleName::parse("big").unwrap())).unwrap();
    assert_eq!(
        rule.spec.to_string(),
        r#"{"name":"big","match":{"data":{"total":[1.50]}},"targets":[{"name":"t","echo":{}}]}"#
    );
}

#[test]
fn a_name_given_outside_must_be_the_one_inside() {
    let issues =
        Rule::decode(&with("pasued", json!(true)), Some(&RuleName::parse("x").unwrap())).unwrap_err();
    let codes: Vec<_> = issues.iter().map(|issue| issue.code).collect();
    assert_eq!(codes, ["unknown-key", "name-mismatch"]);
}

/// Pointer and code of everything wrong with a rule.
fn found(rule: &Value) -> Vec<(String, &'static str)> {
    let issues = Rule::decode(rule, None).unwrap_err();
    issues
        .into_iter()
        .map(|issue| (issue.pointer, issue.code))
        .collect()
}

#[test]
fn everything_wrong_with_a_rule_is_reported_at_its_place() {
    for (rule, pointer, code) in [
        (json!([]), "", "invalid-type"),
        (
            json!({"match": {"type": ["a"]}, "targets": [{"name": "t", "echo": {}}]}),
            "",
            "missing-field",
        ),
        (with("name", json!("a b")), "/name", "invalid-name"),
        (with("name", json!(7)), "/name", "invalid-type"),
        (with("descripton", json!("x")), "/descripton", "unknown-key"),
        (with("description", json!(null)), "/description", "invalid-type"),
        (
            with("match", json!({"data": {"total": [{"numric": 1}]}})),
            "/match/data/total/0/numric",
            "unknown-operator",
        ),
        (with("match", json!({"type": "a"})), "/match/type", "not-a-list"),
        (
            with("match", json!({"sql": "type ="})),
            "/match/sql",
            "invalid-sql",
        ),
        (
            with("match", json!({"filters": [{"prefix": {"type": ""}}]})),
            "/match/filters/0/prefix/type",
            "invalid-operand",
        ),
        (with("transform", json!({})), "/transform", "not-a-list"),
        (with("targets", json!([])), "/targets", "invalid-value"),
        (with("targets", json!({})), "/targets", "invalid-type"),
        (with("targets", json!([7])), "/targets/0", "invalid-type"),
        (
            with(
                "targets",
                json!([{"name": "t", "echo": {}}, {"name": "t", "echo": {}}]),
            ),
            "/targets/1/name",
            "duplicate-name",
        ),
        (
            with("description", json!("${file:x}")),
            "/description",
            "secret-reference-not-allowed",
        ),
    ] {
        assert_eq!(found(&rule), [(pointer.to_owned(), code)], "{rule}");
    }
}

#[test]
fn everything_wrong_with_a_target_is_reported_at_its_place() {
    for (rule, pointer, code) in [
        (with_target("name", json!("")), "/targets/0/name", "invalid-name"),
        (with_target("echo", json!({})), "/targets/0", "invalid-target"),
        (with_target("rety", json!({})), "/targets/0/rety", "unknown-key"),
        (
            with_target("order", json!("keys")),
            "/targets/0/order",
            "invalid-value",
        ),
        (
            with_target("key", json!("subject")),
            "/targets/0/key",
            "invalid-value",
        ),
        (
            with_target("rate", json!("fast")),
            "/targets/0/rate",
            "invalid-value",
        ),
        (
            with_target("circuit", json!("on")),
            "/targets/0/circuit",
            "invalid-value",
        ),
        (
            with("targets", json!([{"name": "t", "file": "b"}])),
            "/targets/0/file",
            "unsupported",
        ),
        (
            with("targets", json!([{"name": "t"}])),
            "/targets/0",
            "missing-field",
        ),
        (
            with_target("timeout", json!("6m")),
            "/targets/0/timeout",
            "invalid-value",
        ),
        (
            with_target("timeout", json!(15)),
            "/targets/0/timeout",
            "invalid-duration",
        ),
        (
            with_target("concurrency", json!(0)),
            "/targets/0/concurrency",
            "invalid-value",
        ),
        (
            with_target("paused", json!("yes")),
            "/targets/0/paused",
            "invalid-type",
        ),
        (
            with_target("retry", json!({"max": 1})),
            "/targets/0/retry/max",
            "invalid-duration",
        ),
    ] {
        assert_eq!(found(&rule), [(pointer.to_owned(), code)], "{rule}");
    }
}

#[test]
fn everything_wrong_with_a_webhook_is_reported_at_its_place() {
    let url = |url: &str| with_target("webhook", json!({"url": url}));
    for (rule, pointer, code) in [
        (
            with_target("webhook", json!({})),
            "/targets/0/webhook",
            "missing-field",
        ),
        (url("http://u:p@h/"), "/targets/0/webhook/url", "invalid-url"),
        (
            with_target("webhook", json!({"url": "https://h/", "mode": "xml"})),
            "/targets/0/webhook/mode",
            "invalid-value",
        ),
        (
            with_target("webhook", json!({"url": "https://h/", "method": "TRACE"})),
            "/targets/0/webhook/method",
            "invalid-value",
        ),
        (
            with_target("webhook", json!({"url": "https://h/", "headers": {"Host": "x"}})),
            "/targets/0/webhook/headers/Host",
            "invalid-header",
        ),
        (
            with_target(
                "webhook",
                json!({"url": "https://h/", "headers": {"X-A": "a", "x-a": "b"}}),
            ),
            "/targets/0/webhook/headers/x-a",
            "invalid-header",
        ),
        (
            with_target("webhook", json!({"url": "https://h/", "headers": {"x-n": 5}})),
            "/targets/0/webhook/headers/x-n",
            "invalid-type",
        ),
        (
            url("https://h/${env:TRAMLINE_SECRET_X}"),
            "/targets/0/webhook/url",
            "secret-reference-not-allowed",
        ),
    ] {
        assert_eq!(found(&rule), [(pointer.to_owned(), code)], "{rule}");
    }
}

#[test]
fn a_slip_is_answered_with_the_right_word() {
    let correction = |rule| {
        Rule::decode(&rule, None).unwrap_err()[0]
            .correction
            .clone()
            .unwrap()
    };
    assert_eq!(
        correction(with("descripton", json!("x"))),
        "did you mean `description`?"
    );
    assert_eq!(
        correction(with_target("rety", json!({}))),
        "did you mean `retry`?"
    );
    assert_eq!(correction(with("name", json!(7))), "quote it: \"7\"");
    assert_eq!(
        correction(with_target(
            "webhook",
            json!({"url": "https://h/", "mode": "binery"})
        )),
        "did you mean `binary`?"
    );
}

#[test]
fn a_rule_may_match_in_three_languages_and_is_kept_as_it_was_written() {
    for wanted in [
        json!({"type": ["a"]}),
        json!({"sql": "type = 'a'"}),
        json!({"filters": [{"prefix": {"type": "a"}}]}),
    ] {
        let rule = Rule::decode(&with("match", wanted.clone()), None).unwrap();
        assert_eq!(rule.spec["match"], wanted);
    }
}

#[test]
fn an_attribute_called_filters_is_still_a_pattern() {
    assert!(Rule::decode(&with("match", json!({"filters": [{"prefix": "a"}]})), None).is_ok());
    assert!(Rule::decode(&with("match", json!({"sql": ["a"]})), None).is_ok());
}

#[test]
fn all_issues_of_a_rule_come_at_once() {
    let rule = json!({"nam": "r", "match": {"type": "a"}, "targets": [{"echo": {}}, {"name": "x"}]});
    let issues = Rule::decode(&rule, None).unwrap_err();
    let codes: Vec<_> = issues.iter().map(|issue| issue.code).collect();
    assert_eq!(
        codes,
        [
            "unknown-key",
            "missing-field",
            "not-a-list",
            "missing-field",
            "missing-field"
        ]
    );
}
