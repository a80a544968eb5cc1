//! Events that go on to another bus of the same server.

use serde_json::Value;
use serde_json::json;

use axum::response::IntoResponse as _;
use reqwest::Method;

use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;

/// A file with one rule on a bus, which passes events of a type on to another.
fn passing(from: &str, kind: &str, to: &str) -> String {
    json!({ "bus": from, "rules": [{
        "name": "pass", "match": { "type": [kind] }, "targets": [{ "name": "on", "bus": to }],
    }] })
    .to_string()
}

async fn apply(server: &Server, file: String) -> (u16, Value) {
    let request = server.request(Method::POST, "/v1/apply");
    server
        .call(request.header("content-type", "application/json").body(file))
        .await
}

async fn on(server: &Server, bus: &str) -> Vec<Value> {
    let list = server.get(&format!("/v1/buses/{bus}/events?from=earliest")).await;
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_event_is_passed_on_once_with_the_transform_of_its_target() {
    let server = Server::start().await;
    server.put("/v1/buses/audit", &json!({})).await;
    let rules = json!({ "rules": [{
        "name": "pass", "match": { "type": ["order"] },
        "targets": [
            { "name": "on", "bus": "audit" },
            { "name": "changed", "bus": { "name": "audit" },
              "transform": [{ "set": { "type": "order.copied" } }, { "data": { "n": "${$.data.n}" } }] },
        ],
    }] });
    server.apply(&rules.to_string()).await;
    server
        .publish(&event("1", "order", &json!({ "n": 1, "more": true })))
        .await;
    server.settled(1, "delivered").await;
    let mut passed: Vec<_> = on(&server, "audit")
        .await
        .into_iter()
        .map(|item| item["event"].clone())
        .collect();
    passed.sort_by_key(|event| event["type"].to_string());
    assert_eq!(passed.len(), 2, "{passed:?}");
    assert_eq!(
        (&passed[0]["id"], &passed[0]["data"]),
        (&json!("1"), &json!({ "n": 1, "more": true }))
    );
    assert_eq!(
        (&passed[1]["type"], &passed[1]["data"]),
        (&json!("order.copied"), &json!({ "n": 1 }))
    );
}

#[tokio::test]
async fn circles_are_refused_when_they_are_applied() {
    let server = Server::start().await;
    for bus in ["a", "b", "c"] {
        server.put(&format!("/v1/buses/{bus}"), &json!({})).await;
    }
    let (status, problem) = apply(&server, passing("a", "x", "a")).await;
    assert_eq!(
        (status, &problem["errors"][0]["code"]),
        (422, &json!("bus-circle")),
        "{problem}"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/rules/0/targets/0/bus");
    assert_eq!(apply(&server, passing("a", "x", "b")).await.0, 200);
    assert_eq!(apply(&server, passing("b", "x", "c")).await.0, 200);
    let (status, problem) = apply(&server, passing("c", "y", "a")).await;
    assert_eq!(
        (status, &problem["errors"][0]["code"]),
        (422, &json!("bus-circle")),
        "{problem}"
    );
    // The same change that closes the circle may open it somewhere else.
    assert_eq!(apply(&server, passing("b", "x", "default")).await.0, 200);
    assert_eq!(apply(&server, passing("c", "y", "a")).await.0, 200);
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_refused() {
    let server = Server::start().await;
    for (to, code) in [
        ("nowhere", "unknown-bus"),
        ("system", "reserved-bus"),
        ("no bus", "invalid-name"),
    ] {
        let (status, problem) = apply(&server, passing("default", "x", to)).await;
        assert_eq!(
            (status, &problem["errors"][0]["code"]),
            (422, &json!(code)),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn an_event_for_a_bus_that_was_deleted_is_a_dead_letter() {
    let server = Server::start().await;
    server.put("/v1/buses/audit", &json!({})).await;
    server.apply(&passing("default", "x", "audit")).await;
    server.delete("/v1/buses/audit").await;
    server.publish(&event("1", "x", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "no-such-bus", "{letter}");
    server.settled(1, "dead").await;
}

#[tokio::test]
async fn a_circle_through_a_function_is_stopped_by_its_hops() {
    let server = Server::start().await;
    server.put("/v1/buses/b", &json!({})).await;
    let function = Sink::responding(|request: &Received| {
        let id = format!("{}'", request.json()["id"].as_str().unwrap());
        let reply = json!({ "specversion": "1.0", "id": id, "source": "/f", "type": "x" });
        (
            [("content-type", "application/cloudevents+json")],
            reply.to_string(),
        )
            .into_response()
    })
    .await;
    server.apply(&passing("default", "x", "b")).await;
    let asking = json!({ "bus": "b", "rules": [{ "name": "ask", "match": { "type": ["x"] }, "targets": [{
        "name": "f", "function": { "http": { "url": function.url("/"), "reply": "route", "bus": "default" } },
    }] }] });
    server.apply(&asking.to_string()).await;
    server.publish(&event("1", "x", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "loop_detected", "{letter}");
    assert_eq!(
        on(&server, "default").await.len() + on(&server, "b").await.len(),
        18
    );
}
