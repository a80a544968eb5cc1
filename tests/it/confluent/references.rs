//! Schemas that name others.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::get;
use super::post;
use super::refused;
use super::registered;
use crate::support::Server;

/// A schema that names `money.json`, which is a version of a subject.
fn order(base: Option<&str>, subject: &str, version: i64) -> Value {
    let mut schema = json!({
        "title": "order",
        "properties": { "total": { "$ref": "money.json#/definitions/amount" }, "tip": { "$ref": "money.json" } },
    });
    if let Some(base) = base {
        schema["$id"] = json!(base);
    }
    json!({
        "schemaType": "JSON",
        "schema": schema.to_string(),
        "references": [{ "name": "money.json", "subject": subject, "version": version }],
    })
}

fn money() -> Value {
    json!({ "$id": "https://example.com/money", "type": "number", "definitions": { "amount": { "minimum": 0 } } })
}

async fn is_valid(server: &Server, kind: &str, data: &Value) -> bool {
    let verdict = server.post(&format!("/v1/schemas/{kind}/validate"), data).await;
    verdict["valid"] == json!(true)
}

#[tokio::test]
async fn a_schema_refers_to_others_by_the_names_in_its_references() {
    let mut server = Server::start().await;
    registered(&server, "a%2Fmoney", &money()).await;
    let bases = [
        ("plain", None, ""),
        ("based", Some("https://example.com/order"), "json-schema://"),
    ];
    for (kind, base, root) in bases {
        let path = format!("/subjects/{kind}/versions");
        let (status, first) = post(&server, &path, &order(base, "a/money", 1)).await;
        assert_eq!(status, 200, "{first}");
        let (_, again) = post(&server, &path, &order(base, "a/money", -1)).await;
        assert_eq!(again, first, "-1 is the latest");
        let (status, found) = post(&server, &format!("/subjects/{kind}"), &order(base, "a/money", 1)).await;
        assert_eq!((status, &found["id"]), (200, &first["id"]), "{found}");
        // Clients give what they resolve the name of a reference by, and find it in the schema.
        let name = format!("{root}/v1/schemas/a%2Fmoney/versions/1");
        let expected = json!([{ "name": name, "subject": "a/money", "version": 1 }]);
        let shown = get(&server, &format!("/subjects/{kind}/versions/1")).await;
        assert_eq!(shown["references"], expected);
        let schema: Value = serde_json::from_str(shown["schema"].as_str().unwrap()).unwrap();
        assert_eq!(
            schema["properties"]["total"]["$ref"],
            json!(format!("{name}#/definitions/amount"))
        );
        // As it is shown it can be registered again.
        let again = json!({ "schemaType": "JSON", "schema": shown["schema"], "references": expected });
        assert_eq!(post(&server, &path, &again).await.1["id"], first["id"]);
    }
    // Who names the money by way of an order is no user of the money.
    let far = json!({ "items": { "$ref": "/v1/schemas/plain/versions/1" } });
    registered(&server, "far", &far).await;
    for _ in 0..2 {
        for (kind, _, _) in bases {
            assert!(is_valid(&server, kind, &json!({ "total": 1, "tip": 1 })).await);
            assert!(!is_valid(&server, kind, &json!({ "total": -1 })).await);
            assert!(!is_valid(&server, kind, &json!({ "tip": "x" })).await);
        }
        let users = get(
            &server,
            "/subjects/a%2Fmoney/versions/1/referencedby?offset=0&limit=-1",
        )
        .await;
        assert_eq!(users, json!([2, 3]));
        server.kill().await;
        server.restart().await;
    }
    let path = "/subjects/a%2Fmoney?permanent=true";
    refused(&server, Method::DELETE, path, None, 42206).await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_told_by_its_name() {
    let server = Server::start().await;
    registered(&server, "money", &money()).await;
    for (subject, version) in [("money", 2), ("money", 0), ("none", 1), ("none", -1)] {
        for path in [
            "/subjects/t/versions",
            "/subjects/money",
            "/compatibility/subjects/t/versions",
        ] {
            let request = order(None, subject, version);
            let message = refused(&server, Method::POST, path, Some(&request), 42201).await;
            assert!(
                message.contains("money.json") && message.contains(subject),
                "{message}"
            );
        }
    }
    let mut nameless = order(None, "money", 1);
    nameless["references"][0]["name"] = json!("other.json");
    let path = "/subjects/t/versions";
    let message = refused(&server, Method::POST, path, Some(&nameless), 42201).await;
    assert!(message.contains("/$ref"), "{message}");
}

#[tokio::test]
async fn a_schema_that_refers_by_url_shows_what_it_refers_to() {
    let server = Server::start().await;
    registered(&server, "money", &money()).await;
    for (kind, url) in [
        ("near", "/v1/schemas/money/versions/1".to_owned()),
        ("far", format!("{}/v1/schemas/money/versions/1", server.url())),
    ] {
        let document = json!({ "items": { "$ref": url } });
        server
            .post(&format!("/v1/schemas/{kind}/versions"), &document)
            .await;
        let shown = get(&server, &format!("/subjects/{kind}/versions/latest")).await;
        assert_eq!(
            shown["references"],
            json!([{ "name": url, "subject": "money", "version": 1 }])
        );
    }
}
