//! The link against real Mosquitto brokers: what is said to be taken on is received.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use zeroize::Zeroizing;

use super::Address;
use super::Link;
use crate::brokers::Mosquitto;
use crate::brokers::PATIENCE;
use crate::brokers::Relay;
use crate::brokers::Subscriber;
use crate::brokers::eventually;
use crate::target::Outcome;
use crate::target::queue::Endpoint;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::link::BrokerLink as _;
use crate::target::queue::test_support::breaks;
use crate::target::queue::test_support::dialer;

fn endpoint(url: &str, credentials: Option<(&str, &str)>) -> Endpoint {
    Endpoint {
        url: url.parse().unwrap(),
        username: credentials.map(|(username, _)| username.to_owned()),
        password: credentials.map(|(_, password)| Zeroizing::new(password.to_owned())),
    }
}

async fn link(url: &str) -> Link {
    let connected = Link::connect(&endpoint(url, None), &dialer()).await;
    connected.unwrap_or_else(|trouble| panic!("{trouble:?}"))
}

fn message(id: &str) -> Message<'_> {
    Message {
        id,
        kind: "order.placed",
        source: "/s",
        subject: None,
        time: None,
        bus: "main",
        hops: 1,
        content_type: Some("application/cloudevents+json; charset=utf-8"),
        attributes: None,
        body: format!("\"{id}\"").into(),
    }
}

fn to(topic: &str) -> Address {
    let topic = topic.to_owned();
    Address { topic }
}

fn ids(messages: &[Value]) -> BTreeSet<String> {
    let id = |message: &Value| message["payload"].as_str().unwrap().to_owned();
    messages.iter().map(id).collect()
}

/// User properties as the subscriber shows them.
fn user_properties(message: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(message["properties"]["user-properties"].clone()).unwrap()
}

#[tokio::test]
async fn an_event_arrives_with_its_properties_and_body() {
    let broker = Mosquitto::start().await;
    let subscriber = Subscriber::to(&broker, "orders/#", &[]).await;
    let link = link(&broker.url()).await;
    let binary = Message {
        content_type: Some("application/json"),
        attributes: Some(vec![("specversion", "1.0".into()), ("id", "käse".into())]),
        body: "{\"a\":1}".into(),
        ..message("msg_1")
    };
    link.publish(&to("orders/eu"), &binary).await.unwrap();
    link.publish(&to("orders/us"), &message("msg_2")).await.unwrap();
    // Nobody has subscribed: the broker has done what a broker does.
    link.publish(&to("elsewhere"), &message("msg_3")).await.unwrap();
    let got = subscriber.gets("two messages", |got| got.len() == 2).await;
    assert_eq!(got[0]["topic"], "orders/eu");
    assert_eq!(got[0]["qos"], 1);
    assert_eq!(got[0]["payload"], json!({"a": 1}));
    assert_eq!(got[0]["properties"]["content-type"], "application/json");
    let expected = [
        ("specversion", "1.0"),
        ("id", "käse"),
        ("webhook-id", "msg_1"),
        ("tramline-hops", "1"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(user_properties(&got[0]), expected.into());
    let structured = "application/cloudevents+json; charset=utf-8";
    assert_eq!(got[1]["properties"]["content-type"], structured);
    assert_eq!(got[1]["payload"], "msg_2");
    link.close().await;
    broker.hears("Received DISCONNECT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_messages_in_flight_gets_its_own_answer() {
    let acl = "topic write open/#\ntopic read #\n";
    let settings = "allow_anonymous true\nacl_file DIR/acl\nmax_queued_messages 100000\n";
    let broker = Mosquitto::start_with(settings, &[("acl", acl)]).await;
    let subscriber = Subscriber::to(&broker, "#", &[]).await;
    let link = link(&broker.url()).await;
    let publish = async |number: usize| {
        let id = format!("msg_{number}");
        let (topic, class) = match number % 3 {
            0 => ("open/a", ""),
            1 => ("closed/a", "auth_failed"),
            _ => ("open/+", "format_error"),
        };
        let answer = link.publish(&to(topic), &message(&id)).await;
        let got = answer.as_ref().err().map_or("", |trouble| trouble.class);
        assert_eq!(got, class, "{id}: {answer:?}");
        id
    };
    let sent = join_all((0..900).map(publish)).await;
    let taken: BTreeSet<_> = sent.into_iter().step_by(3).collect();
    let got = subscriber
        .gets("all that was taken on", |got| got.len() >= taken.len())
        .await;
    assert_eq!(ids(&got), taken);
    assert!(!link.is_broken());
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_give_up_do_not_confuse_the_others() {
    let broker = Mosquitto::start_with("allow_anonymous true\nmax_queued_messages 100000\n", &[]).await;
    let subscriber = Subscriber::to(&broker, "orders", &[]).await;
    let link = link(&broker.url()).await;
    let address = to("orders");
    for number in 0..200 {
        let id = format!("dropped_{number}");
        let message = message(&id);
        let publish = link.publish(&address, &message);
        drop(tokio::time::timeout(Duration::from_micros(number * 3), publish).await);
    }
    let ids_sent: Vec<_> = (0..300).map(|number| format!("msg_{number}")).collect();
    let messages: Vec<_> = ids_sent.iter().map(|id| message(id)).collect();
    for answer in join_all(messages.iter().map(|message| link.publish(&address, message))).await {
        answer.unwrap();
    }
    let all: BTreeSet<_> = ids_sent.into_iter().collect();
    let got = subscriber
        .gets("all messages", |got| all.is_subset(&ids(got)))
        .await;
    assert_eq!(ids(&got).len(), got.len(), "none is received twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_taken_on_is_lost_when_the_connection_breaks() {
    let broker = Mosquitto::start_with("allow_anonymous true\nmax_queued_messages 100000\n", &[]).await;
    let subscriber = Subscriber::to(&broker, "orders", &[]).await;
    let way = Relay::to(broker.port()).await;
    let link = link(&format!("mqtt://127.0.0.1:{}", way.port())).await;
    let address = to("orders");
    let (taken, troubles) = (Mutex::new(BTreeSet::new()), Mutex::new(Vec::new()));
    let publisher = async |publisher: usize| {
        for number in 0.. {
            let id = format!("msg_{publisher}_{number}");
            match link.publish(&address, &message(&id)).await {
                Ok(()) => drop(taken.lock().insert(id)),
                Err(trouble) => return troubles.lock().push(trouble),
            }
        }
    };
    let cutter = async {
        let ask = async || (taken.lock().len() > 1_000).then_some(());
        eventually("many are taken on", ask).await;
        way.hold();
        let count = subscriber.gets("some", |got| !got.is_empty()).await.len();
        subscriber.gets("more", |got| got.len() > count).await;
        way.cut();
    };
    let publishing = join_all((0..40).map(publisher));
    let ended = tokio::time::timeout(PATIENCE, async { tokio::join!(publishing, cutter) });
    ended.await.expect("every publisher gets an answer");
    assert!(link.is_broken());
    let troubles = troubles.into_inner();
    let is = |trouble: &Trouble, class| trouble.class == class && trouble.is_fatal;
    assert!(
        troubles
            .iter()
            .all(|trouble| is(trouble, "ambiguous") || is(trouble, "connect_error"))
    );
    assert!(troubles.iter().any(|trouble| is(trouble, "ambiguous")));
    let taken = taken.into_inner();
    subscriber
        .gets("all that was taken on", |got| taken.is_subset(&ids(got)))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_ends_breaks_the_link_and_another_one_works_on() {
    let mut broker = Mosquitto::start().await;
    for is_gentle in [true, false] {
        let link = link(&broker.url()).await;
        link.publish(&to("orders"), &message("msg_1")).await.unwrap();
        if is_gentle {
            broker.stop().await;
        } else {
            broker.kill().await;
        }
        breaks(&link).await;
        let trouble = link.publish(&to("orders"), &message("msg_2")).await.unwrap_err();
        assert_eq!((trouble.outcome, trouble.is_fatal), (Outcome::Unsent, true));
        broker.start_again().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_the_same_id_breaks_the_link_and_the_next_link_has_another_one() {
    let broker = Mosquitto::start().await;
    let link = link(&broker.url()).await;
    link.publish(&to("orders"), &message("msg_1")).await.unwrap();
    let said = broker.hears("as tramline").await;
    let (_, rest) = said.split_once(" as ").unwrap();
    let id = rest.split(' ').next().unwrap();
    let mut thief = tokio::net::TcpStream::connect(("127.0.0.1", broker.port()))
        .await
        .unwrap();
    let id_len = u8::try_from(id.len()).unwrap();
    let hello = [
        b"\x10",
        &[13 + id_len][..],
        b"\0\x04MQTT\x05\x02\0\x1e\0\0",
        &[id_len],
        id.as_bytes(),
    ];
    thief.write_all(&hello.concat()).await.unwrap();
    assert_eq!(thief.read_u8().await.unwrap(), 0x20);
    // This broker hangs up without a word to the old one.
    breaks(&link).await;
    let trouble = link.publish(&to("orders"), &message("msg_2")).await.unwrap_err();
    assert_eq!((trouble.outcome, trouble.is_fatal), (Outcome::Unsent, true));
    // The next link has another id, and the thief stays.
    let next = self::link(&broker.url()).await;
    next.publish(&to("orders"), &message("msg_2")).await.unwrap();
    assert!(!next.is_broken());
}

#[tokio::test]
async fn credentials_are_told_apart_from_what_is_not_allowed() {
    let broker = Mosquitto::start_with("allow_anonymous false\n", &[]).await;
    for credentials in [None, Some(("shop", "s3cret"))] {
        let refused = Link::connect(&endpoint(&broker.url(), credentials), &dialer()).await;
        let trouble = refused.err().expect("no link");
        assert_eq!(
            (trouble.class, trouble.is_fatal),
            ("auth_failed", true),
            "{trouble:?}"
        );
        assert!(!trouble.reason.contains("s3cret"));
    }
}

#[tokio::test]
async fn what_the_broker_allows_is_kept_to() {
    let settings = "allow_anonymous true\nmax_packet_size 2000\nmax_inflight_messages 3\n";
    let broker = Mosquitto::start_with(settings, &[]).await;
    let link = link(&broker.url()).await;
    let large = Message {
        body: vec![b'x'; 3_000].into(),
        ..message("msg_1")
    };
    let trouble = link.publish(&to("orders"), &large).await.unwrap_err();
    assert_eq!(
        (trouble.class, trouble.outcome),
        ("too_large", Outcome::Permanent)
    );
    let (address, small) = (to("orders"), message("msg_2"));
    for answer in join_all((0..100).map(|_| link.publish(&address, &small))).await {
        answer.unwrap();
    }
    assert!(!link.is_broken());
}
