//! What becomes a version.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::body;
use super::call;
use super::get;
use super::post;
use super::refused;
use super::registered;
use crate::support::Server;
use crate::support::event;

#[tokio::test]
async fn what_is_registered_is_a_schema_of_the_event_type() {
    let server = Server::start().await;
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
    let (status, answer) = post(
        &server,
        "/subjects/order/versions?normalize=False",
        &body(&schema),
    )
    .await;
    assert_eq!(
        (status, &answer["id"], &answer["version"]),
        (200, &json!(1), &json!(1))
    );
    assert_eq!(server.get("/v1/schemas/order/versions/1").await, schema);
    server
        .put("/v1/schemas/order", &json!({ "validation": "reject" }))
        .await;
    let request = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json");
    let bad = event("1", "order", &json!({ "a": "x" }));
    let (status, problem) = server.call(request.body(bad.to_string())).await;
    assert_eq!((status, &problem["code"]), (422, &json!("schema-violation")));
}

#[tokio::test]
async fn the_same_content_has_the_same_id_each_time() {
    let server = Server::start().await;
    let first = registered(&server, "t", &json!({ "type": "number", "minimum": 1 })).await;
    let other = registered(&server, "t", &json!({ "type": "number", "minimum": 0 })).await;
    assert_ne!(first, other);
    let text = r#"{ "minimum": 1.0,  "type": "number" }"#;
    for _ in 0..2 {
        let request = json!({ "schemaType": "JSON", "schema": text, "references": [] });
        let (status, answer) = post(&server, "/subjects/t/versions", &request).await;
        assert_eq!(
            (status, &answer["id"], &answer["version"]),
            (200, &json!(first), &json!(1))
        );
    }
    assert_eq!(get(&server, "/subjects/t/versions").await, json!([1, 2]));
}

#[tokio::test]
async fn ids_are_those_of_the_whole_registry() {
    let server = Server::start().await;
    let native = server
        .post("/v1/schemas/native/versions", &json!({ "type": "string" }))
        .await;
    let id = registered(&server, "t", &json!({ "type": "string" })).await;
    assert_eq!((&native["id"], id), (&json!(1), 2));
    let shown = get(&server, "/schemas/ids/1").await;
    assert_eq!(
        (&shown["subject"], &shown["schema"]),
        (&json!("native"), &json!(r#"{"type":"string"}"#))
    );
}

#[tokio::test]
async fn what_may_not_follow_is_a_conflict_with_reasons() {
    let server = Server::start().await;
    let old = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    registered(&server, "t", &old).await;
    let mut new = old.clone();
    new["required"] = json!(["a"]);
    let message = refused(
        &server,
        Method::POST,
        "/subjects/t/versions",
        Some(&body(&new)),
        409,
    )
    .await;
    assert!(
        message.contains("required-added") && message.contains("version 1"),
        "{message}"
    );
    assert_eq!(get(&server, "/subjects/t/versions").await, json!([1]));
}

#[tokio::test]
async fn what_is_no_json_schema_is_invalid() {
    let server = Server::start().await;
    let text = |schema: &str| json!({ "schemaType": "JSON", "schema": schema });
    let with = |member: &str, value: Value| {
        let mut request = text("{}");
        request[member] = value;
        request
    };
    for (request, code, part) in [
        (json!({ "schema": "\"string\"" }), 42201, "schemaType: \"JSON\""),
        (
            json!({ "schema": "{}", "schemaType": "AVRO" }),
            42201,
            "schemaType: \"JSON\"",
        ),
        (
            json!({ "schema": "{}", "schemaType": "PROTOBUF" }),
            42201,
            "PROTOBUF",
        ),
        (json!({ "schemaType": "JSON" }), 42201, "`schema`"),
        (text(""), 42201, "`schema`"),
        (text("{"), 42201, "not JSON"),
        (text("1"), 42201, "schema"),
        (text(r#"{ "type": "strung" }"#), 42201, "/type"),
        (
            text(r#"{ "properties": { "a": { "$ref": "http://example.com/a" } } }"#),
            42201,
            "/properties/a/$ref",
        ),
        (
            text(&json!({ "description": "x".repeat(600_000) }).to_string()),
            42209,
            "524288",
        ),
        (
            with("metadata", json!({ "properties": { "a": "b" } })),
            42201,
            "metadata",
        ),
        (
            with("ruleSet", json!({ "domainRules": [{ "name": "r" }] })),
            42201,
            "ruleSet",
        ),
        (with("id", json!(7)), 42205, "ids"),
        (with("version", json!(7)), 42205, "ids"),
        (json!({ "schema": {}, "schemaType": "JSON" }), 400, "body"),
    ] {
        for path in [
            "/subjects/t/versions",
            "/compatibility/subjects/t/versions",
            "/compatibility/subjects/t/versions/latest",
        ] {
            let message = refused(&server, Method::POST, path, Some(&request), code).await;
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    assert_eq!(get(&server, "/subjects").await, json!([]));
    // What says nothing is nothing.
    let mut request = with("metadata", Value::Null);
    request["ruleSet"] = json!({ "migrationRules": [], "domainRules": [] });
    request["unheard"] = json!("of");
    request["version"] = json!(-1);
    assert_eq!(post(&server, "/subjects/t/versions", &request).await.0, 200);
}

#[tokio::test]
async fn a_body_too_large_to_hold_a_schema_is_refused_before_it_is_read() {
    let server = Server::start().await;
    let large = json!({ "schemaType": "JSON", "schema": "x".repeat(3_000_000) });
    refused(&server, Method::POST, "/subjects/t/versions", Some(&large), 42209).await;
}

#[tokio::test]
async fn a_subject_is_an_event_type_of_any_characters() {
    let server = Server::start().await;
    let id = registered(&server, "a%2Fb%20%C3%A4%3A%3F", &json!({})).await;
    let shown = get(&server, &format!("/schemas/ids/{id}")).await;
    assert_eq!(shown["subject"], json!("a/b ä:?"));
    assert_eq!(
        get(&server, "/subjects/a%2Fb%20%C3%A4%3A%3F/versions").await,
        json!([1])
    );
    let request = body(&json!({}));
    refused(
        &server,
        Method::POST,
        "/subjects/a%0Ab/versions",
        Some(&request),
        42208,
    )
    .await;
    let long = format!("/subjects/{}/versions", "x".repeat(1_025));
    refused(&server, Method::POST, &long, Some(&request), 42208).await;
}

#[tokio::test]
async fn a_schema_is_looked_up_by_what_it_says() {
    let server = Server::start().await;
    let schema = json!({ "type": "number", "minimum": 1 });
    registered(&server, "t", &schema).await;
    let lookup = json!({ "schemaType": "JSON", "schema": r#"{"minimum":1.0,"type":"number"}"# });
    let (status, found) = post(&server, "/subjects/t?normalize=False&deleted=False", &lookup).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(
        (
            &found["subject"],
            &found["version"],
            &found["id"],
            &found["schemaType"]
        ),
        (&json!("t"), &json!(1), &json!(1), &json!("JSON"))
    );
    assert_eq!(found["schema"], json!(schema.to_string()));
    let post = async |subject: &str, request: &Value, code: u64| {
        let path = format!("/subjects/{subject}");
        refused(&server, Method::POST, &path, Some(request), code).await
    };
    post("t", &body(&json!({ "type": "number" })), 40403).await;
    post("none", &lookup, 40401).await;
    post("t", &body(&json!({ "type": "strung" })), 42201).await;
    post("t", &json!({ "schema": "{}" }), 42201).await;
}

#[tokio::test]
async fn bodies_are_read_whatever_type_they_are_declared_as() {
    let server = Server::start().await;
    for kind in [
        "application/json",
        "application/vnd.schemaregistry+json; charset=utf-8",
        "",
    ] {
        let mut request = server.request(Method::POST, "/confluent/subjects/t/versions");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let (status, answer) = super::answered(request.body(body(&json!({})).to_string())).await;
        assert_eq!((status, &answer["id"]), (200, &json!(1)), "{kind}");
    }
    let (status, _) = call(&server, Method::POST, "/subjects/t/versions", None).await;
    assert_eq!(status, 400);
}
