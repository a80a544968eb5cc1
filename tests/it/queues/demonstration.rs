//! The demonstration of `rules/orders.yaml`: one event to `RabbitMQ`, a webhook and an MQTT topic.

use serde_json::Value;
use serde_json::json;

use super::read;
use crate::brokers::Mosquitto;
use crate::brokers::Rabbit;
use crate::support::Server;
use crate::support::Sink;

#[tokio::test]
async fn one_order_goes_to_a_queue_a_webhook_and_a_topic_each_with_its_own_transform() {
    let (rabbit, broker) = tokio::join!(Rabbit::start(), Mosquitto::start());
    let (server, desk) = (Server::start().await, Sink::start().await);
    read("mqtt", broker.port(), "shop/#", &["subscribe"]).await;
    let rules = std::fs::read_to_string("rules/orders.yaml").unwrap();
    let rules = rules
        .replace("127.0.0.1:5672", &format!("127.0.0.1:{}", rabbit.port()))
        .replace("http://127.0.0.1:8081/orders", &desk.url("/orders"))
        .replace("127.0.0.1:1883", &format!("127.0.0.1:{}", broker.port()));
    server.apply(&rules).await;
    let order = json!({
        "id": "o-1", "shop": "zurich", "total": 12.5, "items": [{ "sku": "a" }],
        "customer": { "email": "ada@example.com" },
    });
    let event =
        json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created", "data": order });
    server.publish(&event).await;
    server.settled(1, "delivered").await;

    let queued = read("amqp", rabbit.port(), "warehouse", &[]).await;
    assert_eq!(
        queued[0]["json"],
        json!({ "id": "o-1", "items": [{ "sku": "a" }] })
    );
    let called: Value = desk.wait_for(1).await.remove(0).json();
    assert_eq!(called["data"]["customer"]["email"], "***");
    let shown = read("mqtt", broker.port(), "shop/#", &[]).await;
    assert_eq!(shown[0]["json"], json!({ "text": "Order o-1 over 12.5" }));
    assert_eq!(shown[0]["attributes"]["type"], "order.created");
}
