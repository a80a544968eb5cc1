//! What is in the stream, and how often.

use futures_util::future::join_all;

use super::*;
use crate::target::queue::test_support::EVENT;
use crate::target::queue::test_support::binary;
use crate::target::queue::test_support::dialer;
use crate::target::queue::test_support::structured;

type Entries = Vec<(String, Vec<(String, String)>)>;

async fn fields(server: &RedisServer, database: u8) -> Vec<String> {
    let entries: Entries = run_in(server, database, "XRANGE orders - +").await;
    assert_eq!(entries.len(), 1);
    entries[0]
        .1
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

#[tokio::test]
async fn a_structured_event_is_in_the_stream_when_publish_returns() {
    let server = RedisServer::start().await;
    let link = link(server.port()).await.unwrap();
    link.publish(&to("orders"), &structured("msg_1")).await.unwrap();
    let expected = [
        "id: msg_1",
        "tramline-hops: 2",
        "content-type: application/cloudevents+json; charset=utf-8",
        &format!("event: {EVENT}"),
    ];
    assert_eq!(fields(&server, 0).await, expected);
    link.close().await;
}

#[tokio::test]
async fn a_binary_event_is_fields_and_data_in_the_database_of_the_url() {
    let server = RedisServer::start().await;
    let url = format!("redis://127.0.0.1:{}/3", server.port());
    let link = link_of(&url, &dialer()).await.unwrap();
    link.publish(&to("orders"), &binary("msg_1")).await.unwrap();
    let expected = [
        "id: msg_1",
        "tramline-hops: 2",
        "ce-specversion: 1.0",
        "ce-id: 1",
        "ce-source: /s",
        "ce-type: order.placed",
        "ce-subject: größe 1",
        "content-type: text/plain; charset=utf-8",
        "data: a\0b",
    ];
    assert_eq!(fields(&server, 3).await, expected);
}

#[tokio::test]
async fn a_stream_is_trimmed_to_about_its_length() {
    let server = RedisServer::start().await;
    let link = link(server.port()).await.unwrap();
    let address = Address {
        max_len: Some(100),
        ..to("orders")
    };
    let message = structured("msg_1");
    let published = join_all((0..1000).map(|_| link.publish(&address, &message))).await;
    assert!(published.iter().all(Result::is_ok));
    let length: u64 = run(&server, "XLEN orders").await;
    assert!((100..300).contains(&length), "{length}");
}

#[tokio::test]
async fn many_publishes_in_flight_are_each_answered() {
    let server = RedisServer::start().await;
    let link = link(server.port()).await.unwrap();
    let ids: Vec<_> = (0..2000).map(|number| format!("msg_{number}")).collect();
    let mut large = structured("large");
    large.body = vec![b'x'; 5_000_000].into();
    let address = to("orders");
    let publishes = ids
        .iter()
        .map(async |id| link.publish(&address, &structured(id)).await);
    let (small, big) = tokio::join!(join_all(publishes), link.publish(&address, &large));
    assert!(small.into_iter().chain([big]).all(|published| published.is_ok()));
    assert_eq!(run::<u64>(&server, "XLEN orders").await, 2001);
}
