//! What is in the stream, and how often.

use futures_util::future::join_all;

use super::*;
use crate::target::queue::test_support::EVENT;
use crate::target::queue::test_support::binary;
use crate::target::queue::test_support::structured;

fn headers(message: &async_nats::jetstream::message::StreamMessage) -> Vec<String> {
    let pairs = message
        .headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}: {value}")));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    pairs
}

#[tokio::test]
async fn a_structured_event_is_in_the_stream_when_publish_returns() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    link.publish(&to("orders.placed"), &structured("msg_1"))
        .await
        .unwrap();
    let stored = fixture.stream.get_raw_message(1).await.unwrap();
    assert_eq!(stored.subject.as_str(), "orders.placed");
    assert_eq!(stored.payload, EVENT);
    let expected = [
        "Content-Type: application/cloudevents+json; charset=utf-8",
        "Nats-Msg-Id: msg_1",
        "tramline-hops: 2",
    ];
    assert_eq!(headers(&stored), expected);
    link.close().await;
}

#[tokio::test]
async fn a_binary_event_is_headers_and_data() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    link.publish(&to("orders.placed"), &binary("msg_1"))
        .await
        .unwrap();
    let stored = fixture.stream.get_raw_message(1).await.unwrap();
    assert_eq!(&stored.payload[..], b"a\0b");
    let expected = [
        "Nats-Msg-Id: msg_1",
        "ce-datacontenttype: text/plain;%20charset=utf-8",
        "ce-id: 1",
        "ce-source: /s",
        "ce-specversion: 1.0",
        "ce-subject: gr%C3%B6%C3%9Fe%201",
        "ce-type: order.placed",
        "tramline-hops: 2",
    ];
    assert_eq!(headers(&stored), expected);
}

#[tokio::test]
async fn a_repetition_is_delivered_and_stored_once() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    for _ in 0..3 {
        link.publish(&to("orders.placed"), &structured("msg_1"))
            .await
            .unwrap();
    }
    assert_eq!(fixture.count().await, 1);
}

#[tokio::test]
async fn many_publishes_in_flight_are_each_answered() {
    let fixture = Fixture::new().await;
    let link = fixture.link().await;
    let ids: Vec<_> = (0..2000).map(|number| format!("msg_{number}")).collect();
    let mut large = structured("large");
    large.body = vec![b'x'; 500_000].into();
    let address = to("orders.placed");
    let publishes = ids.iter().map(|id| async {
        let mut message = structured(id);
        message.id = id;
        link.publish(&address, &message).await
    });
    let (small, big) = tokio::join!(join_all(publishes), link.publish(&address, &large));
    assert!(small.into_iter().chain([big]).all(|published| published.is_ok()));
    assert_eq!(fixture.count().await, 2001);
}
