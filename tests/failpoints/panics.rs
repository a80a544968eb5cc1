//! F55: a panic in the middle of an attempt is a failure of that attempt, and of nothing else.

use serde_json::json;

use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::webhook_rule;

async fn survives_a_panic_at(point: &str) {
    let points = format!("{point}=2*panic(injected)");
    let flags = ["--egress-allow", "127.0.0.1/32"];
    let (server, is_ready) = Server::start_failing(&flags, ("FAILPOINTS", &points)).await;
    assert!(is_ready);
    let sink = Sink::start().await;
    let retry = "retry: { strategy: fixed, initial: 50ms }";
    server.apply(&webhook_rule("r", "t", &sink.url("/"), retry)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().expect("attempts");
    let classes: Vec<_> = attempts.iter().map(|attempt| &attempt["class"]).collect();
    assert_eq!(classes, ["internal", "internal", "ok"], "{point}");
    assert_eq!(sink.received().len(), 1);
    eventually("nothing is in flight", async || {
        let route = server.route("r", "hook").await;
        (route["in_flight"] == 0 && route["retrying"] == 0).then_some(())
    })
    .await;
    // The route works on.
    server.publish(&event("2", "t", &json!(2))).await;
    server.settled(2, "delivered").await;
}

#[tokio::test]
async fn f55_a_panic_while_an_event_is_sent_is_a_failed_attempt() {
    survives_a_panic_at("target::send").await;
}

#[tokio::test]
async fn f55_a_panic_in_a_transform_is_a_failed_attempt() {
    survives_a_panic_at("delivery::render").await;
}
