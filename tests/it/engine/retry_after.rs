//! Targets that ask to be left alone for a while.

use serde_json::Value;
use serde_json::json;

use super::publish;
use super::route_when;
use super::wait_ms;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::webhook_rule;

/// Long backoff, so that what the header brings about is told apart from it.
const RETRY: &str = "retry: { strategy: fixed, initial: 10m, retry_after_max: 1h }";

/// The first attempt of an event at a target that answers so, once it waits for the next one.
async fn first_attempt(retry: &str, answer: Answer) -> Value {
    let server = Server::start().await;
    let sink = Sink::answering(move |_| answer).await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), retry)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "retrying").await["routes"][0]["attempts"][0].clone()
}

/// F8: what can be read is obeyed within bounds, the rest ignored; never a panic.
#[tokio::test]
async fn f08_retry_after_is_parsed_clamped_or_ignored() {
    let (backoff, longest) = (600_000, 3_600_000);
    for (header, least, most) in [
        ("1800", 1_800_000, 1_810_000),
        ("5", backoff, backoff + 10_000),
        ("0", backoff, backoff + 10_000),
        ("99999999999999999999", longest, longest + 10_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", longest, longest + 10_000),
        ("Thu, 01 Jan 1970 00:00:00 GMT", backoff, backoff + 10_000),
        ("Sun Nov  6 08:49:37 1994", backoff, backoff + 10_000),
        ("inf", backoff, backoff + 10_000),
        ("NaN", backoff, backoff + 10_000),
        ("1e300", backoff, backoff + 10_000),
        ("-5", backoff, backoff + 10_000),
        ("soon", backoff, backoff + 10_000),
        ("", backoff, backoff + 10_000),
    ] {
        for status in [429, 503] {
            let attempt = first_attempt(RETRY, Answer::With(status, "retry-after", header)).await;
            let wait = wait_ms(&attempt);
            assert!((least..=most).contains(&wait), "{status} {header:?}: {wait} ms");
            assert_eq!(attempt["status"], status);
        }
    }
}

/// F9: the whole target is left alone, and then asked by one.
#[tokio::test]
async fn f09_a_target_that_asks_for_silence_gets_it_and_then_one_probe() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::With(429, "retry-after", "2")).await;
    let settings = "concurrency: 4\n        retry: { strategy: fixed, initial: 10ms }";
    server
        .apply(&webhook_rule("r", "t", &sink.url("/"), settings))
        .await;
    publish(&server, 1..=200).await;
    let silent = route_when(&server, "silence", |route| {
        route["state"] == "paused" && route["in_flight"] == 0
    })
    .await;
    assert_eq!(silent["reason"], "throttled");
    let at_first = sink.received().len();
    assert!((1..=4).contains(&at_first), "{at_first}");
    sink.wait_for(at_first + 1).await;
    // The probe is answered in the same way, so again nobody follows it.
    route_when(&server, "silence again", |route| {
        route["state"] == "paused" && route["in_flight"] == 0
    })
    .await;
    assert_eq!(sink.received().len(), at_first + 1, "more than one probe");
    sink.answer(|_| Answer::Status(200));
    let done = route_when(&server, "all are delivered", |route| route["delivered"] == 200).await;
    assert_eq!((&done["state"], &done["retrying"]), (&json!("active"), &json!(0)));
    assert_eq!(done["circuit"], "closed", "silence is no failure");
}

/// F9: a restart is no way round.
#[tokio::test]
async fn f09_silence_outlives_a_crash() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::With(503, "retry-after", "600")).await;
    server
        .apply(&webhook_rule("r", "t", &sink.url("/"), "concurrency: 1"))
        .await;
    publish(&server, 1..=5).await;
    route_when(&server, "silence", |route| route["state"] == "paused").await;
    server.settled(1, "retrying").await;
    server.kill().await;
    server.restart().await;
    publish(&server, 6..=7).await;
    let route = route_when(&server, "the backlog", |route| route["backlog"] == 6).await;
    assert_eq!(
        (&route["state"], &route["reason"]),
        (&json!("paused"), &json!("throttled"))
    );
    assert_eq!(sink.received().len(), 1);
}
