//! How fast attempts may begin.

use std::time::Duration;
use std::time::Instant;

use super::publish;
use super::route_when;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

#[tokio::test]
async fn a_rate_spaces_attempts_and_costs_none() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    server
        .apply(&webhook_rule("r", "t", &sink.url("/"), "rate: 20/s"))
        .await;
    let started = Instant::now();
    publish(&server, 1..=60).await;
    sink.wait_for(60).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(2_800), "60 at 20/s in {took:?}");
    let fate = server.settled(60, "delivered").await;
    assert_eq!(fate["routes"][0]["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn retries_keep_to_the_rate_and_a_changed_rate_is_in_force_at_once() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let more = "rate: 1/m\n        circuit: off\n        retry: { strategy: fixed, initial: 10ms }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=5).await;
    route_when(&server, "one was tried", |route| route["retrying"] == 1).await;
    assert_eq!(sink.received().len(), 1);
    sink.answer(|_| Answer::Status(200));
    server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
    route_when(&server, "all are delivered", |route| route["delivered"] == 5).await;
}
