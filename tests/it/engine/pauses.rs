//! Rules paused and resumed by hand.

use serde_json::json;

use super::publish;
use super::route_when;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

const PAUSE: &str = "/v1/buses/default/rules/r/pause";
const RESUME: &str = "/v1/buses/default/rules/r/resume";

#[tokio::test]
async fn a_paused_rule_matches_and_keeps_its_backlog_over_a_restart_until_it_is_resumed() {
    let mut server = Server::start().await;
    let sink = Sink::start().await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
    let paused = server.post(PAUSE, &json!({})).await;
    assert_eq!(
        (&paused["state"], &paused["name"]),
        (&json!("paused"), &json!("r"))
    );
    publish(&server, 1..=10).await;
    server.kill().await;
    server.restart().await;
    publish(&server, 11..=20).await;
    let route = route_when(&server, "the backlog", |route| route["backlog"] == 20).await;
    assert_eq!(
        (&route["state"], &route["reason"]),
        (&json!("paused"), &json!("rule-paused"))
    );
    assert_eq!(sink.received().len(), 0);
    // A pause is no part of the rule: writing it again changes nothing.
    server.apply(&webhook_rule("r", "t", &sink.url("/new"), "")).await;
    assert_eq!(server.get("/v1/buses/default/rules/r").await["state"], "paused");
    let resumed = server.post(RESUME, &json!({})).await;
    assert_eq!(resumed["state"], "active");
    let received = sink.wait_for(20).await;
    assert!(received.iter().all(|request| request.path == "/new"));
    server.kill().await;
    server.restart().await;
    assert_eq!(server.route("r", "hook").await["state"], "active");
}

#[tokio::test]
async fn a_target_added_to_a_paused_rule_waits_like_the_others() {
    let server = Server::start().await;
    let (one, two) = (Sink::start().await, Sink::start().await);
    server.apply(&webhook_rule("r", "t", &one.url("/"), "")).await;
    server.post(PAUSE, &json!({})).await;
    let more = format!(
        "\n      - name: second\n        webhook: {{ url: \"{}\" }}",
        two.url("/")
    );
    server.apply(&webhook_rule("r", "t", &one.url("/"), &more)).await;
    publish(&server, 1..=3).await;
    assert_eq!(server.route("r", "second").await["state"], "paused");
    assert_eq!(server.route("r", "second").await["backlog"], 3);
    server.post(RESUME, &json!({})).await;
    one.wait_for(3).await;
    two.wait_for(3).await;
}

#[tokio::test]
async fn a_rule_that_is_not_there_cannot_be_paused() {
    let server = Server::start().await;
    for path in [PAUSE, RESUME] {
        let (status, problem) = server.call(server.request(reqwest::Method::POST, path)).await;
        assert_eq!((status, &problem["code"]), (404, &json!("no-such-rule")));
    }
}

#[tokio::test]
async fn a_rule_that_its_own_settings_pause_is_resumed_by_writing_it_only() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    let rule = |paused: bool| {
        json!({
            "match": { "type": ["t"] }, "paused": paused,
            "targets": [{ "name": "hook", "webhook": { "url": sink.url("/") } }]
        })
    };
    let (status, _) = server.put("/v1/buses/default/rules/r", &rule(true)).await;
    assert_eq!(status, 201);
    publish(&server, 1..=1).await;
    assert_eq!(server.post(RESUME, &json!({})).await["state"], "paused");
    assert_eq!(server.route("r", "hook").await["reason"], "target-paused");
    server.put("/v1/buses/default/rules/r", &rule(false)).await;
    sink.wait_for(1).await;
}
