//! Giving dead letters up.

use reqwest::Method;
use serde_json::json;

use super::with_letters;

#[tokio::test]
async fn a_discarded_letter_is_gone_and_its_event_says_why_also_after_a_crash() {
    let (mut server, _sink) = with_letters(3).await;
    let letter = server.dead_letters(3).await.remove(1);
    let request = json!({ "filter": { "ids": [letter["id"]] }, "reason": "sent by hand" });
    let job = server.post("/v1/dead-letters/discard", &request).await;
    assert_eq!(
        (
            &job["kind"],
            &job["state"],
            &job["total"],
            &job["done"],
            &job["failed"]
        ),
        (&json!("discard"), &json!("done"), &json!(1), &json!(1), &json!(0))
    );
    server.kill().await;
    server.restart().await;
    let sequence = letter["sequence"].as_u64().unwrap();
    let fate = server.settled(sequence, "dropped").await;
    let route = &fate["routes"][0];
    assert_eq!(
        (&route["code"], &route["reason"]),
        (&json!("discarded"), &json!("sent by hand"))
    );
    assert_eq!(route["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(server.dead_letters(2).await.len(), 2);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await, job);
}

#[tokio::test]
async fn letters_of_a_deleted_rule_can_be_discarded() {
    let (server, _sink) = with_letters(5).await;
    assert_eq!(server.delete("/v1/buses/default/rules/r").await.0, 204);
    let count = json!({ "filter": { "rule": "r" }, "reason": "the rule is gone", "dry_run": true });
    let counted = server.post("/v1/dead-letters/discard", &count).await;
    assert_eq!((&counted["total"], &counted["done"]), (&json!(5), &json!(0)));
    let redrive = server
        .post("/v1/dead-letters/redrive", &json!({ "filter": { "rule": "r" } }))
        .await;
    assert_eq!(
        (&redrive["total"], &redrive["done"], &redrive["failed"]),
        (&json!(5), &json!(0), &json!(5))
    );
    let discard = json!({ "filter": { "rule": "r" }, "reason": "the rule is gone" });
    let job = server.post("/v1/dead-letters/discard", &discard).await;
    assert_eq!((&job["total"], &job["done"]), (&json!(5), &json!(5)));
    assert_eq!(server.get("/v1/dead-letters").await["items"], json!([]));
}

#[tokio::test]
async fn a_discard_needs_a_filter_and_a_reason() {
    let (server, _sink) = with_letters(1).await;
    for (body, code) in [
        (json!({ "reason": "why" }), "invalid-json"),
        (json!({ "filter": {} }), "invalid-json"),
        (json!({ "filter": {}, "reason": " " }), "invalid-reason"),
        (
            json!({ "filter": {}, "reason": "x".repeat(1_001) }),
            "invalid-reason",
        ),
        (
            json!({ "filter": { "colour": "red" }, "reason": "why" }),
            "invalid-json",
        ),
        (
            json!({ "filter": { "ids": ["x"] }, "reason": "why" }),
            "invalid-id",
        ),
    ] {
        let request = server
            .request(Method::POST, "/v1/dead-letters/discard")
            .json(&body);
        let (status, problem) = server.call(request).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{body}");
    }
    assert_eq!(server.dead_letters(1).await.len(), 1);
}
