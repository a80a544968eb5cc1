//! The link against real `RabbitMQ` nodes: what is said to be taken on is in the queue.

use crate::catalog::Declare;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicGetOptions;
use lapin::options::ExchangeDeclareOptions;
use lapin::options::QueueBindOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;
use lapin::types::FieldTable;
use zeroize::Zeroizing;

use super::Address;
use super::Link;
use crate::brokers::Mosquitto;
use crate::brokers::PATIENCE;
use crate::brokers::Rabbit;
use crate::brokers::Relay;
use crate::brokers::eventually;
use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::Endpoint;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::link::BrokerLink as _;
use crate::target::queue::test_support::breaks;
use crate::target::queue::test_support::dialer;

fn endpoint(url: &str, (username, password): (&str, &str)) -> Endpoint {
    Endpoint {
        url: url.parse().unwrap(),
        username: Some(username.to_owned()),
        password: Some(Zeroizing::new(password.to_owned())),
    }
}

async fn link(url: &str) -> Link {
    let connected = Link::connect(&endpoint(url, ("guest", "guest")), &dialer()).await;
    connected.unwrap_or_else(|trouble| panic!("{trouble:?}"))
}

async fn refused(url: &str, credentials: (&str, &str)) -> Trouble {
    let refused = Link::connect(&endpoint(url, credentials), &dialer()).await;
    refused.err().expect("no link")
}

fn message(id: &str) -> Message<'_> {
    Message {
        id,
        kind: "order.placed",
        source: "/s",
        subject: None,
        time: Some(1_700_000_000),
        bus: "main",
        hops: 1,
        content_type: Some("application/cloudevents+json; charset=utf-8"),
        attributes: None,
        body: id.as_bytes().to_vec().into(),
    }
}

fn to(exchange: &str, routing_key: &str) -> Address {
    Address {
        exchange: exchange.to_owned(),
        routing_key: routing_key.to_owned(),
        mandatory: true,
        declare: Declare::Nothing,
    }
}

/// The owner of the queues: another client of the same broker.
struct Owner {
    _connection: Connection,
    channel: lapin::Channel,
}

impl Owner {
    async fn at(url: &str) -> Self {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(url, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self {
            _connection: connection,
            channel,
        }
    }

    /// A durable queue of this name.
    async fn queue(&self, name: &str, arguments: FieldTable) {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = self.channel.queue_declare(name.into(), options, arguments);
        declared.await.unwrap();
    }

    /// A durable exchange that routes by key, and a queue for each key.
    async fn exchange(&self, name: &str, keys: &[&str]) {
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let kind = lapin::ExchangeKind::Topic;
        let declared = self
            .channel
            .exchange_declare(name.into(), kind, options, FieldTable::default());
        declared.await.unwrap();
        for key in keys {
            let queue = format!("{name}.{key}");
            self.queue(&queue, FieldTable::default()).await;
            let bound = self.channel.queue_bind(
                queue.into(),
                name.into(),
                (*key).into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            bound.await.unwrap();
        }
    }

    async fn next(&self, queue: &str) -> Option<lapin::message::Delivery> {
        let options = BasicGetOptions { no_ack: true };
        let got = self.channel.basic_get(queue.into(), options).await.unwrap();
        got.map(|message| message.delivery)
    }

    /// How often each message is in a queue, which is empty afterwards.
    async fn drain(&self, queue: &str) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        while let Some(message) = self.next(queue).await {
            let id = message
                .properties
                .message_id()
                .as_ref()
                .unwrap()
                .as_str()
                .to_owned();
            *ids.entry(id).or_default() += 1;
        }
        ids
    }
}

fn texts(table: &FieldTable) -> BTreeMap<String, String> {
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    };
    let fields = table.inner().iter();
    fields
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_with_its_properties_headers_and_body() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let link = link(&node.url()).await;
    let large: Vec<u8> = (0..400_000_u32).map(|number| number.to_be_bytes()[3]).collect();
    let binary = Message {
        content_type: Some("text/plain"),
        attributes: Some(vec![
            ("specversion", "1.0".into()),
            ("id", "käse".into()),
            ("partitionkey", "k".into()),
        ]),
        body: large.clone().into(),
        ..message("msg_1")
    };
    link.publish(&to("orders", "eu"), &binary).await.unwrap();
    let got = owner.next("orders.eu").await.unwrap();
    assert!(got.data == large, "the body is as it was sent");
    let properties = &got.properties;
    let text = |text: &Option<lapin::types::ShortString>| text.as_ref().map(|text| text.as_str().to_owned());
    assert_eq!(text(properties.content_type()).unwrap(), "text/plain");
    assert_eq!(text(properties.message_id()).unwrap(), "msg_1");
    assert_eq!(text(properties.kind()).unwrap(), "order.placed");
    assert_eq!(text(properties.app_id()).unwrap(), "main");
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(*properties.timestamp(), Some(1_700_000_000));
    let headers = texts(properties.headers().as_ref().unwrap());
    let expected = [
        ("ce-specversion", "1.0"),
        ("ce-id", "käse"),
        ("ce-partitionkey", "k"),
        ("tramline-hops", "1"),
    ];
    assert_eq!(
        headers,
        expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );

    let empty = Message {
        body: bytes::Bytes::new(),
        ..message("msg_2")
    };
    link.publish(&to("orders", "eu"), &empty).await.unwrap();
    let got = owner.next("orders.eu").await.unwrap();
    assert!(got.data.is_empty());
    let content_type = text(got.properties.content_type()).unwrap();
    assert_eq!(content_type, "application/cloudevents+json; charset=utf-8");

    link.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_messages_in_flight_gets_its_own_answer() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let full: [(&str, AMQPValue); 2] = [
        ("x-max-length", 1.into()),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ];
    let mut arguments = FieldTable::default();
    for (name, value) in full {
        arguments.insert(name.into(), value);
    }
    owner.queue("full", arguments).await;
    let link = link(&node.url()).await;
    link.publish(&to("", "full"), &message("first")).await.unwrap();
    let kinds = [
        (to("orders", "eu"), ""),
        (to("orders", "nowhere"), "unroutable"),
        (to("missing", "eu"), "config_error"),
        (to("", "full"), "nacked"),
        (
            Address {
                mandatory: false,
                declare: Declare::Nothing,
                ..to("orders", "nowhere")
            },
            "",
        ),
    ];
    let publish = async |number: usize| {
        let (address, class) = &kinds[number % kinds.len()];
        let id = format!("msg_{number}");
        let answer = link.publish(address, &message(&id)).await;
        let got = answer.as_ref().err().map_or("", |trouble| trouble.class);
        assert_eq!(got, *class, "{id}: {answer:?}");
        if let Err(trouble) = answer {
            assert_eq!((trouble.outcome, trouble.is_fatal), (Outcome::RetryLater, false));
            let name = if address.exchange.is_empty() {
                "default exchange"
            } else {
                &address.exchange
            };
            assert!(trouble.reason.contains(name), "{}", trouble.reason);
        }
        id
    };
    let ids = join_all((0..1_000).map(publish)).await;
    let taken: BTreeSet<_> = ids.into_iter().step_by(kinds.len()).collect();
    let queued = owner.drain("orders.eu").await;
    assert_eq!(queued.keys().cloned().collect::<BTreeSet<_>>(), taken);
    assert!(queued.values().all(|times| *times == 1));
    assert!(!link.is_broken(), "bad exchanges cost their channels only");
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_give_up_do_not_confuse_the_others() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let link = link(&node.url()).await;
    let (eu, nowhere) = (to("orders", "eu"), to("orders", "nowhere"));
    for number in 0..100 {
        let id = format!("dropped_{number}");
        // Polled until it is somewhere on its way, each a little further than the one before.
        let (address, message) = (if number % 2 == 0 { &nowhere } else { &eu }, message(&id));
        let publish = link.publish(address, &message);
        drop(tokio::time::timeout(Duration::from_micros(number * 20), publish).await);
    }
    let ids: Vec<_> = (0..200).map(|number| format!("msg_{number}")).collect();
    let messages: Vec<_> = ids.iter().map(|id| message(id)).collect();
    for answer in join_all(messages.iter().map(|message| link.publish(&eu, message))).await {
        answer.unwrap();
    }
    let queued = owner.drain("orders.eu").await;
    assert!(ids.iter().all(|id| queued.get(id) == Some(&1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_taken_on_is_lost_when_the_broker_is_killed() {
    let mut node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let link = link(&node.url()).await;
    let address = to("orders", "eu");
    let (taken, unknown) = (
        parking_lot::Mutex::new(BTreeSet::new()),
        parking_lot::Mutex::new(Vec::new()),
    );
    let publisher = async |publisher: usize| {
        for number in 0.. {
            let id = format!("msg_{publisher}_{number}");
            match link.publish(&address, &message(&id)).await {
                Ok(()) => drop(taken.lock().insert(id)),
                Err(trouble) => return unknown.lock().push(trouble),
            }
        }
    };
    let killer = async {
        eventually("many are taken on", async || {
            (taken.lock().len() > 2_000).then_some(())
        })
        .await;
        node.kill().await;
    };
    let publishing = join_all((0..64).map(publisher));
    let ended = tokio::time::timeout(PATIENCE, async { tokio::join!(publishing, killer) });
    ended.await.expect("every publisher gets an answer");
    assert!(link.is_broken());
    for trouble in unknown.into_inner() {
        let is_known = matches!(
            (trouble.class, trouble.outcome),
            ("ambiguous", Outcome::RetryLater) | ("connect_error", Outcome::Unsent)
        );
        assert!(is_known && trouble.is_fatal, "{trouble:?}");
    }
    node.start_again().await;
    let queued = Owner::at(&node.url()).await.drain("orders.eu").await;
    let lost: Vec<_> = taken
        .lock()
        .iter()
        .filter(|id| !queued.contains_key(*id))
        .cloned()
        .collect();
    assert_eq!(lost, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_acknowledgement_is_lost_is_ambiguous() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let way = Relay::to(node.port()).await;
    let link = link(&format!("amqp://127.0.0.1:{}", way.port())).await;
    let address = to("orders", "eu");
    link.publish(&address, &message("msg_1")).await.unwrap();
    way.hold();
    let second = message("msg_2");
    let cut = async {
        let arrived = async || {
            let got = owner.drain("orders.eu").await;
            got.contains_key("msg_2").then_some(())
        };
        eventually("the message is in the queue", arrived).await;
        way.cut();
    };
    let (answer, ()) = tokio::join!(link.publish(&address, &second), cut);
    let trouble = answer.unwrap_err();
    assert_eq!(
        (trouble.class, trouble.outcome),
        ("ambiguous", Outcome::RetryLater)
    );
    assert!(trouble.is_fatal && link.is_broken());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_broker_is_out_of_memory() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let link = link(&node.url()).await;
    let address = to("orders", "eu");
    link.publish(&address, &message("msg_1")).await.unwrap();
    node.control(&["set_vm_memory_high_watermark", "0.000001"]).await;
    // The broker says that it is blocked when it gets a message; that one waits.
    let (first, second) = (message("waits"), message("blocked"));
    let waiting = link.publish(&address, &first);
    let blocked = async {
        let ask = async || {
            let asked =
                tokio::time::timeout(Duration::from_millis(500), link.publish(&address, &second)).await;
            asked.ok()?.err()
        };
        let trouble = eventually("the broker is blocked", ask).await;
        assert_eq!(trouble.class, "blocked");
        let pause = Until::After(Duration::from_secs(5));
        assert_eq!(trouble.outcome, Outcome::PauseRoute(pause));
        assert!(!trouble.is_fatal && !link.is_broken());
        node.control(&["set_vm_memory_high_watermark", "0.8"]).await;
    };
    let (answer, ()) = tokio::join!(waiting, blocked);
    answer.unwrap();
    eventually("the broker takes messages again", async || {
        link.publish(&address, &message("msg_2")).await.ok()
    })
    .await;
    let queued = owner.drain("orders.eu").await;
    assert!(
        ["msg_1", "waits", "msg_2"]
            .iter()
            .all(|id| queued.contains_key(*id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_permissions_are_told_apart_from_settings() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let trouble = refused(&node.url(), ("guest", "wr0ng")).await;
    assert_eq!(
        (trouble.class, trouble.is_fatal),
        ("auth_failed", true),
        "{trouble:?}"
    );
    assert!(!trouble.reason.contains("wr0ng"));
    let trouble = refused(&format!("{}/nowhere", node.url()), ("guest", "guest")).await;
    assert_eq!(trouble.class, "config_error", "{trouble:?}");

    node.control(&["add_user", "shop", "s3cret"]).await;
    let trouble = refused(&node.url(), ("shop", "s3cret")).await;
    assert_eq!(trouble.class, "auth_failed", "{trouble:?}");
    node.control(&["set_permissions", "shop", "", ".*", ""]).await;
    let link = Link::connect(&endpoint(&node.url(), ("shop", "s3cret")), &dialer()).await;
    let link = link.unwrap_or_else(|trouble| panic!("{trouble:?}"));
    let address = to("orders", "eu");
    link.publish(&address, &message("msg_1")).await.unwrap();
    node.control(&["set_permissions", "shop", "", "", ""]).await;
    // A channel remembers what it was permitted; several at once need channels that are new.
    let message_2 = message("msg_2");
    let trouble = eventually("the permission is revoked", async || {
        let publishing = (0..8).map(|_| link.publish(&address, &message_2));
        join_all(publishing).await.into_iter().find_map(Result::err)
    })
    .await;
    assert_eq!(
        (trouble.class, trouble.outcome),
        ("auth_failed", Outcome::RetryLater)
    );
    assert!(!trouble.is_fatal && !link.is_broken());
    node.control(&["set_permissions", "shop", "", ".*", ""]).await;
    eventually("the permission is back", async || {
        link.publish(&address, &message("msg_3")).await.ok()
    })
    .await;
    // What the owner may do to the whole connection.
    node.control(&["close_all_connections", "maintenance"]).await;
    breaks(&link).await;
}

#[tokio::test]
async fn a_broker_that_cannot_be_reached_is_named_by_what_is_wrong() {
    let other = Mosquitto::start().await;
    let foreign = other.url().replace("mqtt", "amqps");
    for (url, class, outcome) in [
        ("amqp://127.0.0.2", "egress_blocked", Outcome::Permanent),
        ("amqp://unknown.test", "dns_error", Outcome::RetryLater),
        ("amqp://127.0.0.1:1", "connect_error", Outcome::RetryLater),
        (&*foreign, "tls_error", Outcome::RetryLater),
        ("http://127.0.0.1", "format_error", Outcome::Permanent),
    ] {
        let trouble = refused(url, ("guest", "guest")).await;
        assert_eq!((trouble.class, trouble.outcome), (class, outcome), "{url}");
        assert!(trouble.is_fatal);
    }
}

/// Messages of many publishers at once.
async fn publish_many(link: &Link, address: &Address, count: usize, at_once: usize) {
    let ids: Vec<_> = (0..count).map(|number| format!("msg_{number}")).collect();
    let publishing = ids.iter().map(|id| async move {
        let message = Message {
            body: vec![b'x'; 512].into(),
            ..message(id)
        };
        link.publish(address, &message).await.unwrap();
    });
    let mut publishing = futures_util::stream::iter(publishing).buffer_unordered(at_once);
    while publishing.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn many_publishers_share_one_link() {
    let node = Rabbit::start().await;
    let owner = Owner::at(&node.url()).await;
    owner.exchange("orders", &["eu"]).await;
    let (link, address) = (link(&node.url()).await, to("orders", "eu"));
    // More at once than there are channels.
    publish_many(&link, &address, 2_000, 600).await;
    assert_eq!(owner.drain("orders.eu").await.len(), 2_000);
}
