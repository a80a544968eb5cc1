//! Rules that change under deliveries that wait.

use reqwest::Method;
use serde_json::json;

use super::publish;
use super::route_when;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

/// F35: retries use the present target; what is deleted ends on record, and nothing fires later.
#[tokio::test]
async fn f35_retries_follow_the_rule_and_end_with_it() {
    let mut server = Server::start().await;
    let (old, new) = (
        Sink::answering(|_| Answer::Status(500)).await,
        Sink::answering(|_| Answer::Status(500)).await,
    );
    let more = "circuit: off\n        retry: { strategy: fixed, initial: 400ms, jitter: none }";
    server.apply(&webhook_rule("r", "t", &old.url("/"), more)).await;
    publish(&server, 1..=3).await;
    route_when(&server, "all wait", |route| route["retrying"] == 3).await;
    server.apply(&webhook_rule("r", "t", &new.url("/"), more)).await;
    new.wait_for(3).await;
    let before = old.received().len();
    server.post("/v1/buses/default/rules/r/pause", &json!({})).await;
    route_when(&server, "nothing is in flight", |route| route["in_flight"] == 0).await;
    let paused_at = new.received().len();
    assert_eq!(
        server.route("r", "hook").await["retrying"],
        3,
        "a pause keeps retries"
    );
    server.delete("/v1/buses/default/rules/r").await;
    for sequence in 1..=3 {
        server.settled(sequence, "dropped").await;
    }
    server.kill().await;
    server.restart().await;
    let (status, _) = server
        .call(server.request(Method::GET, "/v1/routes/r/hook"))
        .await;
    assert_eq!(status, 404);
    server.settled(1, "dropped").await;
    assert_eq!((old.received().len(), new.received().len()), (before, paused_at));
}

#[tokio::test]
async fn statuses_can_be_told_apart_for_one_target() {
    let server = Server::start().await;
    let sink =
        Sink::answering(|request| Answer::Status(if request.json()["data"] == 1 { 400 } else { 503 })).await;
    let more = "retry: { strategy: fixed, initial: 1h, retry_on: [400], permanent_on: [503] }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=2).await;
    server.settled(1, "retrying").await;
    let fate = server.settled(2, "dead").await;
    assert_eq!(fate["routes"][0]["attempts"].as_array().unwrap().len(), 1);
}
