//! F39 to F42 through the server: nothing is lost, whatever the broker does.

use serde_json::Value;
use serde_json::json;

use super::Broker;
use super::ids;
use super::publish;
use super::rule;
use super::rule_with;
use crate::brokers::free_port;
use crate::support::Server;
use crate::support::event;
use crate::support::eventually;

/// Events before, while and after the broker is dead: all of them arrive, and only those whose outcome was
/// unknown may arrive twice.
async fn survive(mut broker: Broker) {
    let server = Server::start().await;
    server.apply(&rule(&broker.queue("structured"))).await;
    publish(&server, 0..60).await;
    broker.kill().await;
    publish(&server, 60..120).await;
    broker.start_again().await;
    publish(&server, 120..160).await;
    let route = eventually("everything is delivered", async || {
        let route = server.route("q", "broker").await;
        (route["delivered"] == 160).then_some(route)
    })
    .await;
    assert_eq!(
        (&route["dead"], &route["broker"]["state"]),
        (&json!(0), &json!("connected")),
        "{route}"
    );
    let found = broker.ids().await;
    assert_eq!(
        found.iter().cloned().collect::<std::collections::BTreeSet<_>>(),
        ids(160)
    );
    // At most what was in flight when it died.
    assert!(found.len() <= 160 + 32, "{}", found.len());
}

#[tokio::test]
async fn f39_nothing_is_lost_when_rabbitmq_is_killed() {
    survive(Broker::amqp().await).await;
}

#[tokio::test]
async fn f40_nothing_is_lost_when_nats_is_killed() {
    survive(Broker::nats().await).await;
}

#[tokio::test]
async fn f41_nothing_is_lost_when_redis_is_killed() {
    survive(Broker::redis().await).await;
}

#[tokio::test]
async fn f42_nothing_is_lost_when_the_way_to_mosquitto_is_cut() {
    survive(Broker::mqtt().await).await;
}

#[tokio::test]
async fn nothing_is_lost_when_postgresql_is_killed() {
    survive(Broker::postgres().await).await;
}

/// The class and the reason of the first attempt of an event.
async fn first_attempt(server: &Server, sequence: u64) -> Value {
    eventually("an attempt", async || {
        let fate = server
            .get(&format!("/v1/buses/default/events/{sequence}/deliveries"))
            .await;
        let attempt = fate["routes"][0]["attempts"][0].clone();
        attempt.is_object().then_some(attempt)
    })
    .await
}

#[tokio::test]
async fn a_broker_that_is_absent_is_told_and_gets_its_events_when_it_comes() {
    let server = Server::start().await;
    let port = free_port();
    let queue = json!({ "redis": { "url": format!("redis://127.0.0.1:{port}"), "stream": "orders" } });
    server.apply(&rule(&queue)).await;
    assert_eq!(server.route("q", "broker").await["broker"]["state"], "idle");
    publish(&server, 0..3).await;
    let attempt = first_attempt(&server, 1).await;
    assert_eq!(attempt["class"], "connect_error", "{attempt}");
    let route = server.route("q", "broker").await;
    assert_eq!(route["broker"]["state"], "failed", "{route}");
    let ready = server.get("/readyz").await;
    let checks = ready["checks"].as_array().unwrap();
    let brokers = checks.iter().find(|check| check["name"] == "brokers").unwrap();
    assert_eq!(brokers["ok"], true, "events are taken all the same: {ready}");
    assert!(
        brokers["detail"].as_str().unwrap().contains(&port.to_string()),
        "{brokers}"
    );
    let broker = crate::brokers::RedisServer::start_at(port).await;
    eventually("everything is delivered", async || {
        (server.route("q", "broker").await["delivered"] == 3).then_some(())
    })
    .await;
    assert_eq!(Broker::Redis(broker).ids().await.len(), 3);
    let ready = server.get("/readyz").await;
    assert!(!ready.to_string().contains("degraded"), "{ready}");
}

#[tokio::test]
async fn what_is_missing_on_a_broker_is_named_in_the_timeline() {
    let (amqp, nats, postgres) = tokio::join!(Broker::amqp(), Broker::nats(), Broker::postgres());
    let with = |broker: &Broker, key: &str, value: &str| {
        let mut queue = broker.queue("structured");
        let fields = queue.as_object_mut().unwrap().values_mut().next().unwrap();
        fields[key] = json!(value);
        fields.as_object_mut().unwrap().remove("declare");
        queue
    };
    for (queue, class, name) in [
        (with(&amqp, "exchange", "nowhere"), "config_error", "nowhere"),
        (with(&amqp, "routing_key", "nobody"), "unroutable", "nobody"),
        (
            with(&nats, "subject", "elsewhere.eu"),
            "config_error",
            "elsewhere.eu",
        ),
        (with(&postgres, "table", "no_table"), "config_error", "no_table"),
    ] {
        let server = Server::start().await;
        server
            .apply(&rule_with(&queue, json!({ "retry": { "max_attempts": 1 } })))
            .await;
        publish(&server, 0..1).await;
        let letter = server.dead_letters(1).await.remove(0);
        assert_eq!(letter["attempts"][0]["class"], class, "{letter}");
        assert!(letter["reason"].as_str().unwrap().contains(name), "{letter}");
    }
}

#[tokio::test]
async fn an_event_that_does_not_say_where_it_goes_is_a_dead_letter() {
    let server = Server::start().await;
    let queue = json!({ "mqtt": { "url": "mqtt://127.0.0.1:1", "topic": "orders/${$.data.region}" } });
    server.apply(&rule(&queue)).await;
    server.publish(&event("1", "order", &json!({ "n": 1 }))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(
        (&letter["code"], &letter["attempts"]),
        (&json!("address-failed"), &json!([])),
        "{letter}"
    );
    assert!(letter["reason"].as_str().unwrap().contains("topic"), "{letter}");
}
