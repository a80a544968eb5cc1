//! What the server refuses, and that the link can be used afterwards.

use super::*;
use crate::target::Outcome;
use crate::target::Until;
use crate::target::queue::test_support::publish_refused;
use crate::target::queue::test_support::structured;

async fn refused(link: &Link, subject: &str, message: &crate::target::queue::Message<'_>) -> Trouble {
    let trouble = publish_refused(link, &to(subject), message).await;
    assert!(!trouble.is_fatal && !link.is_broken(), "{trouble:?}");
    trouble
}

#[tokio::test]
async fn a_subject_of_no_stream_is_a_fault_of_the_configuration() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    let trouble = refused(&link, "invoices.sent", &structured("msg_1")).await;
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::RetryLater, "config_error")
    );
    assert!(trouble.reason.contains("`invoices.sent`"), "{trouble:?}");
    link.publish(&to("orders.placed"), &structured("msg_1"))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_no_subject_is_never_sent() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    for subject in [
        "orders.*",
        "orders.a b",
        "orders..a",
        "$JS.API.STREAM.DELETE.ORDERS",
        "orders.a\r\nPUB orders.x 0",
    ] {
        let trouble = refused(&link, subject, &structured("msg_1")).await;
        assert_eq!(
            (trouble.outcome, trouble.class),
            (Outcome::Permanent, "unroutable")
        );
    }
    assert_eq!(fixture.count().await, 0);
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_server_says_and_no_larger() {
    let fixture = Fixture::with("max_payload: 2000", jetstream::stream::Config::default()).await;
    let link = fixture.link().await;
    let mut message = structured("msg_1");
    message.body = vec![b'x'; 2001].into();
    let trouble = refused(&link, "orders.placed", &message).await;
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::Permanent, "too_large")
    );
    let headers = "NATS/1.0\r\nNats-Msg-Id: msg_1\r\ntramline-hops: 2\r\n\
        Content-Type: application/cloudevents+json; charset=utf-8\r\n\r\n";
    message.body = vec![b'x'; 2001 - headers.len()].into();
    assert_eq!(refused(&link, "orders.placed", &message).await.class, "too_large");
    message.body = vec![b'x'; 2000 - headers.len()].into();
    link.publish(&to("orders.placed"), &message).await.unwrap();
}

#[tokio::test]
async fn a_stream_may_have_a_smaller_limit() {
    let config = jetstream::stream::Config {
        max_message_size: 100,
        ..Default::default()
    };
    let fixture = Fixture::with("", config).await;
    let link = fixture.link().await;
    let trouble = refused(&link, "orders.placed", &structured("msg_1")).await;
    assert_eq!(
        (trouble.outcome, trouble.class),
        (Outcome::Permanent, "too_large")
    );
}

#[tokio::test]
async fn a_full_stream_pauses_the_route() {
    let config = jetstream::stream::Config {
        max_messages: 1,
        discard: jetstream::stream::DiscardPolicy::New,
        ..Default::default()
    };
    let fixture = Fixture::with("", config).await;
    let link = fixture.link().await;
    link.publish(&to("orders.placed"), &structured("msg_1"))
        .await
        .unwrap();
    let trouble = refused(&link, "orders.placed", &structured("msg_2")).await;
    assert!(
        matches!(trouble.outcome, Outcome::PauseRoute(Until::After(_))),
        "{trouble:?}"
    );
    assert_eq!(trouble.class, "throttled");
    fixture.stream.purge().await.unwrap();
    link.publish(&to("orders.placed"), &structured("msg_2"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_stream_that_was_deleted_is_missed_at_once() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    link.publish(&to("orders.placed"), &structured("msg_1"))
        .await
        .unwrap();
    let client = async_nats::connect(format!("127.0.0.1:{}", fixture.server.port()))
        .await
        .unwrap();
    jetstream::new(client).delete_stream("ORDERS").await.unwrap();
    assert_eq!(
        refused(&link, "orders.placed", &structured("msg_2")).await.class,
        "config_error"
    );
}
