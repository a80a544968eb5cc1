//! What other people's clients and SDKs read of what we wrote.

use serde_json::json;

use super::Broker;
use super::rule;
use crate::support::Server;

async fn is_read(broker: Broker) {
    let server = Server::start().await;
    for (mode, id) in [("structured", "s"), ("binary", "b")] {
        server.apply(&rule(&broker.queue(mode))).await;
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/shop/zurich", "type": "order", "subject": "Grüße 100 %",
            "time": "2026-01-02T03:04:05.678Z", "partitionkey": "k-1", "flag": true, "count": 7,
            "datacontenttype": "application/json", "data": { "region": "eu", "text": "a\u{0}€" },
        });
        let answer = server.publish(&event).await;
        let sequence = answer["sequence"].as_u64().unwrap();
        server.settled(sequence, "delivered").await;
    }
    let found = broker.events().await;
    assert_eq!(found.len(), 2, "{found:?}");
    for (event, id) in found.iter().zip(["s", "b"]) {
        let attributes = &event["attributes"];
        let text = |name: &str| attributes[name].as_str().unwrap().to_owned();
        assert_eq!(text("id"), id, "{event}");
        assert_eq!(text("source"), "/shop/zurich", "{event}");
        assert_eq!(text("subject"), "Grüße 100 %", "{event}");
        assert_eq!(text("partitionkey"), "k-1", "{event}");
        assert_eq!(text("time"), "2026-01-02T03:04:05.678Z", "{event}");
        // Without types there are texts only.
        let texts = [attributes["flag"].to_string(), attributes["count"].to_string()];
        assert_eq!(
            texts.map(|text| text.trim_matches('"').to_owned()),
            ["true", "7"],
            "{event}"
        );
        assert_eq!(
            event["json"],
            json!({ "region": "eu", "text": "a\u{0}€" }),
            "{event}"
        );
        assert_eq!(event["hops"], "0", "{event}");
    }
}

#[tokio::test]
async fn pika_and_the_sdk_read_events_from_rabbitmq() {
    is_read(Broker::amqp().await).await;
}

#[tokio::test]
async fn nats_py_and_the_sdk_read_events_from_jetstream() {
    is_read(Broker::nats().await).await;
}

#[tokio::test]
async fn redis_py_and_the_sdk_read_events_from_a_stream() {
    is_read(Broker::redis().await).await;
}

#[tokio::test]
async fn paho_and_the_sdk_read_events_from_a_topic() {
    is_read(Broker::mqtt().await).await;
}
