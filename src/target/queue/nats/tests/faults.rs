//! Servers that stop, hang, are absent or are something else.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::brokers::Relay;
use crate::brokers::eventually;
use crate::target::Outcome;
use crate::target::queue::test_support::breaks;
use crate::target::queue::test_support::silence_breaks;
use crate::target::queue::test_support::structured;
use crate::target::queue::test_support::unreachable_are_told_apart;

#[tokio::test]
async fn a_server_killed_before_the_acknowledgement_leaves_it_open_and_a_repetition_settles_it() {
    let mut fixture = Fixture::new().await;
    let relay = Relay::to(fixture.server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    let (address, message) = (to("orders.placed"), structured("msg_1"));
    let publishing = link.publish(&address, &message);
    let killing = async {
        eventually("it is stored", async || {
            (fixture.count().await == 1).then_some(())
        })
        .await;
        fixture.server.kill().await;
        relay.cut();
    };
    let (published, ()) = tokio::join!(publishing, killing);
    let trouble = published.unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "ambiguous", true)
    );
    assert!(link.is_broken());
    let late = link.publish(&address, &message).await.unwrap_err();
    assert_eq!((late.class, late.is_fatal), ("connect_error", true));

    fixture.server.start_again().await;
    let link = super::link(fixture.server.port()).await.unwrap();
    link.publish(&address, &message).await.unwrap();
    let stream = made(fixture.server.port(), jetstream::stream::Config::default()).await;
    assert_eq!(stream.get_info().await.unwrap().state.messages, 1);
}

#[tokio::test]
async fn a_slow_acknowledgement_confuses_no_later_one_and_nothing_is_left_behind() {
    let fixture = Fixture::new().await;
    let relay = Relay::to(fixture.server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    let (address, message) = (to("orders.placed"), structured("msg_1"));
    let nowhere = to("invoices.sent");
    let given_up = tokio::time::timeout(Duration::from_millis(300), async {
        tokio::join!(link.publish(&address, &message), link.publish(&nowhere, &message))
    });
    assert!(given_up.await.is_err());
    assert!(!link.is_broken());
    let second = structured("msg_2");
    let publishing = link.publish(&address, &second);
    let releasing = async { relay.release() };
    let (published, ()) = tokio::join!(publishing, releasing);
    assert_eq!(published, Ok(()));
    assert_eq!(link.shared.waiting(), 0);
}

#[tokio::test]
async fn a_server_that_asks_its_clients_to_leave_is_left() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    link.publish(&to("orders.placed"), &structured("msg_1"))
        .await
        .unwrap();
    fixture.server.retire().await;
    breaks(&link).await;
}

#[tokio::test]
async fn an_idle_link_notices_the_end_of_its_server() {
    let mut fixture = Fixture::new().await;
    let link = fixture.link().await;
    assert!(!link.is_broken());
    fixture.server.kill().await;
    breaks(&link).await;
    link.close().await;
}

#[tokio::test]
async fn an_absent_server_is_no_connection_and_a_forbidden_one_is_blocked() {
    unreachable_are_told_apart::<Link>("nats://HOST").await;
}

#[tokio::test]
async fn something_else_than_nats_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let greetings: [(&[u8], &str); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "protocol_error"),
        (b"\0\xff\n", "protocol_error"),
        (b"PING\r\n", "protocol_error"),
        (b"INFO {\"max_payload\":1,\"headers\":false}\r\n", "config_error"),
        (b"", "connect_error"),
    ];
    for (greeting, class) in greetings {
        let greeted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting).await.unwrap();
        };
        let (linked, ()) = tokio::join!(link(port), greeted);
        assert_eq!(
            linked.err().map(|trouble| trouble.class),
            Some(class),
            "{greeting:?}"
        );
    }
}

#[tokio::test]
async fn a_link_whose_server_has_gone_silent_is_given_up() {
    let fixture = Fixture::new().await;
    let relay = Relay::to(fixture.server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    silence_breaks(&link, &to("orders.placed")).await;
}
