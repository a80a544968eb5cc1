//! Delivery as its users see it: retries, dead letters, isolation.

use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::webhook_rule;

#[tokio::test]
async fn an_event_reaches_its_webhook_transformed_and_only_there() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let plan = server
        .apply(&format!(
            "rules:\n  - name: big\n    match: {{ type: [order], data: {{ total: [{{ numeric: ['>', 100] }}] }} }}\n    \
             transform:\n      - data: {{ id: \"${{$.data.id}}\" }}\n      - set: {{ subject: big }}\n    targets:\n      \
             - name: crm\n        webhook: {{ url: \"{}\" }}\n",
            sink.url("/crm")
        ))
        .await;
    assert_eq!(plan["add"], json!(["big"]));
    let small = server
        .publish(&event("1", "order", &json!({ "id": "o-1", "total": 20 })))
        .await;
    assert_eq!(small["matched"], json!([]));
    let big = server
        .publish(&event("2", "order", &json!({ "id": "o-2", "total": 250 })))
        .await;
    assert_eq!((&big["matched"], &big["sequence"]), (&json!(["big"]), &json!(2)));
    server.settled(2, "delivered").await;
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let body = received[0].json();
    assert_eq!(
        (&body["data"], &body["subject"], &body["id"]),
        (&json!({ "id": "o-2" }), &json!("big"), &json!("2"))
    );
    assert_eq!(
        received[0].header("content-type"),
        "application/cloudevents+json; charset=utf-8"
    );
}

#[tokio::test]
async fn a_webhook_that_is_down_gets_the_event_when_it_is_back_under_the_same_id() {
    let (server, mut left) = (Server::start().await, 2);
    let sink = Sink::answering(move |_| {
        left -= 1;
        Answer::Status(if left >= 0 { 503 } else { 200 })
    })
    .await;
    server
        .apply(&webhook_rule(
            "r",
            "t",
            &sink.url("/"),
            "retry: { strategy: fixed, initial: 50ms }",
        ))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    let classes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["http_503", "http_503", "ok"]);
    let numbers: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    let ids: Vec<_> = sink
        .received()
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert!(
        ids[0].starts_with("msg_") && ids.iter().all(|id| *id == ids[0]),
        "{ids:?}"
    );
}

#[tokio::test]
async fn an_event_that_no_attempt_delivers_becomes_a_dead_letter_and_can_be_redriven() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    server
        .apply(&webhook_rule(
            "r",
            "t",
            &sink.url("/"),
            "retry: { strategy: fixed, initial: 10ms, max_attempts: 3 }",
        ))
        .await;
    server.publish(&event("1", "t", &json!({ "n": 1 }))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(
        (&letter["code"], &letter["rule"], &letter["sequence"]),
        (&json!("max-attempts"), &json!("r"), &json!(1))
    );
    assert_eq!(letter["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(letter["event"]["data"], json!({ "n": 1 }));
    sink.answer(|_| Answer::Status(200));
    let job = server
        .post("/v1/dead-letters/redrive", &json!({ "filter": { "rule": "r" } }))
        .await;
    assert_eq!(
        (&job["total"], &job["done"], &job["state"]),
        (&json!(1), &json!(1), &json!("done"))
    );
    server.settled(1, "delivered").await;
    assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
    let ids: Vec<_> = sink
        .received()
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn f37_a_route_that_hangs_does_not_delay_another() {
    let server = Server::start().await;
    let hanging = Sink::answering(|_| Answer::Hang).await;
    let quick = Sink::start().await;
    server
        .apply(&webhook_rule("slow", "t", &hanging.url("/"), "timeout: 60s"))
        .await;
    server
        .apply(&webhook_rule("fast", "t", &quick.url("/"), "timeout: 60s"))
        .await;
    for n in 1..=100 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    quick.wait_for(100).await;
    // The hanging route holds no more than its own 32 slots.
    let slow = server.route("slow", "hook").await;
    assert_eq!((&slow["in_flight"], &slow["backlog"]), (&json!(32), &json!(68)));
    assert_eq!(hanging.received().len(), 32);
}

#[tokio::test]
async fn a_deleted_rule_drops_its_undelivered_events_on_record() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    server
        .apply(&webhook_rule(
            "r",
            "t",
            &sink.url("/"),
            "retry: { strategy: fixed, initial: 1h }",
        ))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "retrying").await;
    let deleted = server
        .request(reqwest::Method::DELETE, "/v1/buses/default/rules/r")
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 204);
    server.settled(1, "dropped").await;
}
