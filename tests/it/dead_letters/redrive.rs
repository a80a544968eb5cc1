//! Giving dead letters back: to whom, and as what.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ended;
use super::publish;
use super::put_rule;
use super::until_dead;
use super::with_letters;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

async fn redrive(server: &Server, request: &Value) -> Value {
    let job = server.post("/v1/dead-letters/redrive", request).await;
    ended(server, &job["id"]).await
}

/// A rule `r` that says its version in the data.
fn versioned(sink: &Sink, version: u64) -> Value {
    json!({
        "match": { "type": ["t"] },
        "transform": [{ "data": { "version": version, "n": "${$.data}" } }],
        "targets": [{ "name": "hook", "webhook": { "url": sink.url("/") } }],
    })
}

#[tokio::test]
async fn a_redrive_uses_the_transform_of_the_event_or_the_present_one_if_asked() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(400)).await;
    let path = "/v1/buses/default/rules/r";
    server.put(path, &versioned(&sink, 1)).await;
    publish(&server, "t", 2).await;
    until_dead(&server, "r", 2).await;
    server.put(path, &versioned(&sink, 2)).await;
    let ids: Vec<Value> = server
        .dead_letters(2)
        .await
        .iter()
        .map(|letter| letter["id"].clone())
        .collect();
    // The target is still down: what was asked for holds for every attempt, also after a crash.
    sink.answer(|_| Answer::Status(503));
    redrive(&server, &json!({ "filter": { "ids": [ids[0]] } })).await;
    redrive(
        &server,
        &json!({ "filter": { "ids": [ids[1]] }, "retransform": true }),
    )
    .await;
    sink.wait_for(4).await;
    server.kill().await;
    sink.answer(|_| Answer::Status(200));
    server.restart().await;
    for sequence in [1, 2] {
        server.settled(sequence, "delivered").await;
    }
    let received = sink.received();
    let versions = |n: u64| {
        let of_event = received.iter().map(|request| request.json()["data"].clone());
        let of_event = of_event.filter(|data| data["n"] == n);
        of_event
            .map(|data| data["version"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert!(
        versions(1).iter().all(|version| *version == 1),
        "{:?}",
        versions(1)
    );
    let second = versions(2);
    assert!(
        second[0] == 1 && second[1..].iter().all(|version| *version == 2),
        "{second:?}"
    );
    assert!(second.len() >= 3);
}

#[tokio::test]
async fn a_redrive_to_another_target_is_a_delivery_there_and_resolves_the_letter() {
    let (mut server, sink) = with_letters(3).await;
    let other = Sink::start().await;
    put_rule(&server, "spare", "never", &other).await;
    let request = json!({ "filter": { "rule": "r" }, "to": { "rule": "spare", "target": "hook" } });
    let job = redrive(&server, &request).await;
    assert_eq!(
        (&job["total"], &job["done"], &job["failed"]),
        (&json!(3), &json!(3), &json!(0))
    );
    let received = other.wait_for(3).await;
    let ids: std::collections::BTreeSet<_> = received
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    let refused: std::collections::BTreeSet<_> = sink
        .received()
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!((ids.len(), ids.is_disjoint(&refused)), (3, true));
    until_dead(&server, "r", 0).await;
    for _ in 0..2 {
        let fate = crate::support::eventually("both routes are told", async || {
            let fate = server.get("/v1/buses/default/events/1/deliveries").await;
            (fate["routes"][1]["state"] == "delivered").then_some(fate)
        })
        .await;
        assert_eq!(
            (
                &fate["routes"][0]["rule"],
                &fate["routes"][0]["state"],
                &fate["routes"][0]["code"]
            ),
            (&json!("r"), &json!("dropped"), &json!("redriven-elsewhere"))
        );
        assert_eq!(fate["routes"][1]["rule"], json!("spare"));
        server.kill().await;
        server.restart().await;
    }
    // A crash right after a call repeats it under its id.
    let after = other.received();
    let after: std::collections::BTreeSet<_> =
        after.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(after, ids);
}

#[tokio::test]
async fn letters_that_cannot_go_to_another_target_stay_and_count_as_failed() {
    let (server, _sink) = with_letters(2).await;
    let other = Sink::start().await;
    assert_eq!(server.put("/v1/buses/b", &json!({})).await.0, 201);
    let path = "/v1/buses/b/rules/spare";
    server
        .put(path, &crate::support::rule("never", &other.url("/")))
        .await;
    let to = json!({ "bus": "b", "rule": "spare", "target": "hook" });
    let job = redrive(&server, &json!({ "to": to })).await;
    assert_eq!((&job["done"], &job["failed"]), (&json!(0), &json!(2)));
    assert_eq!(server.dead_letters(2).await.len(), 2);
    let request = json!({ "to": { "rule": "none", "target": "hook" } });
    let request = server
        .request(Method::POST, "/v1/dead-letters/redrive")
        .json(&request);
    let (status, problem) = server.call(request).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-route")));
}

#[tokio::test]
async fn an_event_that_the_other_target_has_still_to_get_is_not_sent_there_twice() {
    let server = Server::start().await;
    let refusing = Sink::answering(|_| Answer::Status(400)).await;
    let other = Sink::start().await;
    put_rule(&server, "r", "t", &refusing).await;
    let mut paused = crate::support::rule("t", &other.url("/"));
    paused["targets"][0]["paused"] = json!(true);
    let path = "/v1/buses/default/rules/spare";
    server.put(path, &paused).await;
    server.publish(&event("1", "t", &json!(1))).await;
    until_dead(&server, "r", 1).await;
    let to = json!({ "rule": "spare", "target": "hook" });
    let job = redrive(&server, &json!({ "to": to })).await;
    assert_eq!(job["done"], json!(1));
    paused["targets"][0]["paused"] = json!(false);
    server.put(path, &paused).await;
    other.wait_for(1).await;
    // Everything that follows comes after what a second delivery would have brought.
    server.publish(&event("2", "t", &json!(2))).await;
    other.wait_for(2).await;
    let numbers: Vec<_> = other
        .received()
        .iter()
        .map(|request| request.json()["data"].clone())
        .collect();
    assert_eq!(numbers, [json!(1), json!(2)]);
}
