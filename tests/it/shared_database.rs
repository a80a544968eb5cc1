//! Two servers, each with a log of its own, and one database.

use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::catalog::support::on_postgres;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::rule;

/// Within this time a change made through one server is in force on the other.
const SOON: Duration = Duration::from_secs(1);

async fn publish(server: &Server, event: &Value) -> (u16, Value) {
    let request = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json");
    server.call(request.body(event.to_string())).await
}

/// Waits until `server` answers as expected, and says how long that took.
async fn until(what: &str, ask: impl AsyncFn() -> bool) -> Duration {
    let started = Instant::now();
    eventually(what, async || ask().await.then_some(())).await;
    started.elapsed()
}

#[tokio::test]
async fn a_version_registered_on_one_server_is_in_force_on_the_other_within_a_second() {
    on_postgres(async |database| {
        let flags = ["--database-url", database.location.as_str()];
        let (a, b) = (Server::start_with(&flags).await, Server::start_with(&flags).await);
        let mut took = Vec::new();
        for (round, (one, other)) in [(&a, &b), (&b, &a), (&a, &b), (&b, &a), (&a, &b)]
            .into_iter()
            .enumerate()
        {
            let kind = format!("order{round}");
            let path = format!("/v1/schemas/{kind}");
            one.put(&path, &json!({ "validation": "reject" })).await;
            let document = json!({ "type": "object", "required": ["id"] });
            let request = one
                .request(Method::POST, &format!("{path}/versions"))
                .json(&document);
            assert_eq!(one.call(request).await.0, 201);
            let in_force = until("the schema is in force", async || {
                let id = uuid::Uuid::new_v4().to_string();
                publish(other, &event(&id, &kind, &json!({}))).await.0 == 422
            });
            took.push(in_force.await);
            assert_eq!(other.get(&format!("{path}/versions/1")).await, document);
        }
        // The machine may be busy with other tests now and then.
        took.sort_unstable();
        assert!(took[took.len() / 2] < SOON, "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn rules_of_one_server_route_events_of_the_other_and_are_gone_when_removed() {
    on_postgres(async |database| {
        let flags = ["--database-url", database.location.as_str()];
        let (a, mut b) = (Server::start_with(&flags).await, Server::start_with(&flags).await);
        let sink = Sink::start().await;
        let path = "/v1/buses/default/rules/r";
        a.put(path, &rule("t", &sink.url("/"))).await;
        let matched = async |server: &Server| {
            let id = uuid::Uuid::new_v4().to_string();
            server.publish(&event(&id, "t", &json!(1))).await["matched"] == json!(["r"])
        };
        until("the rule is in force", async || matched(&b).await).await;
        let last = b.last_sequence().await;
        b.settled(last, "delivered").await;
        b.kill().await;
        b.restart().await;
        assert!(matched(&b).await, "and after a restart");
        b.delete(path).await;
        until("the rule is gone", async || !matched(&a).await).await;
    })
    .await;
}

#[tokio::test]
async fn changes_made_on_both_servers_at_once_are_all_in_force_on_both() {
    on_postgres(async |database| {
        let flags = ["--database-url", database.location.as_str()];
        let (a, b) = (Server::start_with(&flags).await, Server::start_with(&flags).await);
        let put = async |server: &Server, name: &str| {
            for number in 0..15 {
                let path = format!("/v1/buses/default/rules/{name}{number}");
                let rule = json!({ "match": { "type": [name] }, "targets": [{ "name": "t", "echo": {} }] });
                assert_eq!(server.put(&path, &rule).await.0, 201);
                let path = format!("/v1/schemas/{name}{number}/versions");
                let request = server
                    .request(Method::POST, &path)
                    .json(&json!({ "type": "object" }));
                assert_eq!(server.call(request).await.0, 201);
            }
        };
        tokio::join!(put(&a, "a"), put(&b, "b"));
        for server in [&a, &b] {
            until("both know all", async || {
                let rules = server.get("/v1/buses/default/rules").await;
                let schemas = server.get("/v1/schemas").await;
                let count = |list: &Value| list["items"].as_array().map(Vec::len);
                (count(&rules), count(&schemas)) == (Some(30), Some(30))
            })
            .await;
        }
    })
    .await;
}
