//! Whether a schema may follow.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::body;
use super::post;
use super::refused;
use super::registered;
use crate::support::Server;

async fn check(server: &Server, path: &str, schema: &Value) -> Value {
    let (status, answer) = post(server, &format!("/compatibility/subjects/{path}"), &body(schema)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// A subject whose two versions allow from 0 on, and everything.
async fn widened() -> Server {
    let server = Server::start().await;
    registered(&server, "t", &json!({ "type": "number", "minimum": 0 })).await;
    registered(&server, "t", &json!({ "type": "number" })).await;
    server
}

#[tokio::test]
async fn a_schema_is_checked_against_the_version_that_is_named() {
    let server = widened().await;
    let narrow = json!({ "type": "number", "minimum": 0, "title": "narrow" });
    let yes = json!({ "is_compatible": true });
    let no = json!({ "is_compatible": false });
    assert_eq!(
        check(&server, "t/versions/1?normalize=False&verbose=False", &narrow).await,
        yes
    );
    assert_eq!(check(&server, "t/versions/2", &narrow).await, no);
    assert_eq!(check(&server, "t/versions/latest", &narrow).await, no);
    assert_eq!(check(&server, "t/versions", &narrow).await, no);
    let wide = json!({ "title": "wide" });
    assert_eq!(check(&server, "t/versions", &wide).await, yes);
    assert_eq!(
        super::get(&server, "/subjects/t/versions").await,
        json!([1, 2]),
        "a check stores nothing"
    );
}

#[tokio::test]
async fn reasons_are_told_to_those_who_ask() {
    let server = widened().await;
    let narrow = json!({ "type": "number", "minimum": 0, "title": "narrow" });
    for verbose in ["true", "True", "TRUE"] {
        let answer = check(&server, &format!("t/versions/2?verbose={verbose}"), &narrow).await;
        let messages = answer["messages"].as_array().expect("messages");
        let message = messages[0].as_str().expect("a text");
        assert!(
            message.contains("backward") && message.contains("version 2") && message.contains("/minimum"),
            "{message}"
        );
        let answer = check(&server, &format!("t/versions/1?verbose={verbose}"), &narrow).await;
        assert_eq!(answer, json!({ "is_compatible": true, "messages": [] }));
    }
}

#[tokio::test]
async fn the_level_of_the_subject_decides() {
    let server = widened().await;
    // Each allows what the other does not.
    let text = json!({ "type": "string" });
    let narrow = json!({ "type": "number", "minimum": 5 });
    for (level, schema, one, two, all) in [
        ("NONE", &text, true, true, true),
        ("BACKWARD", &narrow, false, false, false),
        ("FORWARD", &narrow, true, true, true),
        ("FULL", &narrow, false, false, false),
        ("BACKWARD_TRANSITIVE", &json!(true), true, true, true),
        (
            "FORWARD_TRANSITIVE",
            &json!({ "type": "number" }),
            false,
            true,
            false,
        ),
    ] {
        let set = super::call(
            &server,
            Method::PUT,
            "/config/t",
            Some(&json!({ "compatibility": level })),
        )
        .await;
        assert_eq!(set.0, 200, "{set:?}");
        for (path, expected) in [("t/versions/1", one), ("t/versions/2", two), ("t/versions", all)] {
            let answer = check(&server, path, schema).await;
            assert_eq!(answer["is_compatible"], json!(expected), "{level} {path}");
        }
    }
}

#[tokio::test]
async fn anything_may_be_the_first_version() {
    let server = widened().await;
    server
        .put("/v1/schemas/empty", &json!({ "compatibility": "full" }))
        .await;
    for subject in ["empty", "none"] {
        for path in ["versions", "versions/latest", "versions/-1"] {
            let answer = check(&server, &format!("{subject}/{path}?verbose=true"), &json!({})).await;
            assert_eq!(answer, json!({ "is_compatible": true, "messages": [] }));
        }
        let path = format!("/compatibility/subjects/{subject}/versions/1");
        refused(&server, Method::POST, &path, Some(&body(&json!({}))), 40401).await;
    }
    for (version, code) in [("3", 40402), ("0", 42202), ("x", 42202)] {
        let path = format!("/compatibility/subjects/t/versions/{version}");
        refused(&server, Method::POST, &path, Some(&body(&json!({}))), code).await;
    }
}
