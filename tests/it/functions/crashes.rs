//! A reply and the record of its call are one: `kill -9` leaves both or neither.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::response::IntoResponse as _;
use serde_json::json;

use super::asking;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

const EVENTS: u64 = 300;

/// The function is not the same twice: a call that is repeated gives another id. Whatever was
/// stored of the first call, each question has one answer in the end.
#[tokio::test]
async fn f44_every_call_has_one_reply_however_often_the_server_is_killed() {
    let mut server = Server::start().await;
    let calls = AtomicU64::new(0);
    let function = Sink::responding(move |request: &Received| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let reply = json!({
            "specversion": "1.0", "id": format!("call-{call}"), "source": "/f", "type": "answer",
            "subject": request.json()["id"],
        });
        let kind = [("content-type", "application/cloudevents+json")];
        (kind, reply.to_string()).into_response()
    })
    .await;
    server.apply(&asking("ask", "ask", &function.url("/"), "")).await;
    for n in 0..EVENTS {
        server.publish(&event(&n.to_string(), "ask", &json!(n))).await;
    }
    for round in 1..=5 {
        function
            .wait_for(usize::try_from(round * EVENTS / 6).unwrap())
            .await;
        server.kill().await;
        server.restart().await;
    }
    crate::support::eventually("every question is answered", async || {
        let route = server.route("ask", "f").await;
        let is_done = [&route["backlog"], &route["in_flight"], &route["retrying"]]
            .iter()
            .all(|count| **count == json!(0));
        is_done.then_some(())
    })
    .await;
    let list = server
        .get("/v1/buses/default/events?limit=1000&type=answer")
        .await;
    let mut answers: BTreeMap<u64, u64> = BTreeMap::new();
    for item in list["items"].as_array().unwrap() {
        let asked = item["event"]["subject"].as_str().unwrap().parse().unwrap();
        *answers.entry(asked).or_default() += 1;
    }
    let expected: BTreeMap<_, _> = (0..EVENTS).map(|n| (n, 1)).collect();
    assert_eq!(answers, expected);
    assert!(function.received().len() as u64 >= EVENTS);
}
