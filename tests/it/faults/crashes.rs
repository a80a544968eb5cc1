//! The process killed at the worst moments of a delivery: nothing is lost, little is repeated.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use chrono::DateTime;
use chrono::Utc;
use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::webhook_rule;

/// How often each webhook-id came, with the number of the event in its data.
fn counted(received: &[Received]) -> Vec<(String, u64, usize)> {
    let keys: BTreeSet<_> = received.iter().map(key).collect();
    let times = |wanted: &(String, u64)| received.iter().filter(|request| key(request) == *wanted).count();
    keys.into_iter()
        .map(|found| {
            let times = times(&found);
            (found.0, found.1, times)
        })
        .collect()
}

fn key(request: &Received) -> (String, u64) {
    (
        request.header("webhook-id"),
        request.json()["data"].as_u64().unwrap(),
    )
}

fn time(text: &Value) -> DateTime<Utc> {
    text.as_str().unwrap().parse().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a time the server wrote down is compared with ours"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// F17: a 200 that was not recorded in time is asked for again, once, as the same delivery.
#[tokio::test]
async fn f17_a_crash_right_after_the_target_took_an_event_repeats_it_at_most_once_under_its_id() {
    let mut server = Server::start().await;
    let sink = Sink::start().await;
    server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
    for n in 1..=20 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    sink.wait_for(20).await;
    server.kill().await;
    server.restart().await;
    for n in 1..=20 {
        server.settled(n, "delivered").await;
    }
    let counts = counted(&sink.received());
    let events: Vec<_> = counts
        .iter()
        .map(|(_, event, _)| *event)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(events, (1..=20).collect::<Vec<_>>(), "an event is lost");
    assert_eq!(counts.len(), 20, "an event came under two ids: {counts:?}");
    assert!(counts.iter().all(|(_, _, times)| *times <= 2), "{counts:?}");
    // A stop in order records what was delivered: nothing is asked for again.
    let before = sink.received().len();
    assert!(server.stop().await.success());
    server.restart().await;
    let last = server.publish(&event("21", "t", &json!(21))).await["sequence"]
        .as_u64()
        .unwrap();
    server.settled(last, "delivered").await;
    assert_eq!(sink.received().len(), before + 1);
}

/// F18: the time of the next attempt and the count are on disk, not in the process.
#[tokio::test]
async fn f18_a_retry_that_was_waiting_when_the_process_died_fires_at_its_time_with_its_number() {
    let mut server = Server::start().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tries);
    let sink = Sink::answering(move |_| {
        let n = counter.fetch_add(1, Ordering::SeqCst);
        Answer::Status(if n < 2 { 503 } else { 200 })
    })
    .await;
    let retry = "retry: { strategy: schedule, schedule: [50ms, 4s], jitter: none }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), retry)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    sink.wait_for(2).await;
    let planned = loop {
        let fate = server.settled(1, "retrying").await;
        let attempts = fate["routes"][0]["attempts"].as_array().unwrap().clone();
        if attempts.len() == 2 {
            break time(&attempts[1]["next_at"]);
        }
    };
    server.kill().await;
    server.restart().await;
    assert_eq!(
        server.settled(1, "retrying").await["routes"][0]["attempts"][1]["n"],
        2
    );
    assert_eq!(sink.received().len(), 2, "the retry came before its time");
    sink.wait_for(3).await;
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    let numbers: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3], "{fate}");
    let late = time(&attempts[2]["at"]) - planned;
    assert!(
        (0..=1_000).contains(&late.num_milliseconds()),
        "planned for {planned}, late by {late}"
    );
    let ids: BTreeSet<_> = sink
        .received()
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), 1);
}

/// F18: a retry whose time passed while the process was down fires at once, and only once.
#[tokio::test]
async fn f18_a_retry_whose_time_passed_while_the_process_was_down_fires_after_the_start() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(500)).await;
    let retry = "retry: { strategy: fixed, initial: 300ms, jitter: none }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), retry)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "retrying").await;
    let planned = time(&fate["routes"][0]["attempts"][0]["next_at"]);
    server.kill().await;
    let before = sink.received().len();
    sink.answer(|_| Answer::Status(200));
    eventually("the time of the retry passes", async || {
        (now() > planned).then_some(())
    })
    .await;
    server.restart().await;
    server.settled(1, "delivered").await;
    assert_eq!(sink.received().len(), before + 1);
}

/// F19: killed at any point between the record of a retry and the record of its success.
#[tokio::test]
async fn f19_a_crash_between_a_retry_and_its_outcome_loses_nothing_and_repeats_at_most_once() {
    let mut server = Server::start().await;
    let sink = Sink::answering(|request| {
        let is_odd = request.json()["data"].as_u64().unwrap() % 2 == 1;
        Answer::Status(if is_odd { 503 } else { 200 })
    })
    .await;
    let retry = "circuit: off\n        retry: { strategy: fixed, initial: 20ms, jitter: none }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), retry)).await;
    for n in 1..=40 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    // Each odd event has failed at least once, so its retry is on disk or about to be.
    sink.wait_for(60).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    sink.answer(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Answer::Status(200)
    });
    let so_far = sink.received().len();
    sink.wait_for(so_far + 5).await;
    server.kill().await;
    let before = sink.received();
    let good = taken.load(Ordering::SeqCst);
    server.restart().await;
    for n in 1..=40 {
        server.settled(n, "delivered").await;
    }
    let counts = counted(&sink.received());
    assert_eq!(
        counts.len(),
        40,
        "an event is lost, or came under two ids: {counts:?}"
    );
    // After the crash every event comes at most once: twice would be a duplicate too many.
    let again = counted(&sink.received()[before.len()..]);
    assert!(again.iter().all(|(_, _, times)| *times == 1), "{again:?}");
    assert!(good >= 5, "the crash came before the outcome that it was to hit");
    let odd = |(_, event, _): &&(String, u64, usize)| event % 2 == 1;
    assert!(
        again.iter().any(|found| odd(&found)),
        "no retry survived the crash"
    );
}
