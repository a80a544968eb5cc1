//! Dead letters as their owners see them: searched, given back, given up.

mod command_line;
mod discard;
mod jobs;
mod redrive;
mod resend;
mod search;
mod timeline;

use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::rule;

/// A rule `r` for events of the type `t` to a sink.
async fn put_rule(server: &Server, name: &str, kind: &str, sink: &Sink) {
    let path = format!("/v1/buses/default/rules/{name}");
    let (status, answer) = server.put(&path, &rule(kind, &sink.url("/"))).await;
    assert!(status < 300, "{answer}");
}

/// Publishes events of a type, numbered in their data and ids, as one batch.
async fn publish(server: &Server, kind: &str, count: u64) {
    let all: Vec<_> = (1..=count)
        .map(|n| event(&format!("{kind}-{n}"), kind, &json!(n)))
        .collect();
    for batch in all.chunks(1_000) {
        let request = server
            .request(reqwest::Method::POST, "/v1/buses/default/events")
            .header("content-type", "application/cloudevents-batch+json")
            .body(json!(batch).to_string());
        assert_eq!(server.call(request).await.0, 202);
    }
}

/// Waits until the route of a rule has so many dead letters and nothing else to do.
async fn until_dead(server: &Server, rule: &str, count: u64) {
    eventually(&format!("{count} dead letters of {rule}"), async || {
        let route = server.route(rule, "hook").await;
        let is_idle = route["in_flight"] == 0 && route["backlog"] == 0 && route["retrying"] == 0;
        (is_idle && route["dead"] == count).then_some(())
    })
    .await;
}

/// A server with so many dead letters of the rule `r`, and the sink that refused them.
async fn with_letters(count: u64) -> (Server, Sink) {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(400)).await;
    put_rule(&server, "r", "t", &sink).await;
    publish(&server, "t", count).await;
    until_dead(&server, "r", count).await;
    (server, sink)
}

/// A job, once it has ended.
async fn ended(server: &Server, id: &Value) -> Value {
    let path = format!("/v1/jobs/{}", id.as_str().unwrap());
    eventually("the job ends", async || {
        let job = server.get(&path).await;
        (job["state"] != "running").then_some(job)
    })
    .await
}
