//! Functions and webhooks that lead back to where they came from.

use serde_json::Value;
use serde_json::json;

use axum::response::IntoResponse as _;

use super::asking;
use super::types;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

/// A function that answers every event with one of this type.
async fn answering(kind: &'static str) -> Sink {
    Sink::responding(move |request: &Received| {
        let id = format!("{}'", request.json()["id"].as_str().unwrap());
        let reply = json!({ "specversion": "1.0", "id": id, "source": "/f", "type": kind });
        let kind = [("content-type", "application/cloudevents+json")];
        (kind, reply.to_string()).into_response()
    })
    .await
}

fn hops(sink: &Sink) -> Vec<u64> {
    let received = sink.received();
    let hops = received
        .iter()
        .map(|request| request.header("tramline-hops").parse().unwrap());
    hops.collect()
}

#[tokio::test]
async fn f44_functions_that_answer_each_other_stop_after_16_hops() {
    let server = Server::start().await;
    let (a, b) = (answering("b").await, answering("a").await);
    server.apply(&asking("a", "a", &a.url("/"), "")).await;
    server.apply(&asking("b", "b", &b.url("/"), "")).await;
    server.publish(&event("1", "a", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "loop_detected", "{letter}");
    assert_eq!((&letter["rule"], &letter["sequence"]), (&json!("b"), &json!(18)));
    assert_eq!(letter["attempts"], json!([]), "nothing was sent");
    let all = types(&server, "default").await;
    assert_eq!(all, ["a", "b"].repeat(9));
    assert_eq!(hops(&a), [0, 2, 4, 6, 8, 10, 12, 14, 16]);
    assert_eq!(hops(&b), [1, 3, 5, 7, 9, 11, 13, 15]);
    server.settled(18, "dead").await;
}

#[tokio::test]
async fn f44_a_webhook_that_leads_back_here_stops_after_16_hops() {
    let server = Server::start().await;
    let rules = format!(
        "rules:\n  - name: back\n    match: {{ type: [t] }}\n    transform:\n      - set: {{ id: \"${{$.id}}'\" }}\n    \
         targets:\n      - name: hook\n        webhook: {{ url: \"{}/events\" }}\n",
        server.url()
    );
    server.apply(&rules).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "loop_detected", "{letter}");
    assert_eq!(types(&server, "default").await.len(), 18);
}

/// An event that no rule matches any more does no harm, however far it came.
#[tokio::test]
async fn a_chain_that_ends_is_no_loop() {
    let server = Server::start().await;
    let request = |hops: &str, id: &str| {
        server
            .request(reqwest::Method::POST, "/events")
            .header("content-type", "application/cloudevents+json")
            .header("tramline-hops", hops.to_owned())
            .body(event(id, "nobody", &Value::Null).to_string())
    };
    for (id, hops) in [("1", "16"), ("2", "255"), ("3", "4000000000000")] {
        let (status, _) = server.call(request(hops, id)).await;
        assert_eq!(status, 202);
    }
    let (status, problem) = server.call(request("many", "4")).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-hops")));
    assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
}
