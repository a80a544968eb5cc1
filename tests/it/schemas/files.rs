//! Schemas in files next to rules: one plan, all of it or nothing.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Server;
use crate::support::event;
use crate::support::eventually;
use crate::support::tramline;

const RULES: &str = "rules: [{ name: r, match: { type: [order] }, targets: [{ name: t, echo: {} }] }]\n";

/// A folder of rules with a folder of schemas inside.
fn folder(schemas: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().expect("a folder");
    std::fs::write(dir.path().join("rules.yaml"), RULES).expect("a file");
    std::fs::create_dir(dir.path().join("schemas")).expect("a folder");
    for (name, text) in schemas {
        std::fs::write(dir.path().join("schemas").join(name), text).expect("a file");
    }
    dir
}

async fn apply(server: &Server, query: &str, document: &Value) -> (u16, Value) {
    let request = server.request(Method::POST, &format!("/v1/apply{query}"));
    server.call(request.json(document)).await
}

#[tokio::test]
async fn rules_and_schemas_are_one_plan() {
    let server = Server::start().await;
    let document = json!({
        "rules": [{ "name": "r", "match": { "type": ["order"] }, "targets": [{ "name": "t", "echo": {} }] }],
        "schemas": [
            { "type": "order", "validation": "reject", "schema": { "type": "object", "required": ["id"] } },
            { "type": "login", "schema": true },
            { "type": "later", "description": "not written yet" },
        ],
    });
    let (status, plan) = apply(&server, "?dry_run=true", &document).await;
    assert_eq!(status, 200, "{plan}");
    assert_eq!(
        plan["add"],
        json!(["schemas/order", "schemas/login", "schemas/later", "r"])
    );
    assert_eq!(server.get("/v1/schemas").await["items"], json!([]));
    assert_eq!(apply(&server, "", &document).await.1["add"], plan["add"]);
    let order = server.get("/v1/schemas/order").await;
    assert_eq!(
        (&order["latest"], &order["validation"]),
        (&json!(1), &json!("reject"))
    );
    assert_eq!(server.get("/v1/schemas/login").await["validation"], "warn");
    let again = apply(&server, "", &document).await.1;
    assert_eq!(
        (&again["unchanged"], &again["add"], &again["change"]),
        (&plan["add"], &json!([]), &json!([]))
    );
    let refused = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json")
        .body(event("1", "order", &json!({})).to_string());
    assert_eq!(server.call(refused).await.0, 422);
}

#[tokio::test]
async fn what_may_not_follow_keeps_everything_from_being_applied() {
    let server = Server::start().await;
    let schemas = |order: &Value| json!({ "schemas": [{ "type": "login", "schema": true }, { "type": "order", "schema": order }] });
    assert_eq!(
        apply(&server, "", &schemas(&json!({ "type": "object" }))).await.0,
        200
    );
    let mut document = schemas(&json!({ "type": "object", "required": ["id"] }));
    document["rules"] =
        json!([{ "name": "r", "match": { "type": ["order"] }, "targets": [{ "name": "t", "echo": {} }] }]);
    let (status, problem) = apply(&server, "", &document).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["errors"][0]["code"], "incompatible-schema");
    assert!(
        problem["errors"][0]["pointer"]
            .as_str()
            .is_some_and(|at| at.starts_with("/schemas/1/schema")),
        "{problem}"
    );
    assert_eq!(server.get("/v1/buses/default/rules").await["items"], json!([]));
    // By the settings of the same file it may.
    document["schemas"][1]["compatibility"] = json!("none");
    let (status, plan) = apply(&server, "", &document).await;
    assert_eq!(
        (status, &plan["change"]),
        (200, &json!(["schemas/order"])),
        "{plan}"
    );
}

#[tokio::test]
async fn a_folder_of_schemas_is_applied_and_watched_with_its_rules() {
    let dir = folder(&[
        ("order.json", r#"{ "type": "object" }"#),
        (
            "com.example.login.yaml",
            "validation: reject\nschema:\n  type: object\n  required: [user]\n",
        ),
    ]);
    let path = dir.path().display().to_string();
    let server = Server::start_with(&["--rules", &path]).await;
    assert_eq!(server.get("/v1/schemas/order").await["latest"], 1);
    let login = server.get("/v1/schemas/com.example.login").await;
    assert_eq!(
        (&login["latest"], &login["validation"]),
        (&json!(1), &json!("reject"))
    );
    assert_eq!(
        server.publish(&event("1", "order", &json!({}))).await["matched"],
        json!(["r"])
    );
    let next = r#"{ "type": "object", "properties": { "id": { "type": "string" } } }"#;
    std::fs::write(dir.path().join("schemas/order.json"), next).expect("a file");
    eventually("the next version is in force", async || {
        (server.get("/v1/schemas/order").await["latest"] == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_command_line_applies_and_checks_them() {
    let server = Server::start().await;
    let dir = folder(&[("order.json", r#"{ "type": "object" }"#)]);
    let path = dir.path().display().to_string();
    let url = ["--url", server.url()];
    tramline(&["rules", "check", &path]).await.ended(0);
    let ran = tramline(&[&["rules", "apply", &path][..], &url].concat())
        .await
        .ended(0);
    assert!(ran.stdout.contains("+ schemas/order"), "{}", ran.stdout);
    assert_eq!(server.get("/v1/schemas/order").await["latest"], 1);
    std::fs::write(
        dir.path().join("schemas/order.json"),
        "{\n  \"type\": \"thing\"\n}",
    )
    .expect("a file");
    let ran = tramline(&["rules", "check", &path]).await.ended(2);
    assert!(ran.stderr.contains("order.json:2:"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_schema_may_name_the_version_that_another_file_adds() {
    let server = Server::start().await;
    let document = json!({ "schemas": [
        { "type": "a-order", "validation": "reject", "schema": { "properties": { "total": { "$ref": "/v1/schemas/b-money/versions/1" } } } },
        { "type": "b-money", "schema": { "properties": { "unit": { "$ref": "/v1/schemas/c-unit/versions/1" } } } },
        { "type": "c-unit", "schema": { "type": "string" } },
    ]});
    let (status, plan) = apply(&server, "", &document).await;
    assert_eq!(status, 200, "{plan}");
    let order = |unit: Value| {
        event(
            &unit.to_string(),
            "a-order",
            &json!({ "total": { "unit": unit } }),
        )
    };
    server.publish(&order(json!("EUR"))).await;
    let refused = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json")
        .body(order(json!(1)).to_string());
    assert_eq!(server.call(refused).await.0, 422);
}
