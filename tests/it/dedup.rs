//! One source and id, one event: over connections, bodies and strange names.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::event;

/// An event of the source `/tests` with an id of its own kind.
async fn publish(server: &Server, id: &str, data: &Value) -> (Value, Value) {
    let result = server.publish(&event(id, "t", data)).await;
    (result["sequence"].clone(), result["duplicate"].clone())
}

#[tokio::test]
async fn f33_of_fifty_copies_at_once_one_is_stored_and_all_have_its_sequence() {
    let server = Server::start().await;
    let data = json!(1);
    let copies = (0..50).map(|_| publish(&server, "same", &data));
    let answers = futures_util::future::join_all(copies).await;
    assert!(
        answers.iter().all(|(sequence, _)| *sequence == json!(1)),
        "{answers:?}"
    );
    let duplicates = answers.iter().filter(|(_, duplicate)| *duplicate == json!(true));
    assert_eq!(duplicates.count(), 49);
    assert_eq!(server.last_sequence().await, 1);
}

#[tokio::test]
async fn f33_the_same_id_with_another_body_is_a_duplicate_and_is_counted() {
    let server = Server::start().await;
    publish(&server, "1", &json!({ "total": 1 })).await;
    let again = publish(&server, "1", &json!({ "total": 2 })).await;
    assert_eq!(again, (json!(1), json!(true)));
    let stored = server.get("/v1/buses/default/events/1").await;
    assert_eq!(stored["event"]["data"], json!({ "total": 1 }));
    let metrics = server.request(Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("tramline_differing_copies 1"), "{metrics}");
}

#[tokio::test]
async fn f33_ids_of_any_characters_are_told_apart_and_found() {
    let server = Server::start().await;
    let long = "x".repeat(1024);
    let ids = [".", "..", "/", "a/b", "a%2Fb", "\u{1f980}", " ", long.as_str()];
    for (sequence, id) in (1..).zip(ids) {
        let first = publish(&server, id, &json!(id)).await;
        assert_eq!(first, (json!(sequence), json!(false)), "{id}");
    }
    for (sequence, id) in (1..).zip(ids) {
        let again = publish(&server, id, &json!(id)).await;
        assert_eq!(again, (json!(sequence), json!(true)), "{id}");
        let found = server.request(Method::GET, "/v1/buses/default/events").query(&[
            ("source", "/tests"),
            ("id", id),
            ("limit", "1"),
        ]);
        let (status, list) = server.call(found).await;
        assert_eq!((status, &list["next_cursor"]), (200, &Value::Null));
        assert_eq!(list["items"][0]["sequence"], json!(sequence), "{id}");
    }
}
