//! Queue targets through the whole server, with brokers of the tests' own.

mod credentials;
mod demonstration;
mod faults;
mod readers;

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::brokers::Mosquitto;
use crate::brokers::NatsServer;
use crate::brokers::PostgresServer;
use crate::brokers::Rabbit;
use crate::brokers::RedisServer;
use crate::brokers::Relay;
use crate::support::Server;
use crate::support::event;

/// A file with one rule: events of the type `order` to the queue, tried again soon and often.
fn rule(queue: &Value) -> String {
    rule_with(queue, json!({}))
}

/// The same with more fields of the target.
fn rule_with(queue: &Value, more: Value) -> String {
    let mut target = json!({
        "name": "broker",
        "queue": queue,
        "retry": { "strategy": "fixed", "initial": "200ms" },
        "circuit": "off",
    });
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
    json!({ "rules": [{ "name": "q", "match": { "type": ["order"] }, "targets": [target] }] }).to_string()
}

/// Publishes events of the type `order` with these ids.
async fn publish(server: &Server, ids: std::ops::Range<u32>) {
    for id in ids {
        server
            .publish(&event(
                &format!("o-{id}"),
                "order",
                &json!({ "n": id, "region": "eu" }),
            ))
            .await;
    }
}

/// A broker of any kind, with a place where events go.
enum Broker {
    Amqp(Rabbit),
    Nats(NatsServer),
    Redis(RedisServer),
    /// The way to it can be cut: what a restarted broker still has of a session is its own affair.
    Mqtt(Mosquitto, Relay),
    Postgres(PostgresServer),
}

impl Broker {
    async fn amqp() -> Self {
        Self::Amqp(Rabbit::start().await)
    }

    async fn nats() -> Self {
        let server = NatsServer::start().await;
        let client = async_nats::connect(format!("127.0.0.1:{}", server.port()))
            .await
            .unwrap();
        let config = async_nats::jetstream::stream::Config {
            name: "ORDERS".to_owned(),
            subjects: vec!["orders.>".to_owned()],
            ..Default::default()
        };
        async_nats::jetstream::new(client)
            .get_or_create_stream(config)
            .await
            .unwrap();
        Self::Nats(server)
    }

    async fn redis() -> Self {
        Self::Redis(RedisServer::start().await)
    }

    async fn mqtt() -> Self {
        let broker = Mosquitto::start_with("allow_anonymous true\nmax_queued_messages 0\n", &[]).await;
        read("mqtt", broker.port(), "orders/#", &["subscribe"]).await;
        let way = Relay::to(broker.port()).await;
        Self::Mqtt(broker, way)
    }

    async fn postgres() -> Self {
        let server = PostgresServer::start().await;
        server.run(include_str!("../../../docs/queue-table.sql")).await;
        Self::Postgres(server)
    }

    /// The target that sends there.
    fn queue(&self, mode: &str) -> Value {
        match self {
            Self::Amqp(node) => json!({ "amqp": {
                "url": node.url().replace("://", "://guest:guest@"), "routing_key": "orders", "declare": "queue", "mode": mode,
            } }),
            Self::Nats(server) => json!({ "nats": {
                "url": format!("nats://127.0.0.1:{}", server.port()), "subject": "orders.${$.data.region}", "mode": mode,
            } }),
            Self::Redis(server) => json!({ "redis": {
                "url": format!("redis://127.0.0.1:{}", server.port()), "stream": "orders", "mode": mode,
            } }),
            Self::Mqtt(_, way) => json!({ "mqtt": {
                "url": format!("mqtt://127.0.0.1:{}", way.port()), "topic": "orders/${$.data.region}", "mode": mode,
            } }),
            Self::Postgres(server) => json!({ "postgres": {
                "url": format!(
                    "postgres://{}:{}@127.0.0.1:{}/postgres?sslmode=disable",
                    crate::brokers::ADMIN, crate::brokers::PASSWORD, server.port()
                ),
                "table": "events", "mode": mode,
            } }),
        }
    }

    async fn kill(&mut self) {
        match self {
            Self::Amqp(node) => node.kill().await,
            Self::Nats(server) => server.kill().await,
            Self::Redis(server) => server.kill().await,
            Self::Mqtt(_, way) => way.cut(),
            Self::Postgres(server) => server.kill().await,
        }
    }

    async fn start_again(&mut self) {
        match self {
            Self::Amqp(node) => node.start_again().await,
            Self::Nats(server) => server.start_again().await,
            Self::Redis(server) => server.start_again().await,
            Self::Mqtt(_, way) => way.release(),
            Self::Postgres(server) => server.start_again().await,
        }
    }

    /// The events that are there, read with the usual clients of others.
    async fn events(&self) -> Vec<Value> {
        match self {
            Self::Amqp(node) => read("amqp", node.port(), "orders", &[]).await,
            Self::Nats(server) => read("nats", server.port(), "ORDERS", &[]).await,
            Self::Redis(server) => read("redis", server.port(), "orders", &[]).await,
            Self::Mqtt(broker, _) => read("mqtt", broker.port(), "orders/#", &[]).await,
            Self::Postgres(server) => {
                let rows = server
                    .column("SELECT convert_from(event, 'UTF8') FROM events ORDER BY id")
                    .await;
                let events = rows.iter().map(|row| serde_json::from_str(row).unwrap());
                events
                    .map(|event: Value| json!({ "attributes": event }))
                    .collect()
            }
        }
    }

    async fn ids(&self) -> Vec<String> {
        let events = self.events().await;
        let ids = events
            .iter()
            .map(|event| event["attributes"]["id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

async fn read(kind: &str, port: u16, place: &str, more: &[&str]) -> Vec<Value> {
    let port = port.to_string();
    let args = [&[kind, &port, place], more].concat();
    let found = crate::peers::brokers().run(&args, &Value::Null).await;
    found.as_array().unwrap().clone()
}

/// The ids of events that were published as `o-0`, `o-1`, and so on.
fn ids(count: u32) -> BTreeSet<String> {
    (0..count).map(|n| format!("o-{n}")).collect()
}
