//! Orderly stops.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::publish;
use super::route_when;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::webhook_rule;

/// F21: what the stop cuts off counts as not sent.
#[tokio::test]
async fn f21_attempts_cut_off_by_a_stop_are_not_charged_and_made_again() {
    let mut server = Server::start().await;
    let is_slow = Arc::new(AtomicBool::new(true));
    let slow = Arc::clone(&is_slow);
    let sink = Sink::answering(move |_| {
        if slow.load(Ordering::SeqCst) {
            Answer::Hang
        } else {
            Answer::Status(200)
        }
    })
    .await;
    let more = "concurrency: 50\n        timeout: 5m";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), more)).await;
    publish(&server, 1..=50).await;
    route_when(&server, "all are in flight", |route| route["in_flight"] == 50).await;
    assert!(server.stop().await.success());
    is_slow.store(false, Ordering::SeqCst);
    server.restart().await;
    route_when(&server, "all are delivered", |route| route["delivered"] == 50).await;
    for sequence in [1, 25, 50] {
        let fate = server.settled(sequence, "delivered").await;
        let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
        assert_eq!((attempts.len(), &attempts[0]["n"]), (1, &json!(1)), "{fate}");
    }
    assert_eq!(sink.received().len(), 100);
}
