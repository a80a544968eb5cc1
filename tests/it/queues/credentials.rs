//! Who asks a broker: from the URL or from a connection, never shown, and only where it is allowed.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::Broker;
use super::publish;
use super::rule;
use super::rule_with;
use crate::support::Server;
use crate::support::eventually;

async fn apply(server: &Server, file: String) -> (u16, Value) {
    let request = server.request(Method::POST, "/v1/apply");
    server
        .call(request.header("content-type", "application/json").body(file))
        .await
}

#[tokio::test]
async fn user_and_password_in_a_url_are_shown_as_stars_and_can_be_given_back() {
    let broker = Broker::amqp().await;
    let server = Server::start().await;
    server.apply(&rule(&broker.queue("structured"))).await;
    let shown = server.get("/v1/buses/default/rules/q").await;
    let url = shown["targets"][0]["queue"]["amqp"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(url.starts_with("amqp://***@127.0.0.1:"), "{url}");
    assert!(!shown.to_string().contains("guest"), "{shown}");
    let mut queue = broker.queue("binary");
    queue["amqp"]["url"] = json!(url);
    server.apply(&rule(&queue)).await;
    publish(&server, 0..1).await;
    server.settled(1, "delivered").await;
    // It does not go along to another host.
    queue["amqp"]["url"] = json!("amqp://***@broker.example:5672");
    let (status, problem) = apply(&server, rule(&queue)).await;
    assert_eq!(
        (status, &problem["errors"][0]["code"]),
        (422, &json!("secret-not-set")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_connection_says_who_asks_and_its_next_version_is_used_at_once() {
    let broker = Broker::amqp().await;
    let server = Server::start().await;
    let basic = |password: &str| json!({ "basic": { "username": "guest", "password": password } });
    server.put("/v1/connections/rabbit", &basic("wrong")).await;
    let mut queue = broker.queue("structured");
    let Broker::Amqp(node) = &broker else {
        unreachable!()
    };
    queue["amqp"]["url"] = json!(node.url());
    queue["amqp"]["connection"] = json!("rabbit");
    server.apply(&rule(&queue)).await;
    publish(&server, 0..1).await;
    eventually("it is refused", async || {
        let fate = server.get("/v1/buses/default/events/1/deliveries").await;
        (fate["routes"][0]["attempts"][0]["class"] == "auth_failed").then_some(())
    })
    .await;
    server.put("/v1/connections/rabbit", &basic("guest")).await;
    server.settled(1, "delivered").await;
    assert_eq!(broker.ids().await, ["o-0"]);
}

#[tokio::test]
async fn brokers_at_closed_addresses_are_refused_when_applied_and_never_called() {
    let server = Server::start().await;
    for (kind, scheme, more) in [
        ("amqp", "amqp", json!({})),
        ("nats", "nats", json!({ "subject": "a" })),
        ("redis", "redis", json!({ "stream": "a" })),
        ("mqtt", "mqtt", json!({ "topic": "a" })),
        ("postgres", "postgres", json!({ "table": "a" })),
    ] {
        for host in [
            "127.0.0.2",
            "2130706434",
            "169.254.169.254",
            "[::ffff:7f00:2]",
            "metadata.internal",
        ] {
            let mut fields = more.clone();
            fields["url"] = json!(format!("{scheme}://{host}:1"));
            let (status, problem) = apply(&server, rule(&json!({ kind: fields }))).await;
            let wanted = if host == "metadata.internal" {
                [200, 422]
            } else {
                [422, 422]
            };
            assert!(wanted.contains(&status), "{kind} {host}: {problem}");
        }
    }
}

#[tokio::test]
async fn a_url_from_the_environment_is_judged_when_a_message_is_sent() {
    let variable = ("TRAMLINE_SECRET_BROKER", "redis://u:s3cr3t@127.0.0.2:1");
    let server = Server::start_in_environment(variable, &[]).await;
    let queue = json!({ "redis": { "url": "${env:TRAMLINE_SECRET_BROKER}", "stream": "a" } });
    server.apply(&rule_with(&queue, json!({}))).await;
    publish(&server, 0..1).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    assert!(!letter.to_string().contains("s3cr3t"), "{letter}");
}
