//! Sources of buses, and what buses refuse.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::event;

const SHOP: &str = "/v1/buses/default/sources/shop";

async fn publish(server: &Server, source: &str, kind: &str) -> (u16, Value) {
    let mut event = event(&format!("{source}{kind}"), kind, &json!(1));
    event["source"] = json!(source);
    let request = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json");
    server.call(request.body(event.to_string())).await
}

#[tokio::test]
async fn a_source_is_registered_shown_listed_and_removed() {
    let mut server = Server::start().await;
    assert_eq!(
        server.call(server.request(Method::GET, SHOP)).await.1["code"],
        json!("no-such-source")
    );
    let given = json!({ "source": "/shop/*", "types": ["com.example.order.*"], "owner": "team-a", "contact": "a@example.com" });
    let (status, created) = server.put(SHOP, &given).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(
        (&created["bus"], &created["name"], &created["description"]),
        (&json!("default"), &json!("shop"), &Value::Null)
    );
    for (key, value) in given.as_object().unwrap() {
        assert_eq!(&created[key], value);
    }
    assert_eq!(server.put(SHOP, &given).await, (200, created.clone()));
    server.kill().await;
    server.restart().await;
    assert_eq!(
        server.get("/v1/buses/default/sources").await["items"],
        json!([created])
    );
    let stale = server
        .request(Method::PUT, SHOP)
        .header("if-match", "\"0\"")
        .json(&given);
    assert_eq!(server.call(stale).await.0, 412);
    for (bad, code) in [
        (json!({}), "missing-field"),
        (json!({ "source": "a*b" }), "invalid-value"),
        (json!({ "source": "/a", "typs": [] }), "unknown-key"),
    ] {
        let (status, problem) = server.put(SHOP, &bad).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            (422, code),
            "{problem}"
        );
    }
    assert_eq!(
        server.put("/v1/buses/none/sources/shop", &given).await.1["code"],
        json!("no-such-bus")
    );
    assert_eq!(
        server.put("/v1/buses/default/sources/-", &given).await.1["code"],
        json!("invalid-name")
    );
    assert_eq!(server.delete(SHOP).await.0, 204);
    assert_eq!(server.delete(SHOP).await.0, 404);
}

#[tokio::test]
async fn a_bus_refuses_only_what_it_was_told_to() {
    let mut server = Server::start().await;
    let expected = json!({ "unregistered_sources": "accept", "undeclared_types": "accept" });
    let shown = server.get("/v1/buses/default").await;
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[key], value);
    }
    server
        .put(SHOP, &json!({ "source": "/shop/*", "types": ["order.*"] }))
        .await;
    assert_eq!(publish(&server, "/any", "any").await.0, 202);

    let (status, bus) = server
        .put("/v1/buses/default", &json!({ "unregistered_sources": "reject" }))
        .await;
    assert_eq!((status, &bus["unregistered_sources"]), (200, &json!("reject")));
    let (status, problem) = publish(&server, "/elsewhere", "order.placed").await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("source-not-registered")),
        "{problem}"
    );
    assert_eq!(publish(&server, "/shop/1", "any").await.0, 202);

    server
        .put("/v1/buses/default", &json!({ "undeclared_types": "reject" }))
        .await;
    assert_eq!(
        publish(&server, "/elsewhere", "any").await.0,
        202,
        "what is left out has its default"
    );
    let (status, problem) = publish(&server, "/shop/2", "any").await;
    assert_eq!(
        (status, &problem["code"]),
        (403, &json!("type-not-declared")),
        "{problem}"
    );
    assert_eq!(publish(&server, "/shop/2", "order.placed").await.0, 202);
    server
        .put(
            "/v1/buses/default/sources/other",
            &json!({ "source": "/shop/2", "types": ["any"] }),
        )
        .await;
    assert_eq!(
        publish(&server, "/shop/2", "any").await.0,
        202,
        "one of its registrations is enough"
    );

    server.kill().await;
    server.restart().await;
    assert_eq!(publish(&server, "/shop/3", "any").await.0, 403);
    let nothing_said = server.request(Method::PUT, "/v1/buses/default");
    assert_eq!(
        server.call(nothing_said).await.1["undeclared_types"],
        json!("reject")
    );
    let (status, problem) = server
        .put("/v1/buses/default", &json!({ "undeclared_types": "no" }))
        .await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid-value")));
    let rules = server.get("/v1/buses/default").await;
    assert_eq!(rules["generation"], json!(1), "the ruleset is another matter");
}

#[tokio::test]
async fn of_a_batch_each_bad_entry_is_named() {
    let server = Server::start().await;
    server
        .put(SHOP, &json!({ "source": "/tests", "types": ["a"] }))
        .await;
    server
        .put(
            "/v1/buses/default",
            &json!({ "undeclared_types": "reject", "unregistered_sources": "reject" }),
        )
        .await;
    let mut foreign = event("3", "a", &json!(1));
    foreign["source"] = json!("/foreign");
    let batch = json!([event("1", "a", &json!(1)), event("2", "b", &json!(1)), foreign]);
    let send = async |query: &str| {
        let request = server.request(Method::POST, &format!("/v1/buses/default/events{query}"));
        let request = request.header("content-type", "application/cloudevents-batch+json");
        server.call(request.body(batch.to_string())).await
    };
    let (status, problem) = send("").await;
    assert_eq!((status, &problem["code"]), (403, &json!("type-not-declared")));
    assert_eq!(
        (&problem["errors"][0]["index"], &problem["errors"][1]["index"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(problem["errors"][1]["code"], json!("source-not-registered"));
    assert_eq!(server.last_sequence().await, 0);
    let (status, reply) = send("?partial=true").await;
    assert_eq!((status, &reply["results"][0]["sequence"]), (200, &json!(1)));
    assert_eq!(
        reply["results"][2]["error"]["code"],
        json!("source-not-registered")
    );
}
