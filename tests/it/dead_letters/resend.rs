//! Sending one event once more.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::put_rule;
use super::until_dead;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::retrying;
use crate::support::rule;

async fn resend(server: &Server, sequence: u64, rule: &str) -> Value {
    let path = format!("/v1/buses/default/events/{sequence}/resend");
    server
        .post(&path, &json!({ "rule": rule, "target": "hook" }))
        .await
}

fn ids(sink: &Sink) -> Vec<String> {
    sink.received()
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect()
}

/// Waits until the first route of event 1 is delivered with so many attempts in its timeline.
async fn delivered(server: &Server, attempts: usize) -> Value {
    eventually("delivered once more", async || {
        let fate = server.get("/v1/buses/default/events/1/deliveries").await;
        let route = fate["routes"][0].clone();
        let is_done = route["state"] == "delivered" && route["attempts"].as_array()?.len() == attempts;
        is_done.then_some(route)
    })
    .await
}

#[tokio::test]
async fn a_delivered_event_is_sent_again_under_another_id_that_survives_a_crash() {
    let mut server = Server::start().await;
    let sink = Sink::start().await;
    let path = "/v1/buses/default/rules/r";
    server
        .put(path, &retrying(rule("t", &sink.url("/")), "100ms"))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    sink.answer(|_| Answer::Status(503));
    let answer = resend(&server, 1, "r").await;
    assert_eq!(
        (&answer["rule"], &answer["target"]),
        (&json!("r"), &json!("hook"))
    );
    sink.wait_for(2).await;
    server.kill().await;
    sink.answer(|_| Answer::Status(200));
    server.restart().await;
    eventually("it is delivered again", async || {
        let fate = server.get("/v1/buses/default/events/1/deliveries").await;
        (fate["routes"][0]["state"] == "delivered").then_some(())
    })
    .await;
    let ids = ids(&sink);
    assert!(ids.len() >= 3, "{ids:?}");
    assert!(
        ids[1] != ids[0] && ids[1..].iter().all(|id| *id == ids[1]),
        "{ids:?}"
    );
    assert_eq!(sink.received().last().unwrap().json()["data"], json!(1));
}

#[tokio::test]
async fn each_resend_of_a_delivered_event_is_a_replay_of_its_own() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    put_rule(&server, "r", "t", &sink).await;
    server.publish(&event("1", "t", &json!(1))).await;
    for attempts in 1..=2 {
        delivered(&server, attempts).await;
        resend(&server, 1, "r").await;
    }
    delivered(&server, 3).await;
    let ids: std::collections::BTreeSet<_> = ids(&sink).into_iter().collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_dead_letter_that_is_resent_is_the_same_delivery_and_no_letter_any_more() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(400)).await;
    put_rule(&server, "r", "t", &sink).await;
    server.publish(&event("1", "t", &json!(1))).await;
    until_dead(&server, "r", 1).await;
    sink.answer(|_| Answer::Status(200));
    resend(&server, 1, "r").await;
    delivered(&server, 2).await;
    let ids = ids(&sink);
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
}

#[tokio::test]
async fn one_that_waits_for_its_retry_is_tried_at_once_under_the_same_id() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(503)).await;
    let path = "/v1/buses/default/rules/r";
    server.put(path, &retrying(rule("t", &sink.url("/")), "1h")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "retrying").await;
    sink.answer(|_| Answer::Status(200));
    resend(&server, 1, "r").await;
    delivered(&server, 2).await;
    let ids = ids(&sink);
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
}

#[tokio::test]
async fn an_event_is_sent_over_a_route_that_it_did_not_match_and_its_timeline_says_so() {
    let mut server = Server::start().await;
    let sink = Sink::start().await;
    server.publish(&event("1", "t", &json!(1))).await;
    put_rule(&server, "late", "other", &sink).await;
    assert_eq!(
        server.get("/v1/buses/default/events/1/deliveries").await["routes"],
        json!([])
    );
    resend(&server, 1, "late").await;
    let route = delivered(&server, 1).await;
    assert_eq!(route["rule"], json!("late"));
    server.kill().await;
    server.restart().await;
    assert_eq!(delivered(&server, 1).await["rule"], json!("late"));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_resent() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    put_rule(&server, "r", "t", &sink).await;
    server.publish(&event("1", "t", &json!(1))).await;
    for (path, rule, code) in [
        ("/v1/buses/none/events/1/resend", "r", "no-such-bus"),
        ("/v1/buses/default/events/2/resend", "r", "no-such-event"),
        ("/v1/buses/default/events/1/resend", "none", "no-such-route"),
        ("/v1/buses/default/events/1/resend", "-", "no-such-route"),
    ] {
        let body = json!({ "rule": rule, "target": "hook" });
        let (status, problem) = server.call(server.request(Method::POST, path).json(&body)).await;
        assert_eq!((status, &problem["code"]), (404, &json!(code)));
    }
}
