//! What a new version means for the rules and events on the buses.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::register;
use super::registered;
use crate::support::Server;
use crate::support::event;

fn schema(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

/// A server with a schema of `order`, and rules that use it in every way.
async fn server() -> Server {
    let server = Server::start().await;
    let properties = json!({
        "id": { "type": "string" }, "total": { "type": "number" }, "note": { "type": "string" },
        "customer": { "type": "object", "properties": { "email": { "type": "string" } }, "required": ["email"] },
        "items": { "type": "array", "items": { "type": "object", "properties": { "sku": { "type": "string" } } } }
    });
    let settings = json!({ "compatibility": "none" });
    server.put("/v1/schemas/order", &settings).await;
    registered(
        &server,
        "order",
        &schema(&properties, &["id", "total", "customer"]),
    )
    .await;
    server
        .apply(
            r#"
rules:
  - name: big
    match: { type: [order], data: { total: [{ numeric: [">", 100] }], items: { sku: [{ prefix: "a" }] } } }
    targets: [{ name: t, echo: {} }]
  - name: mail
    match: { filters: [{ exact: { type: order } }] }
    transform: [{ data: { to: "${$.data.customer.email}", note: "${$.data.note ?? \"none\"}" } }]
    targets: [{ name: t, echo: {} }]
  - name: other
    match: { type: [payment], data: { total: [{ numeric: [">", 100] }] } }
    targets: [{ name: t, echo: {}, transform: [{ keep: ["$.data.customer"] }] }]
"#,
        )
        .await;
    server
}

async fn check(server: &Server, document: &Value) -> Value {
    let request = server
        .request(Method::POST, "/v1/schemas/order/check")
        .json(document);
    let (status, answer) = server.call(request).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn broken(answer: &Value) -> Vec<(&str, &str, &str)> {
    let breaks = answer["breaks"].as_array().expect("breaks").iter();
    let text = |one: &'_ Value, key: &str| -> String { one[key].as_str().expect("text").to_owned() };
    let mut found: Vec<_> = breaks
        .map(|one| {
            assert_eq!(text(one, "bus"), "default");
            assert!(!text(one, "detail").is_empty());
            (
                one["rule"].as_str().expect("a rule"),
                one["path"].as_str().expect("a path"),
                one["reason"].as_str().expect("a reason"),
            )
        })
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn a_version_names_the_rules_whose_fields_it_removes_or_retypes() {
    let server = server().await;
    let properties = json!({
        "id": { "type": "string" }, "total": { "type": "string" }, "note": { "type": "string" },
        "items": { "type": "array", "items": { "type": "object", "properties": { "code": { "type": "string" } } } }
    });
    let answer = check(&server, &schema(&properties, &["id"])).await;
    assert_eq!(
        broken(&answer),
        [
            ("big", "$.data.items.sku", "removed"),
            ("big", "$.data.total", "retyped"),
            ("mail", "$.data.customer.email", "removed"),
        ]
    );
    // Registering says the same, and is not kept from it.
    let (status, answer) = register(&server, "order", &schema(&properties, &["id"])).await;
    assert_eq!((status, broken(&answer).len()), (201, 3), "{answer}");
}

#[tokio::test]
async fn a_field_that_may_be_missing_breaks_only_who_has_nothing_in_its_place() {
    let server = server().await;
    let properties = json!({
        "id": { "type": "string" }, "total": { "type": "number" }, "note": { "type": "string" },
        "customer": { "type": "object", "properties": { "email": { "type": "string" } }, "required": ["email"] },
        "items": { "type": "array", "items": { "type": "object", "properties": { "sku": { "type": "string" } } } }
    });
    let answer = check(&server, &schema(&properties, &["id", "note"])).await;
    let expected = [
        ("big", "$.data.total", "may-be-missing"),
        ("mail", "$.data.customer.email", "may-be-missing"),
    ];
    assert_eq!(broken(&answer), expected);
}

#[tokio::test]
async fn a_version_that_breaks_nothing_says_so() {
    let server = server().await;
    let current = server.get("/v1/schemas/order/versions/latest").await;
    let answer = check(&server, &current).await;
    assert_eq!(answer["breaks"], json!([]));
    assert_eq!(
        answer["violations"],
        json!({ "checked": 0, "failed": 0, "samples": [] })
    );
}

#[tokio::test]
async fn a_version_is_held_against_the_newest_events_of_its_type() {
    let server = server().await;
    for number in 0..30 {
        let data = json!({ "id": format!("o{number}"), "total": number, "customer": { "email": "a@b" } });
        server.publish(&event(&number.to_string(), "order", &data)).await;
    }
    server
        .publish(&event("else", "payment", &json!({ "total": 1_000 })))
        .await;
    let properties = json!({ "id": { "type": "string" }, "total": { "type": "number", "maximum": 19 } });
    let answer = check(&server, &schema(&properties, &["id"])).await;
    let violations = &answer["violations"];
    assert_eq!(
        (&violations["checked"], &violations["failed"]),
        (&json!(30), &json!(10))
    );
    let samples = violations["samples"].as_array().expect("samples");
    assert_eq!(samples.len(), 5);
    assert_eq!(
        (&samples[0]["bus"], &samples[0]["sequence"], &samples[0]["id"]),
        (&json!("default"), &json!(30), &json!("29"))
    );
    assert_eq!(
        (
            &samples[0]["errors"][0]["pointer"],
            &samples[0]["errors"][0]["keyword"]
        ),
        (&json!("/total"), &json!("maximum"))
    );
}

#[tokio::test]
async fn what_was_published_before_a_restart_counts_too() {
    let mut server = server().await;
    server.publish(&event("1", "order", &json!({ "id": 5 }))).await;
    server.kill().await;
    server.restart().await;
    let answer = check(
        &server,
        &json!({ "type": "object", "properties": { "id": { "type": "string" } } }),
    )
    .await;
    assert_eq!(
        (&answer["violations"]["checked"], &answer["violations"]["failed"]),
        (&json!(1), &json!(1))
    );
}
