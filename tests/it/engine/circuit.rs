//! The circuit breaker.

use serde_json::json;

use super::publish;
use super::route_when;
use super::told;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

#[tokio::test]
async fn ten_failures_open_the_circuit_one_probe_at_a_time_goes_through_and_one_answer_closes_it() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let more = "concurrency: 2\n        circuit: { open: 1s, max: 2s }\n        retry: { strategy: fixed, initial: 10ms }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=30).await;
    let open = route_when(&server, "open", |route| {
        route["circuit"] == "open" && route["in_flight"] == 0
    })
    .await;
    assert_eq!(open["state"], "active", "the circuit is not a pause: {open}");
    let calls = sink.received().len();
    assert!((10..=11).contains(&calls), "{calls}");
    sink.wait_for(calls + 1).await;
    route_when(&server, "open again", |route| {
        route["circuit"] == "open" && route["in_flight"] == 0
    })
    .await;
    assert_eq!(sink.received().len(), calls + 1, "more than one probe");
    sink.answer(|_| Answer::Status(200));
    let closed = route_when(&server, "all are delivered", |route| route["delivered"] == 30).await;
    assert_eq!(closed["circuit"], "closed");
    let told = told(&server, "tramline.circuit.opened").await;
    assert_eq!((told.len(), &told[0]["rule"]), (1, &json!("r")), "{told:?}");
    // Nothing was charged while it was open.
    let attempts = sink.received().len();
    assert_eq!(attempts, calls + 1 + 30);
}

#[tokio::test]
async fn a_delivery_that_gets_too_old_behind_an_open_circuit_dies_without_an_attempt() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let more = "concurrency: 1\n        circuit: { failures: 1, open: 1h, max: 1h }\n        retry: { strategy: fixed, initial: 100ms, max_age: 2s }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=50).await;
    let letters = server.dead_letters(50).await;
    assert!(
        letters.iter().all(|letter| letter["code"] == "max-age"),
        "{letters:?}"
    );
    let attempts = |letter: &serde_json::Value| letter["attempts"].as_array().unwrap().len();
    assert_eq!(letters.iter().map(attempts).sum::<usize>(), 1);
    assert_eq!(sink.received().len(), 1);
    let route = server.route("r", "hook").await;
    assert_eq!(
        (&route["retrying"], &route["backlog"], &route["in_flight"]),
        (&json!(0), &json!(0), &json!(0))
    );
}

#[tokio::test]
async fn an_open_circuit_outlives_a_crash_and_resuming_closes_it() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let more = "concurrency: 1\n        circuit: { failures: 2, open: 1h, max: 1h }\n        retry: { strategy: fixed, initial: 10ms }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=5).await;
    route_when(&server, "open", |route| {
        route["circuit"] == "open" && route["in_flight"] == 0
    })
    .await;
    server.kill().await;
    server.restart().await;
    assert_eq!(server.route("r", "hook").await["circuit"], "open");
    assert_eq!(sink.received().len(), 2);
    sink.answer(|_| Answer::Status(200));
    server.post("/v1/buses/default/rules/r/resume", &json!({})).await;
    route_when(&server, "all are delivered", |route| route["delivered"] == 5).await;
}

#[tokio::test]
async fn refused_credentials_open_the_circuit_after_five_and_off_means_off() {
    let server = Server::start().await;
    let refusing = Sink::answering(|_| Answer::Status(401)).await;
    let more = "concurrency: 1\n        retry: { strategy: fixed, initial: 10ms, max_attempts: 20 }";
    server
        .apply(&webhook_rule("r", "t", &refusing.url("/"), more))
        .await;
    publish(&server, 1..=1).await;
    route_when(&server, "open", |route| route["circuit"] == "open").await;
    assert_eq!(refusing.received().len(), 5);
    let off = format!("circuit: off\n        {more}");
    server
        .apply(&webhook_rule("r", "t", &refusing.url("/"), &off))
        .await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "max-attempts");
    assert_eq!(refusing.received().len(), 20);
}
