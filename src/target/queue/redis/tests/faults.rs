//! Servers that stop, hang, are absent or are something else.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::brokers::Relay;
use crate::brokers::eventually;
use crate::target::Outcome;
use crate::target::queue::test_support::breaks;
use crate::target::queue::test_support::silence_breaks;
use crate::target::queue::test_support::structured;
use crate::target::queue::test_support::unreachable_are_told_apart;

async fn length(server: &RedisServer) -> u64 {
    run(server, "XLEN orders").await
}

#[tokio::test]
async fn a_server_killed_before_the_answer_leaves_it_open() {
    let mut server = RedisServer::start().await;
    let relay = Relay::to(server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    let (address, message) = (to("orders"), structured("msg_1"));
    let publishing = link.publish(&address, &message);
    let killing = async {
        eventually("it is stored", async || {
            (length(&server).await == 1).then_some(())
        })
        .await;
        server.kill().await;
        relay.cut();
    };
    let (published, ()) = tokio::join!(publishing, killing);
    let trouble = published.unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "ambiguous", true)
    );
    breaks(&link).await;
    assert!(link.publish(&address, &message).await.unwrap_err().is_fatal);

    server.start_again().await;
    let link = super::link(server.port()).await.unwrap();
    link.publish(&address, &message).await.unwrap();
    // Redis knows no repetitions; the field `id` does.
    assert_eq!(length(&server).await, 2);
}

#[tokio::test]
async fn an_attempt_that_was_given_up_confuses_no_later_one() {
    let server = RedisServer::start().await;
    run::<()>(&server, "SET text x").await;
    let relay = Relay::to(server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    let (wrong, right, message) = (to("text"), to("orders"), structured("msg_1"));
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(20), link.publish(&wrong, &message));
        assert!(given_up.await.is_err());
    }
    assert!(!link.is_broken());
    let publishing = async { tokio::join!(link.publish(&right, &message), link.publish(&wrong, &message)) };
    let releasing = async { relay.release() };
    let ((right, wrong), ()) = tokio::join!(publishing, releasing);
    assert_eq!((right, wrong.unwrap_err().class), (Ok(()), "wrong_type"));
}

#[tokio::test]
async fn an_idle_link_notices_the_end_of_its_server() {
    let mut server = RedisServer::start().await;
    let link = link(server.port()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
    assert!(!link.is_broken());
    server.kill().await;
    breaks(&link).await;
    link.close().await;
}

#[tokio::test]
async fn an_absent_server_is_no_connection_and_a_forbidden_one_is_blocked() {
    unreachable_are_told_apart::<Link>("redis://HOST").await;
}

#[tokio::test]
async fn something_else_than_redis_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\0\xff\r\n",
        b"$99999999999999999999\r\n",
    ] {
        let answered = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 16];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(answer).await.unwrap();
            stream
        };
        let publishing = async {
            let link = link(port).await.unwrap();
            link.publish(&to("orders"), &structured("msg_1"))
                .await
                .unwrap_err()
        };
        let (trouble, stream) = tokio::join!(publishing, answered);
        assert_eq!(
            (trouble.class, trouble.is_fatal),
            ("protocol_error", true),
            "{answer:?}: {trouble:?}"
        );
        drop(stream);
    }
}

#[tokio::test]
async fn a_link_whose_server_has_gone_silent_is_given_up() {
    let server = RedisServer::start().await;
    let relay = Relay::to(server.port()).await;
    let link = link(relay.port()).await.unwrap();
    relay.hold();
    silence_breaks(&link, &to("orders")).await;
}
