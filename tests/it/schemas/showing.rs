//! The catalog as consumers see it, and the `AsyncAPI` document of a bus.

use serde_json::Value;
use serde_json::json;

use super::registered;
use crate::peers::asyncapi;
use crate::support::Server;
use crate::support::event;

async fn found(server: &Server, query: &str) -> Vec<String> {
    let list = server.get(&format!("/v1/catalog{query}")).await;
    let items = list["items"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter();
    items
        .map(|item| item["type"].as_str().expect("a type").to_owned())
        .collect()
}

/// A server with two teams: shop publishes orders, and billing declares invoices.
async fn server() -> Server {
    let server = Server::start().await;
    let shop = json!({ "source": "/shop/*", "owner": "Team Shop", "types": ["order.*"] });
    let billing = json!({ "source": "/billing", "owner": "Team Billing", "types": ["invoice.sent"] });
    server.put("/v1/buses/default/sources/shop", &shop).await;
    server.put("/v1/buses/default/sources/billing", &billing).await;
    server.put("/v1/buses/audit", &json!({})).await;
    server
        .put(
            "/v1/schemas/order.created",
            &json!({ "description": "An order was placed", "validation": "reject" }),
        )
        .await;
    let schema = json!({ "type": "object", "required": ["id"], "properties": {
        "id": { "type": "string" },
        "customer": { "type": "object", "properties": { "email": { "type": "string", "description": "where invoices go" } } },
        "items": { "type": "array", "items": { "$ref": "#/$defs/item" } }
    }, "$defs": { "item": { "type": "object", "properties": { "sku": { "type": "string" } } } } });
    registered(&server, "order.created", &schema).await;
    server
        .apply(
            "rules: [{ name: ship, match: { type: [order.created], data: { items: { sku: [{ exists: true }] } } },
              targets: [{ name: t, echo: {} }] }]",
        )
        .await;
    for number in 0..3 {
        let mut one = event(
            &number.to_string(),
            "order.created",
            &json!({ "id": "x", "items": [{ "sku": "a" }] }),
        );
        one["source"] = json!("/shop/berlin");
        server.publish(&one).await;
    }
    server
        .publish_to(
            "audit",
            &event("1", "login", &json!({ "user": { "name": "bo" } })),
        )
        .await;
    server
}

#[tokio::test]
async fn every_type_is_listed_that_was_seen_registered_or_declared() {
    let server = server().await;
    assert_eq!(
        found(&server, "").await,
        ["invoice.sent", "login", "order.created"]
    );
    let list = server.get("/v1/catalog?type=order.created").await;
    let item = &list["items"][0];
    assert_eq!((&item["count"], &item["owner"]), (&json!(3), &json!("Team Shop")));
    assert_eq!(item["description"], "An order was placed");
    assert_eq!(
        (
            &item["schema"]["version"],
            &item["schema"]["url"],
            &item["schema"]["validation"]
        ),
        (
            &json!(1),
            &json!("/v1/schemas/order.created/versions/1"),
            &json!("reject")
        )
    );
    assert_eq!(item["buses"], json!(["default"]));
    assert_eq!(
        item["example"]["data"],
        json!({ "id": "x", "items": [{ "sku": "a" }] })
    );
    let source = json!({ "bus": "default", "source": "/shop/berlin", "name": "shop", "owner": "Team Shop", "count": 3 });
    assert_eq!(item["sources"], json!([source]));
    assert_eq!(
        item["rules"],
        json!([{ "bus": "default", "rule": "ship", "paths": ["$.data.items.sku"] }])
    );
    assert!(item["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{item}");
    assert!(item["last_seen"].is_string() && item["first_seen"].is_string());
    let fields: Vec<_> = item["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| field["path"].clone())
        .collect();
    let expected = [
        "$.data.id",
        "$.data.customer",
        "$.data.customer.email",
        "$.data.items",
        "$.data.items[*].sku",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn the_catalog_is_searched_by_words_paths_owners_types_and_buses() {
    let server = server().await;
    for (query, expected) in [
        ("?q=order", vec!["order.created"]),
        ("?q=PLACED%20order", vec!["order.created"]),
        ("?q=customer.email", vec!["order.created"]),
        ("?q=$.data.items[*].sku", vec!["order.created"]),
        ("?q=items.sku", vec!["order.created"]),
        ("?q=invoices%20go", vec!["order.created"]),
        ("?q=user.name", vec!["login"]),
        ("?q=billing", vec!["invoice.sent"]),
        ("?q=order%20login", vec![]),
        ("?owner=team%20shop", vec!["order.created"]),
        ("?owner=nobody", vec![]),
        ("?type=order.*", vec!["order.created"]),
        ("?bus=audit", vec!["login"]),
        ("?bus=default&q=login", vec![]),
    ] {
        assert_eq!(found(&server, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_catalog_has_pages() {
    let server = server().await;
    let first = server.get("/v1/catalog?limit=2").await;
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/catalog?limit=2&cursor={cursor}")).await;
    assert_eq!(
        (&second["items"][0]["type"], &second["next_cursor"]),
        (&json!("order.created"), &Value::Null)
    );
    for (query, code) in [
        ("?limit=0", "invalid-limit"),
        ("?cursor=!", "invalid-cursor"),
        ("?query=x", "invalid-query"),
    ] {
        let (status, problem) = server
            .call(server.request(reqwest::Method::GET, &format!("/v1/catalog{query}")))
            .await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{problem}");
    }
    let (status, _) = server
        .call(server.request(reqwest::Method::GET, "/v1/catalog?bus=nowhere"))
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_bus_is_described_as_an_asyncapi_document() {
    let server = server().await;
    let document = server.get("/v1/buses/default/asyncapi").await;
    assert_eq!(document["asyncapi"], "3.0.0");
    let messages = document["components"]["messages"].as_object().expect("messages");
    let names: Vec<_> = messages
        .values()
        .map(|message| message["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["invoice.sent", "order.created"]);
    let order = messages
        .values()
        .find(|message| message["name"] == "order.created")
        .expect("the message");
    assert_eq!(order["examples"][0]["payload"]["id"], "x");
    let payload = order["payload"]["$ref"].as_str().expect("a reference");
    let component = &document["components"]["schemas"][payload.rsplit('/').next().unwrap_or_default()];
    assert_eq!(
        component["schemaFormat"],
        "application/schema+json;version=draft-2020-12"
    );
    let audit = server.get("/v1/buses/audit/asyncapi").await;
    assert_eq!(
        audit["components"]["messages"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    let nowhere = server
        .call(server.request(reqwest::Method::GET, "/v1/buses/nowhere/asyncapi"))
        .await;
    assert_eq!(nowhere.0, 404);
}

/// Schemas of every draft, with references inside and to one another, and words that look like references.
#[tokio::test]
async fn the_parser_of_asyncapi_finds_no_error_in_the_document_of_a_bus() {
    let server = server().await;
    registered(
        &server,
        "money",
        &json!({ "type": "object", "properties": { "amount": { "type": "number" } } }),
    )
    .await;
    for (kind, schema) in [
        (
            "draft4",
            json!({ "$schema": "http://json-schema.org/draft-04/schema#", "id": "http://example.com/a", "definitions": { "n": { "type": "integer", "minimum": 0, "exclusiveMinimum": true } }, "properties": { "n": { "$ref": "#/definitions/n" } } }),
        ),
        (
            "draft6",
            json!({ "$schema": "http://json-schema.org/draft-06/schema#", "contains": { "const": 1 } }),
        ),
        (
            "draft7",
            json!({ "$schema": "http://json-schema.org/draft-07/schema#", "if": { "required": ["a"] }, "then": { "required": ["b"] } }),
        ),
        (
            "draft2019",
            json!({ "$schema": "https://json-schema.org/draft/2019-09/schema", "$anchor": "top", "properties": { "inner": { "$ref": "#top" } } }),
        ),
        (
            "refers",
            json!({ "properties": { "total": { "$ref": "/v1/schemas/money/versions/1" }, "$ref": { "type": "string" } } }),
        ),
        ("anything", json!(true)),
        ("a/b ~c", json!({ "type": "string", "const": "$ref" })),
    ] {
        registered(&server, &kind.replace('/', "%2F").replace(' ', "%20"), &schema).await;
    }
    server
        .publish(&event(
            "ref",
            "refers",
            &json!({ "total": { "amount": 1 }, "$ref": "#/nowhere" }),
        ))
        .await;
    let documents = [
        server.get("/v1/buses/default/asyncapi").await,
        server.get("/v1/buses/audit/asyncapi").await,
        Server::start().await.get("/v1/buses/default/asyncapi").await,
    ];
    assert!(
        documents[0]["components"]["messages"]
            .as_object()
            .is_some_and(|messages| messages.len() == 10),
        "{}",
        documents[0]
    );
    for (document, errors) in documents.iter().zip(asyncapi::errors(&documents).await) {
        assert!(errors.is_empty(), "{errors:?}\n{document}");
    }
}
