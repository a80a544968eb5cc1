//! Rules in CESQL and in filters of the Subscriptions API, beside event patterns.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Server;
use crate::support::tramline;
use crate::support::tramline_with;

const FILE: &str = r#"
rules:
  - name: sql
    match: { sql: "type LIKE 'order.%' AND subject = 'berlin'" }
    targets: [{ name: out, echo: {} }]
  - name: filters
    match: { filters: [{ prefix: { type: order. } }, { not: { exact: { subject: berlin } } }] }
    targets: [{ name: out, echo: {} }]
  - name: pattern
    match: { type: [{ prefix: order. }] }
    targets: [{ name: out, echo: {} }]
tests:
  - name: an order in Berlin
    event: { type: order.created, subject: berlin }
    expect: { sql: {}, pattern: {} }
  - name: an order without a place
    event: { type: order.created }
    expect: { filters: {}, pattern: {} }
"#;

async fn apply(server: &Server) -> Value {
    let request = server
        .request(Method::POST, "/v1/apply")
        .header("content-type", "application/yaml")
        .body(FILE);
    let (status, plan) = server.call(request).await;
    assert_eq!(status, 200, "{plan}");
    plan
}

fn order(id: &str, subject: Option<&str>) -> Value {
    let mut event = json!({ "specversion": "1.0", "id": id, "source": "/t", "type": "order.created" });
    if let Some(subject) = subject {
        event["subject"] = subject.into();
    }
    event
}

#[tokio::test]
async fn rules_of_three_languages_decide_side_by_side_and_survive_a_restart() {
    let mut server = Server::start().await;
    assert_eq!(apply(&server).await["add"].as_array().unwrap().len(), 3);
    let matched = async |server: &Server, event: Value| server.publish(&event).await["matched"].clone();
    assert_eq!(
        matched(&server, order("1", Some("berlin"))).await,
        json!(["pattern", "sql"])
    );
    assert_eq!(
        matched(&server, order("2", None)).await,
        json!(["filters", "pattern"])
    );
    server.restart().await;
    assert_eq!(
        matched(&server, order("3", Some("berlin"))).await,
        json!(["pattern", "sql"])
    );
    let again = apply(&server).await;
    assert_eq!(again["unchanged"].as_array().unwrap().len(), 3, "{again}");
    let kept = server.get("/v1/buses/default/rules/sql").await;
    assert_eq!(kept["match"]["sql"], "type LIKE 'order.%' AND subject = 'berlin'");
}

#[tokio::test]
async fn why_a_rule_does_not_match_is_told_in_its_own_language() {
    let server = Server::start().await;
    let explain = async |wanted: Value| {
        let body = json!({ "rule": { "match": wanted }, "event": order("1", None) });
        server.post("/v1/rules/test", &body).await["explain"].clone()
    };
    assert_eq!(
        explain(json!({ "sql": "type LIKE 'order.%' AND subject = 'berlin'" })).await,
        json!({
            "matched": false,
            "path": "subject",
            "expected": "subject",
            "found": "missingAttribute: the event has no `subject`",
            "pointer": "/match/sql",
        })
    );
    assert_eq!(
        explain(json!({ "filters": [{ "prefix": { "type": "order." } }, { "suffix": { "id": "2" } }] }))
            .await,
        json!({
            "matched": false,
            "path": "id",
            "expected": "a text that ends with \"2\"",
            "found": "\"1\"",
            "pointer": "/match/filters/1/suffix/id",
        })
    );
    let explained = explain(json!({ "sql": "NOT EXISTS subject" })).await;
    assert_eq!(explained, json!({ "matched": true }));
}

#[tokio::test]
async fn files_with_rules_of_all_languages_are_checked_and_tested() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("r.yaml").display().to_string();
    std::fs::write(&path, FILE).unwrap();
    let ran = tramline(&["rules", "test", &path]).await.ended(0);
    assert!(ran.stdout.contains("2 passed, 0 failed"), "{}", ran.stdout);

    let broken = FILE
        .replace("AND subject", "ADN subject")
        .replace("prefix: { type: order. }", "prefix: { type: 5 }");
    std::fs::write(&path, &broken).unwrap();
    let ran = tramline(&["rules", "check", &path]).await.ended(2);
    for expected in [
        "r.yaml:4:40 error[invalid-sql]",
        "did you mean `AND`?",
        "error[invalid-operand]",
        "quote it: \"5\"",
    ] {
        assert!(
            ran.stderr.contains(expected),
            "{expected} is not in {}",
            ran.stderr
        );
    }
}

#[tokio::test]
async fn an_event_is_explained_against_files_with_the_nearest_rule_first_and_the_line_that_decided() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("r.yaml").display().to_string();
    let rules = "rules:\n\
        \x20 - name: far\n    match: { type: [refund], source: [/other], data: { total: [1] } }\n    targets: [{ name: t, echo: {} }]\n\
        \x20 - name: near\n    match:\n      type: [order]\n      data:\n        total: [{ numeric: [\">\", 100] }]\n    \
        targets: [{ name: t, echo: {} }]\n\
        \x20 - name: hit\n    match: { sql: \"type = 'order'\" }\n    targets: [{ name: t, echo: {} }]\n";
    std::fs::write(&path, rules).unwrap();
    let event = json!({ "type": "order", "source": "/shop", "data": { "total": 20 } }).to_string();
    let ran = tramline_with(&["rules", "explain", &path], &[], &event)
        .await
        .ended(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "matches  hit", "{}", ran.stdout);
    assert!(
        lines[1].starts_with("misses   near: data.total has 20, expected ")
            && lines[1].ends_with("r.yaml:9:16)"),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with("misses   far: "), "{}", lines[2]);

    let one = ["rules", "explain", "--rule", "near", &path];
    assert_eq!(
        tramline_with(&one, &[], &event)
            .await
            .ended(1)
            .stdout
            .lines()
            .count(),
        1
    );
    let none = ["rules", "explain", "--rule", "nobody", &path];
    tramline_with(&none, &[], &event).await.ended(2);
}
