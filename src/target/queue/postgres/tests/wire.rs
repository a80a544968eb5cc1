//! What is in the table, and how often.

use futures_util::future::join_all;

use super::*;
use crate::brokers::eventually;
use crate::target::queue::test_support::EVENT;
use crate::target::queue::test_support::binary;
use crate::target::queue::test_support::structured;

#[tokio::test]
async fn a_structured_event_is_a_row_when_publish_returns() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    link.publish(&to("events"), &structured("msg_1")).await.unwrap();
    let row = server.value("SELECT concat_ws('|', id, type, source, subject, extract(epoch FROM time)::bigint, bus, hops, content_type, attributes IS NULL) FROM events").await;
    let expected =
        "msg_1|order.placed|/s|o-1|1700000000|default|2|application/cloudevents+json; charset=utf-8|t";
    assert_eq!(row.as_deref(), Some(expected));
    let event = server
        .value("SELECT convert_from(event, 'UTF8')::json FROM events")
        .await;
    assert_eq!(
        event.as_deref(),
        Some(EVENT),
        "the NUL and the number are as they were"
    );
    link.close().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tramline'";
    eventually("its sessions are over", async || {
        (server.value(sessions).await.as_deref() == Some("0")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_binary_event_is_its_attributes_and_data() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    let mut message = binary("msg_1");
    (message.time, message.subject) = (None, None);
    link.publish(&to("events"), &message).await.unwrap();
    let row = server.value("SELECT concat_ws('|', time IS NULL, subject IS NULL, content_type, encode(event, 'hex'), attributes->>'subject', attributes->>'specversion') FROM events").await;
    assert_eq!(
        row.as_deref(),
        Some("t|t|text/plain; charset=utf-8|610062|größe 1|1.0")
    );
}

#[tokio::test]
async fn a_repetition_is_delivered_and_stored_once() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    let (address, message) = (to("events"), structured("msg_1"));
    let published = join_all((0..50).map(|_| link.publish(&address, &message))).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    assert_eq!(
        server.value("SELECT count(*) FROM events").await.as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn a_table_is_found_by_its_schema_and_its_name_as_it_is_written() {
    let server = fixture().await;
    let table = TABLE.replace("TABLE events", r#"TABLE "App"."a.b ""c""" "#);
    server.run(&format!(r#"CREATE SCHEMA "App"; {table}; GRANT USAGE ON SCHEMA "App" TO tramline; GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA "App" TO tramline"#)).await;
    let link = link(server.port()).await.unwrap();
    for name in ["public.events", r#"App."a.b ""c""""#] {
        link.publish(&to(name), &structured("msg_1")).await.unwrap();
    }
    let count = server
        .value(r#"SELECT count(*) FROM events, "App"."a.b ""c""""#)
        .await;
    assert_eq!(count.as_deref(), Some("1"));
}

#[tokio::test]
async fn many_publishes_in_flight_are_each_answered() {
    let server = fixture().await;
    let link = link(server.port()).await.unwrap();
    let ids: Vec<_> = (0..1000).map(|number| format!("msg_{number}")).collect();
    let mut large = structured("large");
    large.body = vec![b'x'; 5_000_000].into();
    let address = to("events");
    let publishes = ids
        .iter()
        .map(async |id| link.publish(&address, &structured(id)).await);
    let (small, big) = tokio::join!(join_all(publishes), link.publish(&address, &large));
    assert!(small.into_iter().chain([big]).all(|published| published.is_ok()));
    assert_eq!(
        server.value("SELECT count(*) FROM events").await.as_deref(),
        Some("1001")
    );
    let sessions = server
        .value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tramline'")
        .await;
    assert_eq!(sessions.as_deref(), Some("4"));
}
