//! The link against what is no broker, or a bad one.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Address;
use super::Link;
use crate::target::Outcome;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::link::BrokerLink as _;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::endpoint;

/// Something that takes the login with the first of these, answers the next bytes with the second,
/// and then waits for the other side to hang up.
async fn peer(first: &'static [u8], second: &'static [u8]) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = [0; 4_096];
        for says in [first, second] {
            let len = stream.read(&mut heard).await.unwrap_or(0);
            if len == 0 || stream.write_all(says).await.is_err() {
                return;
            }
        }
        while stream.read(&mut heard).await.is_ok_and(|len| len > 0) {}
    });
    (port, serving)
}

async fn connect(port: u16) -> Result<Link, Trouble> {
    let endpoint = endpoint(&format!("mqtt://127.0.0.1:{port}"));
    let dialer = dialer();
    let connecting = tokio::time::timeout(Duration::from_secs(10), Link::connect(&endpoint, &dialer));
    connecting.await.expect("an answer is enough")
}

async fn publish(link: &Link, topic: &str) -> Result<(), Trouble> {
    let message = Message {
        id: "msg_1",
        kind: "t",
        source: "/s",
        subject: None,
        time: None,
        bus: "main",
        hops: 0,
        content_type: None,
        attributes: None,
        body: "body".into(),
    };
    let topic = topic.to_owned();
    link.publish(&Address { topic }, &message).await
}

const WELCOME: &[u8] = b"\x20\x03\0\0\0";

#[tokio::test]
async fn what_does_not_speak_mqtt_5_is_refused() {
    for (says, class) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), "protocol_error"),
        (b"\xd0\0", "protocol_error"),
        (b"\x20\xff\xff\xff\x7f", "protocol_error"),
        (b"\x20\x06\0\0\x03\x21\0\0", "protocol_error"),
        (b"\x20\x05\0\0\x02\x24\0", "config_error"),
        (b"\x20\x03\0\x86\0", "auth_failed"),
        (b"\x20\x03\0\x9d\0", "config_error"),
    ] {
        let (port, _serving) = peer(says, b"").await;
        let trouble = connect(port).await.err().expect("no link");
        assert_eq!((trouble.class, trouble.is_fatal), (class, true), "{says:?}");
    }
}

#[tokio::test]
async fn an_answer_that_fits_no_message_ends_the_session() {
    for says in [
        b"\x40\x02\0\x09".as_slice(),
        b"\x40\x03\0\x01\x42",
        b"\x30\x04\0\x01ab",
        b"\x20\x03\0\0\0",
        b"\x40\xff\xff\xff\x7f",
        b"\xf0\x02\0\0",
    ] {
        let (port, mut serving) = peer(WELCOME, says).await;
        let link = connect(port)
            .await
            .unwrap_or_else(|trouble| panic!("{trouble:?}"));
        let trouble = publish(&link, "a").await.unwrap_err();
        assert_eq!(
            (trouble.class, trouble.outcome),
            ("ambiguous", Outcome::RetryLater)
        );
        assert!(trouble.is_fatal && link.is_broken(), "{says:?}");
        let late = publish(&link, "a").await.unwrap_err();
        assert_eq!((late.class, late.outcome), ("connect_error", Outcome::Unsent));
        let ended = tokio::time::timeout(Duration::from_secs(10), serving.join_next()).await;
        ended.expect("the connection is ended").unwrap().unwrap();
    }
}

#[tokio::test]
async fn reasons_of_acknowledgements_reach_their_publishers() {
    for (says, class) in [
        (b"\x40\x02\0\x01".as_slice(), ""),
        (b"\x40\x03\0\x01\x10", ""),
        (b"\x40\x03\0\x01\x87", "auth_failed"),
        (b"\x40\x04\0\x01\x97\0", "throttled"),
        (b"\x40\x0a\0\x01\x90\x06\x1f\0\x03bad", "config_error"),
        (b"\x40\x03\0\x01\x83", "nacked"),
    ] {
        let (port, _serving) = peer(WELCOME, says).await;
        let link = connect(port)
            .await
            .unwrap_or_else(|trouble| panic!("{trouble:?}"));
        let answer = publish(&link, "a").await;
        assert_eq!(answer.as_ref().err().map_or("", |trouble| trouble.class), class);
        assert!(!link.is_broken());
    }
}

#[tokio::test]
async fn a_broker_that_never_answers_is_given_up_at_last() {
    // Two messages may be without an answer.
    let (port, _serving) = peer(b"\x20\x06\0\0\x03\x21\0\x02", b"").await;
    let link = connect(port)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble:?}"));
    for _ in 0..2 {
        let given_up = tokio::time::timeout(Duration::from_millis(50), publish(&link, "a")).await;
        assert!(given_up.is_err(), "it does not answer");
    }
    assert!(!link.is_broken());
    let trouble = publish(&link, "a").await.unwrap_err();
    assert_eq!((trouble.outcome, trouble.is_fatal), (Outcome::Unsent, true));
    assert!(link.is_broken());
}

#[tokio::test]
async fn the_goodbye_of_a_broker_is_told_to_those_who_wait() {
    let (port, _serving) = peer(WELCOME, b"\xe0\x02\x8e\0").await;
    let link = connect(port)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble:?}"));
    let trouble = publish(&link, "a").await.unwrap_err();
    assert_eq!(trouble.class, "ambiguous");
    assert!(
        trouble.reason.contains("session taken over"),
        "{}",
        trouble.reason
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_found_dead() {
    let (port, _serving) = peer(WELCOME, b"").await;
    let link = connect(port)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble:?}"));
    let trouble = publish(&link, "a").await.unwrap_err();
    assert!(
        trouble.reason.contains("said nothing for 30 s"),
        "{}",
        trouble.reason
    );
}

#[tokio::test]
async fn a_message_larger_than_the_broker_takes_is_never_sent() {
    // Packets of 100 bytes at most.
    let (port, _serving) = peer(b"\x20\x08\0\0\x05\x27\0\0\0\x64", b"\x40\x02\0\x01").await;
    let link = connect(port)
        .await
        .unwrap_or_else(|trouble| panic!("{trouble:?}"));
    let trouble = publish(&link, &"a".repeat(80)).await.unwrap_err();
    assert_eq!(
        (trouble.class, trouble.outcome),
        ("too_large", Outcome::Permanent)
    );
    publish(&link, "a").await.unwrap();
}
