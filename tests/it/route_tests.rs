//! Trying a target with a test event.

use reqwest::Method;
use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::rule;

const TEST: &str = "/v1/routes/r/hook/test";

#[tokio::test]
async fn a_test_event_goes_to_one_target_and_leaves_no_trace() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    server
        .put("/v1/buses/default/rules/r", &rule("t", &sink.url("/")))
        .await;
    let tested = server.post(TEST, &json!({})).await;
    assert_eq!((&tested["class"], &tested["status"]), (&json!("ok"), &json!(200)));
    assert!(tested["ms"].is_u64() && tested["response"].is_null(), "{tested}");
    let given = json!({ "event": { "type": "mine", "source": "/me", "data": 1.50 } });
    server.post(TEST, &given).await;
    let received = sink.received();
    let kinds: Vec<_> = received
        .iter()
        .map(|request| request.json()["type"].clone())
        .collect();
    assert_eq!(kinds, [json!("tramline.test"), json!("mine")]);
    assert!(received[0].header("webhook-id") != received[1].header("webhook-id"));
    assert_eq!(server.last_sequence().await, 0);
    assert_eq!(server.route("r", "hook").await["delivered"], json!(0));
}

#[tokio::test]
async fn a_test_says_how_it_failed_and_makes_no_dead_letter() {
    let server = Server::start().await;
    let sink = Sink::answering(|_| Answer::Status(503)).await;
    server
        .put("/v1/buses/default/rules/r", &rule("t", &sink.url("/")))
        .await;
    let tested = server.post(TEST, &json!({})).await;
    assert_eq!(
        (&tested["class"], &tested["status"]),
        (&json!("http_503"), &json!(503))
    );
    assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
    assert_eq!(server.route("r", "hook").await["retrying"], json!(0));
}

#[tokio::test]
async fn a_test_of_nothing_or_with_nonsense_is_refused() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    server
        .put("/v1/buses/default/rules/r", &rule("t", &sink.url("/")))
        .await;
    for (path, body, expected) in [
        ("/v1/routes/r/none/test", json!({}), (404, "no-such-route")),
        ("/v1/routes/none/hook/test", json!({}), (404, "no-such-route")),
        (
            "/v1/routes/r/hook/test?bus=none",
            json!({}),
            (404, "no-such-route"),
        ),
        (TEST, json!({ "event": 1 }), (400, "invalid-event")),
        (TEST, json!({ "event": { "type": "t" } }), (400, "missing-source")),
        (TEST, json!({ "colour": "red" }), (400, "invalid-json")),
    ] {
        let (status, problem) = server.call(server.request(Method::POST, path).json(&body)).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            expected,
            "{path} {body}"
        );
    }
    assert_eq!(sink.received().len(), 0);
}
