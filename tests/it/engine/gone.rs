//! Targets that are gone for good.

use serde_json::Value;
use serde_json::json;

use super::publish;
use super::route_when;
use super::told;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

fn codes(letters: &[Value]) -> Vec<&str> {
    letters
        .iter()
        .map(|letter| letter["code"].as_str().unwrap())
        .collect()
}

/// F10: one 410 ends it; what comes later is a dead letter without a call.
#[tokio::test]
async fn f10_a_gone_target_is_disabled_over_restarts_until_it_is_resumed() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(410)).await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
    publish(&server, 1..=1).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(
        (&letter["code"], &letter["attempts"][0]["status"]),
        (&json!("gone"), &json!(410))
    );
    publish(&server, 2..=3).await;
    assert_eq!(
        codes(&server.dead_letters(3).await),
        ["gone", "target_disabled", "target_disabled"]
    );
    server.kill().await;
    server.restart().await;
    publish(&server, 4..=4).await;
    assert_eq!(codes(&server.dead_letters(4).await)[3], "target_disabled");
    let route = server.route("r", "hook").await;
    assert_eq!(
        (&route["state"], &route["reason"], &route["dead"]),
        (&json!("disabled"), &json!("gone"), &json!(4))
    );
    assert_eq!(sink.received().len(), 1, "it was called again");
    let told = told(&server, "tramline.route.disabled").await;
    assert_eq!(
        told,
        [json!({ "bus": "default", "rule": "r", "target": "hook", "reason": "gone" })]
    );
    sink.answer(|_| Answer::Status(200));
    server.post("/v1/buses/default/rules/r/resume", &json!({})).await;
    publish(&server, 5..=5).await;
    server.settled(5, "delivered").await;
    assert_eq!(server.route("r", "hook").await["state"], "active");
    server
        .post("/v1/dead-letters/redrive", &json!({ "filter": {} }))
        .await;
    sink.wait_for(6).await;
}

/// F10, F36: another URL is another target.
#[tokio::test]
async fn f10_a_new_url_enables_the_route_and_retries_go_there() {
    let server = Server::start().await;
    let old = Sink::answering(|request| {
        let is_first = request.json()["data"] == 1;
        Answer::Status(if is_first { 500 } else { 410 })
    })
    .await;
    let new = Sink::start().await;
    let more = "concurrency: 1\n        retry: { strategy: fixed, initial: 3s, jitter: none }";
    server.apply(&webhook_rule("r", "t", &old.url("/"), more)).await;
    publish(&server, 1..=1).await;
    server.settled(1, "retrying").await;
    server.apply(&webhook_rule("r", "t", &new.url("/"), more)).await;
    server.settled(1, "delivered").await;
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    server.apply(&webhook_rule("r", "t", &old.url("/"), more)).await;
    publish(&server, 2..=2).await;
    route_when(&server, "disabled", |route| route["state"] == "disabled").await;
    server.apply(&webhook_rule("r", "t", &new.url("/"), more)).await;
    assert_eq!(server.route("r", "hook").await["state"], "active");
    publish(&server, 3..=3).await;
    server.settled(3, "delivered").await;
}

/// F10: what waits for a retry when the target goes has no better end.
#[tokio::test]
async fn f10_what_waits_for_a_retry_dies_with_its_target() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let more = "circuit: off\n        retry: { strategy: fixed, initial: 1h }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=3).await;
    route_when(&server, "three wait", |route| route["retrying"] == 3).await;
    sink.answer(|_| Answer::Status(410));
    publish(&server, 4..=4).await;
    let letters = server.dead_letters(4).await;
    let mut codes = codes(&letters);
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["gone", "target_disabled", "target_disabled", "target_disabled"]
    );
    let first = letters.iter().find(|letter| letter["sequence"] == 1).unwrap();
    assert_eq!(
        first["attempts"].as_array().unwrap().len(),
        1,
        "its attempt is told: {first}"
    );
}
