//! What queues may say, and what is told about what they may not.

use serde_json::json;

use super::*;
use url::Url;

fn read(queue: &Value) -> Result<Queue, Vec<Issue>> {
    let mut issues = Issues::default();
    let read = Queue::decode(queue, "/queue", &mut issues);
    issues.or(read)
}

#[test]
fn every_broker_is_read_with_its_defaults() {
    let queue = read(&json!({ "amqp": { "url": "amqp://h", "exchange": "orders" } })).unwrap();
    let Broker::Amqp(amqp) = &queue.broker else {
        panic!("{queue:?}");
    };
    assert_eq!(
        (amqp.exchange.source(), amqp.routing_key.source()),
        ("orders", "${$.type}")
    );
    assert!(amqp.mandatory && amqp.declare == Declare::Nothing);
    assert_eq!(queue.mode, QueueMode::Structured);
    for (queue, scheme) in [
        (
            json!({ "nats": { "url": "nats://h", "subject": "orders.${$.data.region}" } }),
            "nats",
        ),
        (
            json!({ "redis": { "url": "rediss://h/2", "stream": "orders", "max_len": 1000, "mode": "binary" } }),
            "rediss",
        ),
        (
            json!({ "mqtt": { "url": "mqtt://h:1884", "topic": "orders", "connection": "broker" } }),
            "mqtt",
        ),
        (
            json!({ "postgres": { "url": "postgres://h/app", "table": "shop.events" } }),
            "postgres",
        ),
    ] {
        let read = read(&queue).unwrap();
        assert_eq!(read.url.known().map(Url::scheme), Some(scheme), "{queue}");
    }
}

#[test]
fn what_a_queue_may_not_say_is_told_with_its_place() {
    let amqp = |more: Value| {
        let mut fields = json!({ "url": "amqp://h" });
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "amqp": fields })
    };
    for (queue, pointer, code) in [
        (json!({}), "/queue", "missing-field"),
        (json!({ "rabbit": {} }), "/queue/rabbit", "unknown-key"),
        (json!({ "kafka": {} }), "/queue/kafka", "unsupported"),
        (
            json!({ "amqp": { "url": "amqp://h" }, "nats": { "url": "nats://h", "subject": "a" } }),
            "/queue",
            "invalid-target",
        ),
        (json!({ "amqp": {} }), "/queue/amqp", "missing-field"),
        (
            json!({ "nats": { "url": "nats://h" } }),
            "/queue/nats",
            "missing-field",
        ),
        (
            amqp(json!({ "routing_key": "${type}" })),
            "/queue/amqp/routing_key",
            "unknown-name",
        ),
        (
            amqp(json!({ "routing_key": "${$.type" })),
            "/queue/amqp/routing_key",
            "unclosed-expression",
        ),
        (
            amqp(json!({ "mode": "data" })),
            "/queue/amqp/mode",
            "invalid-value",
        ),
        (
            amqp(json!({ "declare": "topic" })),
            "/queue/amqp/declare",
            "invalid-value",
        ),
        (
            amqp(json!({ "exchange": "e", "declare": "queue" })),
            "/queue/amqp/declare",
            "invalid-value",
        ),
        (
            amqp(json!({ "mandatory": "yes" })),
            "/queue/amqp/mandatory",
            "invalid-type",
        ),
        (
            amqp(json!({ "subject": "a" })),
            "/queue/amqp/subject",
            "unknown-key",
        ),
        (
            json!({ "postgres": { "url": "postgres://h", "table": "a; drop" } }),
            "/queue/postgres/table",
            "invalid-name",
        ),
    ] {
        let issues = read(&queue).unwrap_err();
        assert_eq!(
            (issues[0].pointer.as_str(), issues[0].code),
            (pointer, code),
            "{queue}"
        );
    }
}

#[test]
fn urls_that_mislead_are_refused_and_never_repeated() {
    for url in [
        "",
        "h",
        "http://h",
        "amqp:h",
        "amqp://",
        "amqp://h:0",
        "amqp://h#x",
        "amqp://h\\@evil",
        "amqp://s3cr3t x@h",
        "amqp://s3cr3t@h:99999",
    ] {
        let issues = read(&json!({ "amqp": { "url": url } })).unwrap_err();
        assert_eq!(issues[0].pointer, "/queue/amqp/url", "{url}");
        assert!(!issues[0].render().contains("s3cr3t"), "{url}");
    }
}

#[test]
fn hosts_are_kept_in_one_form() {
    for (url, host) in [
        ("amqp://RABBIT.example", "rabbit.example"),
        ("amqp://2130706433", "127.0.0.1"),
        ("amqp://0x7f.1:5672/v", "127.0.0.1"),
        ("amqp://[::FFFF:7f00:2]", "[::ffff:7f00:2]"),
    ] {
        let queue = read(&json!({ "amqp": { "url": url } })).unwrap();
        assert_eq!(queue.url.known().and_then(Url::host_str), Some(host), "{url}");
    }
}

#[test]
fn user_and_password_are_kept_apart_from_the_url() {
    let queue = read(&json!({ "amqp": { "url": "amqp://u:s3cr3t@h:5672/v" } })).unwrap();
    let BrokerUrl::Known { url, userinfo } = &queue.url else {
        panic!("{queue:?}");
    };
    assert_eq!(url.as_str(), "amqp://h:5672/v");
    assert!(userinfo.is_some());
    assert!(!format!("{queue:?}").contains("s3cr3t"));
    let named = read(&json!({ "amqp": { "url": "${env:TRAMLINE_SECRET_AMQP_URL}" } })).unwrap();
    assert!(matches!(named.url, BrokerUrl::Named(_)));
}
