//! Batches: taken whole or not at all, unless the sender asks for less.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::event;

async fn send(server: &Server, body: String) -> (u16, Value) {
    send_to(server, "/v1/buses/default/events", body).await
}

async fn send_to(server: &Server, path: &str, body: String) -> (u16, Value) {
    let request = server
        .request(Method::POST, path)
        .header("content-type", "application/cloudevents-batch+json")
        .body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// F34: one bad entry refuses all of them, and is named.
#[tokio::test]
async fn f34_one_bad_event_of_a_hundred_refuses_them_all_and_is_named() {
    let server = Server::start().await;
    for bad in [0, 57, 99] {
        let mut batch: Vec<_> = (0..100).map(|n| event(&n.to_string(), "t", &json!(n))).collect();
        batch[bad].as_object_mut().unwrap().remove("type");
        let (status, problem) = send(&server, json!(batch).to_string()).await;
        assert_eq!(status, 400, "{problem}");
        assert_eq!(problem["code"], "missing-type");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{problem}");
        assert_eq!(
            (&errors[0]["index"], &errors[0]["code"], &errors[0]["pointer"]),
            (&json!(bad), &json!("missing-type"), &json!("/type"))
        );
        assert_eq!(server.last_sequence().await, 0, "something was stored");
    }
}

/// F34: every bad entry is named, each with its own reason, in order.
#[tokio::test]
async fn f34_several_bad_events_are_all_named() {
    let server = Server::start().await;
    let mut batch: Vec<_> = (0..5).map(|n| event(&n.to_string(), "t", &json!(n))).collect();
    batch[1]["specversion"] = json!("0.3");
    batch[2] = json!([event("nested", "t", &json!(1))]);
    batch[4] = json!("no event");
    let (status, problem) = send(&server, json!(batch).to_string()).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("unsupported-specversion"))
    );
    let errors = problem["errors"].as_array().unwrap();
    let named: Vec<_> = errors
        .iter()
        .map(|error| (error["index"].as_u64().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            (1, "unsupported-specversion"),
            (2, "invalid-event"),
            (4, "invalid-event")
        ]
    );
    assert_eq!(server.last_sequence().await, 0);
}

/// F34: a batch of nothing is a batch.
#[tokio::test]
async fn f34_an_empty_batch_is_accepted_without_results() {
    let server = Server::start().await;
    for body in ["[]", " [ ] \n"] {
        let (status, reply) = send(&server, body.to_owned()).await;
        assert_eq!((status, &reply["results"]), (202, &json!([])), "{reply}");
    }
    assert_eq!(server.last_sequence().await, 0);
}

/// F34: what is no array of events is no batch.
#[tokio::test]
async fn f34_what_is_no_array_of_events_is_no_batch() {
    let server = Server::start().await;
    let one = event("1", "t", &json!(1)).to_string();
    for (body, code) in [
        (one.clone(), "invalid-event"),
        (format!("[[{one}]]"), "invalid-event"),
        ("[null]".to_owned(), "invalid-event"),
        ("null".to_owned(), "invalid-event"),
        (String::new(), "invalid-json"),
        (format!("[{one},]"), "invalid-json"),
        (format!("[{one}"), "invalid-json"),
        (format!("[{one}]]"), "invalid-json"),
    ] {
        let (status, problem) = send(&server, body.clone()).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!(code)),
            "{body}: {problem}"
        );
    }
    assert_eq!(server.last_sequence().await, 0);
}

/// F34, F33: the second copy in one batch is a duplicate of the first.
#[tokio::test]
async fn f34_a_second_copy_inside_a_batch_is_a_duplicate_of_the_first() {
    let server = Server::start().await;
    let batch = json!([
        event("a", "t", &json!(1)),
        event("b", "t", &json!(2)),
        event("a", "t", &json!(3)),
    ]);
    let results = |reply: &Value| -> Vec<(u64, bool)> {
        let results = reply["results"].as_array().unwrap().iter();
        results
            .map(|result| {
                (
                    result["sequence"].as_u64().unwrap(),
                    result["duplicate"].as_bool().unwrap(),
                )
            })
            .collect()
    };
    let (status, reply) = send(&server, batch.to_string()).await;
    assert_eq!(status, 202, "{reply}");
    assert_eq!(results(&reply), [(1, false), (2, false), (1, true)]);
    let (_, reply) = send(&server, batch.to_string()).await;
    assert_eq!(results(&reply), [(1, true), (2, true), (1, true)]);
    assert_eq!(server.last_sequence().await, 2);
    let kept = server.get("/v1/buses/default/events/1").await;
    assert_eq!(kept["event"]["data"], 1, "the first one is kept");
}

/// F34: who asks for it gets the good entries accepted, and is told about each.
#[tokio::test]
async fn f34_with_partial_the_good_entries_are_accepted_and_each_is_told() {
    let server = Server::start_with(&["--max-event-bytes", "2000"]).await;
    let mut batch: Vec<_> = (0..6).map(|n| event(&n.to_string(), "t", &json!(n))).collect();
    batch[0].as_object_mut().unwrap().remove("type");
    batch[2] = json!("no event");
    batch[3] = event("large", "t", &json!("x".repeat(3_000)));
    batch[5]["id"] = json!("1");
    for path in ["/v1/buses/default/events?partial=true", "/events?partial=true"] {
        let (status, reply) = send_to(&server, path, json!(batch).to_string()).await;
        assert_eq!(status, 200, "{reply}");
        assert_eq!(reply["durability"], "fsync");
        let results = reply["results"].as_array().unwrap();
        let told: Vec<_> = results
            .iter()
            .map(|result| (&result["sequence"], &result["error"]["code"]))
            .collect();
        let none = &Value::Null;
        let expected = [
            (none, &json!("missing-type")),
            (&json!(1), none),
            (none, &json!("invalid-event")),
            (none, &json!("event-too-large")),
            (&json!(2), none),
            (&json!(1), none),
        ];
        assert_eq!(told, expected, "{reply}");
        assert_eq!(
            (&results[3]["error"]["index"], &results[5]["duplicate"]),
            (&json!(3), &json!(true))
        );
    }
    assert_eq!(server.last_sequence().await, 2);
}

/// F34: what has no entries cannot be accepted in part, and a single event is no batch.
#[tokio::test]
async fn f34_with_partial_what_is_wrong_as_a_whole_is_refused_as_ever() {
    let server = Server::start_with(&["--max-batch-events", "3"]).await;
    let path = "/v1/buses/default/events?partial=true";
    let (status, reply) = send_to(&server, path, "[{}, 1]".to_owned()).await;
    assert_eq!((status, reply["results"].as_array().unwrap().len()), (200, 2));
    let (status, problem) = send_to(&server, path, "{}".to_owned()).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-event")));
    let (status, problem) = send_to(&server, path, "[1, 1, 1, 1]".to_owned()).await;
    assert_eq!((status, &problem["code"]), (413, &json!("batch-too-large")));
    let single = server.request(Method::POST, path).json(&json!({ "type": "t" }));
    let (status, problem) = server.call(single).await;
    assert_eq!((status, &problem["code"]), (400, &json!("missing-source")));
    let single = server
        .request(Method::POST, path)
        .json(&json!({ "type": "t", "source": "/s" }));
    assert_eq!(server.call(single).await.0, 202);
}
