//! Batches: taken whole or not at all.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::event;

async fn send(server: &Server, body: String) -> (u16, Value) {
    let request = server
        .request(Method::POST, "/v1/buses/default/events")
        .header("content-type", "application/cloudevents-batch+json")
        .body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// F34: one bad entry refuses all of them, and is named.
#[tokio::test]
async fn one_bad_event_of_a_hundred_refuses_them_all_and_is_named() {
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
async fn several_bad_events_are_all_named() {
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
async fn an_empty_batch_is_accepted_without_results() {
    let server = Server::start().await;
    for body in ["[]", " [ ] \n"] {
        let (status, reply) = send(&server, body.to_owned()).await;
        assert_eq!((status, &reply["results"]), (202, &json!([])), "{reply}");
    }
    assert_eq!(server.last_sequence().await, 0);
}

/// F34: what is no array of events is no batch.
#[tokio::test]
async fn what_is_no_array_of_events_is_no_batch() {
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
async fn a_second_copy_inside_a_batch_is_a_duplicate_of_the_first() {
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
