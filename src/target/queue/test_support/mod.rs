//! What the tests of all links share: messages, endpoints, deadlines.

mod ledger;
mod links;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::Endpoint;
use super::Message;
use super::link::BrokerLink as _;
use crate::authority::Authority;
use crate::egress::Dialer;
use crate::egress::Policy;
use crate::egress::Tls;

pub(crate) use ledger::Ledger;
pub(crate) use links::breaks;
pub(crate) use links::link_of;
pub(crate) use links::publish_refused;
pub(crate) use links::silence_breaks;
pub(crate) use links::unreachable_are_told_apart;

/// The event of most tests in JSON format; `\u0000` is what some stores cannot hold.
pub(crate) const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"order.placed","data":{"n":1e400,"text":"a\u0000b"}}"#;

/// A deadline as an attempt has it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// An event in structured mode.
pub(crate) fn structured(id: &str) -> Message<'_> {
    Message {
        id,
        kind: "order.placed",
        source: "/s",
        subject: Some("o-1"),
        time: Some(1_700_000_000),
        bus: "default",
        hops: 2,
        content_type: None,
        attributes: None,
        body: Bytes::from_static(EVENT.as_bytes()),
    }
}

/// An event in binary mode.
pub(crate) fn binary(id: &str) -> Message<'_> {
    let attributes = [
        ("specversion", "1.0"),
        ("id", "1"),
        ("source", "/s"),
        ("type", "order.placed"),
        ("subject", "größe 1"),
    ];
    Message {
        attributes: Some(
            attributes
                .map(|(name, value)| (name, Cow::Borrowed(value)))
                .to_vec(),
        ),
        content_type: Some("text/plain; charset=utf-8"),
        body: Bytes::from_static(b"a\0b"),
        ..structured(id)
    }
}

/// Where a broker is, with the user and password of the URL.
pub(crate) fn endpoint(url: &str) -> Endpoint {
    let mut url = url::Url::parse(url).unwrap();
    let username = Some(url.username().to_owned()).filter(|name| !name.is_empty());
    let password = url.password().map(|password| Zeroizing::new(password.to_owned()));
    url.set_username("").unwrap();
    url.set_password(None).unwrap();
    Endpoint {
        url,
        username,
        password,
    }
}

/// Opens what a server that is allowed to call 127.0.0.1 opens.
pub(crate) fn dialer() -> Dialer {
    dialer_with(None)
}

/// The same, trusting an authority.
pub(crate) fn trusting(authority: &Authority) -> Dialer {
    dialer_with(Some(&authority.pem()))
}

fn dialer_with(authority: Option<&str>) -> Dialer {
    let policy = Policy::new(vec!["127.0.0.1/32".parse().unwrap()]);
    Dialer::new(Arc::new(policy), Tls::new(authority).unwrap())
}

/// Anything that many tasks may use at once.
fn shared<T: Send + Sync>() {}

/// Anything that a task may do.
fn sendable<F: Future + Send>(_: &F) {}

#[test]
fn links_are_shared_by_tasks() {
    shared::<super::nats::Link>();
    shared::<super::redis::Link>();
    shared::<super::postgres::Link>();
    let (at, dialer) = (endpoint("redis://localhost"), dialer());
    sendable(&super::nats::Link::connect(&at, &dialer));
    sendable(&super::redis::Link::connect(&at, &dialer));
    sendable(&super::postgres::Link::connect(&at, &dialer));
    let message = structured("msg_1");
    let publish =
        async |nats: super::nats::Link, redis: super::redis::Link, postgres: super::postgres::Link| {
            let subject = "a".to_owned();
            sendable(&nats.publish(&super::nats::Address { subject }, &message));
            let (stream, max_len) = ("a".to_owned(), None);
            sendable(&redis.publish(&super::redis::Address { stream, max_len }, &message));
            let table = "a".to_owned();
            sendable(&postgres.publish(&super::postgres::Address { table }, &message));
        };
    let _ = publish;
}
