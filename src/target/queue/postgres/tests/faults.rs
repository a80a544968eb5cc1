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

const COUNT: &str = "SELECT count(*) FROM events";

async fn through(relay: &Relay) -> Link {
    // The first statement is prepared before anything is held.
    let link = link(relay.port()).await.unwrap();
    link.publish(&to("events"), &structured("msg_0")).await.unwrap();
    link
}

#[tokio::test]
async fn a_server_killed_after_the_commit_leaves_it_open_and_a_repetition_settles_it() {
    let mut server = fixture().await;
    let relay = Relay::to(server.port()).await;
    let link = through(&relay).await;
    relay.hold();
    let (address, message) = (to("events"), structured("msg_1"));
    let publishing = link.publish(&address, &message);
    let killing = async {
        eventually("it is stored", async || {
            (server.value(COUNT).await? == "2").then_some(())
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
    assert_eq!(server.value(COUNT).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_server_killed_before_the_commit_leaves_it_open_too() {
    let mut server = fixture().await;
    let link = link(server.port()).await.unwrap();
    let (address, message) = (to("events"), structured("msg_1"));
    link.publish(&address, &structured("msg_0")).await.unwrap();
    let locker = server.admin().await;
    locker.batch_execute("BEGIN; LOCK TABLE events").await.unwrap();
    let publishing = link.publish(&address, &message);
    let killing = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        eventually("it waits", async || {
            (server.value(waiting).await? == "1").then_some(())
        })
        .await;
        server.kill().await;
    };
    let (published, ()) = tokio::join!(publishing, killing);
    let trouble = published.unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "ambiguous", true),
        "{trouble:?}"
    );
    server.start_again().await;
    let link = super::link(server.port()).await.unwrap();
    link.publish(&address, &message).await.unwrap();
    assert_eq!(server.value(COUNT).await.as_deref(), Some("2"));
}

#[tokio::test]
async fn sessions_that_an_administrator_ends_leave_it_open() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    link.publish(&to("events"), &structured("msg_0")).await.unwrap();
    let locker = server.admin().await;
    locker.batch_execute("BEGIN; LOCK TABLE events").await.unwrap();
    let (address, message) = (to("events"), structured("msg_1"));
    let publishing = link.publish(&address, &message);
    let ending = async {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tramline' AND wait_event_type = 'Lock'";
        eventually("it waits", async || {
            (server.value(end).await? == "1").then_some(())
        })
        .await;
    };
    let (published, ()) = tokio::join!(publishing, ending);
    let trouble = published.unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "ambiguous", true),
        "{trouble:?}"
    );
    breaks(&link).await;
}

#[tokio::test]
async fn an_attempt_that_was_given_up_confuses_no_later_one() {
    let server = fixture().await;
    let relay = Relay::to(server.port()).await;
    let link = through(&relay).await;
    relay.hold();
    let (bad, good) = (to("nowhere"), to("events"));
    let message = structured("msg_1");
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(20), link.publish(&bad, &message));
        assert!(given_up.await.is_err());
    }
    assert!(!link.is_broken());
    let publishing = async { tokio::join!(link.publish(&good, &message), link.publish(&bad, &message)) };
    let releasing = async { relay.release() };
    let ((good, bad), ()) = tokio::join!(publishing, releasing);
    assert_eq!((good, bad.unwrap_err().class), (Ok(()), "config_error"));
}

#[tokio::test]
async fn an_idle_link_notices_the_end_of_its_server() {
    let mut server = fixture().await;
    let link = link(server.port()).await.unwrap();
    assert!(!link.is_broken());
    server.kill().await;
    breaks(&link).await;
    link.close().await;
}

#[tokio::test]
async fn an_absent_server_is_no_connection_and_a_forbidden_one_is_blocked() {
    unreachable_are_told_apart::<Link>("postgres://a:b@HOST/x").await;
}

#[tokio::test]
async fn something_else_than_postgres_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for (answer, class) in [
        (&b"HTTP/1.1 400"[..], "protocol_error"),
        (b"", "connect_error"),
        (b"N", "connect_error"),
        (b"N\xff\xff\xff\xff\xff", "connect_error"),
    ] {
        let answered = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 8];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let (linked, ()) = tokio::join!(link(port), answered);
        assert_eq!(
            linked.err().map(|trouble| trouble.class),
            Some(class),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_link_whose_server_has_gone_silent_is_given_up() {
    let server = fixture().await;
    let relay = Relay::to(server.port()).await;
    let link = through(&relay).await;
    relay.hold();
    silence_breaks(&link, &to("events")).await;
}

#[tokio::test]
async fn the_server_waits_for_a_lock_no_longer_than_anybody_waits_for_it() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    let locker = server.admin().await;
    locker.batch_execute("BEGIN; LOCK TABLE events").await.unwrap();
    let trouble = link
        .publish(&to("events"), &structured("msg_1"))
        .await
        .unwrap_err();
    assert_eq!(
        (trouble.outcome, trouble.class, trouble.is_fatal),
        (Outcome::RetryLater, "nacked", false)
    );
    locker.batch_execute("ROLLBACK").await.unwrap();
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
}
