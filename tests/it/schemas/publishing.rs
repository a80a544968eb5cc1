//! What schemas say about published events.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::registered;
use crate::support::Server;
use crate::support::event;
use crate::support::rules_file;

/// A server with a schema of `order`, which is validated as said.
async fn server_that(validation: &str) -> Server {
    let server = Server::start().await;
    settle(&server, validation).await;
    let document = json!({ "properties": { "total": { "type": "number" }, "items": { "items": { "required": ["sku"] } } } });
    registered(&server, "order", &document).await;
    server
}

async fn settle(server: &Server, validation: &str) {
    let settings = json!({ "validation": validation, "compatibility": "none" });
    assert!(matches!(
        server.put("/v1/schemas/order", &settings).await.0,
        200 | 201
    ));
}

async fn publish(server: &Server, event: &Value) -> (u16, Value) {
    let request = server
        .request(Method::POST, "/events")
        .header("content-type", "application/cloudevents+json");
    server.call(request.body(event.to_string())).await
}

async fn publish_batch(server: &Server, query: &str, events: &Value) -> (u16, Value) {
    let request = server.request(Method::POST, &format!("/v1/buses/default/events{query}"));
    let request = request.header("content-type", "application/cloudevents-batch+json");
    server.call(request.body(events.to_string())).await
}

fn faults(problem: &Value) -> Vec<(Option<u64>, &str, &str)> {
    let errors = problem["errors"].as_array().expect("errors").iter();
    errors
        .map(|error| {
            (
                error["index"].as_u64(),
                error["pointer"].as_str().unwrap_or("-"),
                error["code"].as_str().expect("a code"),
            )
        })
        .collect()
}

#[tokio::test]
async fn reject_refuses_with_a_pointer_for_every_fault_and_stores_nothing() {
    let server = server_that("reject").await;
    let (status, problem) = publish(
        &server,
        &event("1", "order", &json!({ "total": "x", "items": [{}] })),
    )
    .await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("schema-violation")),
        "{problem}"
    );
    assert_eq!(
        faults(&problem),
        [(None, "/total", "type"), (None, "/items/0", "required")]
    );
    assert_eq!(server.last_sequence().await, 0);
    assert_eq!(
        publish(&server, &event("1", "order", &json!({ "total": 1 })))
            .await
            .0,
        202
    );
    assert_eq!(
        publish(&server, &event("2", "other", &json!({ "total": "x" })))
            .await
            .0,
        202
    );
    let metrics = server
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = r#"tramline_schema_violations_total{type="order",validation="reject"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn warn_stores_the_event_with_the_verdict_in_its_timeline() {
    let server = server_that("warn").await;
    server
        .publish(&event("1", "order", &json!({ "total": "x" })))
        .await;
    server.publish(&event("2", "order", &json!({ "total": 1 }))).await;
    server
        .publish(&event("3", "other", &json!({ "total": "x" })))
        .await;
    let bad = server.get("/v1/buses/default/events/1/deliveries").await;
    assert_eq!(
        (&bad["schema"]["valid"], &bad["schema"]["version"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(bad["schema"]["errors"][0]["pointer"], json!("/total"));
    let good = server.get("/v1/buses/default/events/2/deliveries").await;
    assert_eq!(
        good["schema"],
        json!({ "valid": true, "version": 1, "errors": [] })
    );
    assert_eq!(
        server
            .get("/v1/buses/default/events/3/deliveries")
            .await
            .get("schema"),
        None
    );
    let metrics = server
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = r#"tramline_schema_violations_total{type="order",validation="warn"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_change_of_the_schema_decides_every_publish_after_its_answer() {
    let server = server_that("off").await;
    let mut sequence = 0;
    let mut publishes = async |total: Value, expected: u16| {
        sequence += 1;
        let (status, answer) = publish(
            &server,
            &event(&sequence.to_string(), "order", &json!({ "total": total })),
        )
        .await;
        assert_eq!(status, expected, "{answer}");
    };
    publishes(json!("x"), 202).await;
    settle(&server, "reject").await;
    publishes(json!("x"), 422).await;
    registered(
        &server,
        "order",
        &json!({ "properties": { "total": { "type": "string" } } }),
    )
    .await;
    publishes(json!("x"), 202).await;
    publishes(json!(1), 422).await;
    settle(&server, "warn").await;
    publishes(json!(1), 202).await;
    settle(&server, "reject").await;
    assert_eq!(server.delete("/v1/schemas/order").await.0, 204);
    publishes(json!(1), 202).await;
}

#[tokio::test]
async fn dataschema_chooses_the_version_if_it_names_one_of_the_type_here() {
    let server = server_that("reject").await;
    registered(
        &server,
        "order",
        &json!({ "properties": { "total": { "type": "string" } } }),
    )
    .await;
    registered(&server, "free", &json!(true)).await;
    let here = server.url().to_owned();
    for (n, (url, is_first)) in [
        (format!("{here}/v1/schemas/order/versions/1"), true),
        (format!("{here}/v1/schemas/order/versions/2"), false),
        (format!("{here}/v1/schemas/order/versions/3"), false),
        (format!("{here}/v1/schemas/free/versions/1"), false),
        (
            "https://example.com/v1/schemas/order/versions/1".to_owned(),
            false,
        ),
        (
            here.replace("127.0.0.1", "localhost") + "/v1/schemas/order/versions/1",
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        for (total, fits) in [(json!(1), is_first), (json!("x"), !is_first)] {
            let mut event = event(&format!("{n}{fits}"), "order", &json!({ "total": total }));
            event["dataschema"] = json!(url);
            let (status, answer) = publish(&server, &event).await;
            assert_eq!(status, if fits { 202 } else { 422 }, "{url} {answer}");
        }
    }
}

#[tokio::test]
async fn data_that_is_not_json_violates_every_schema() {
    let server = server_that("reject").await;
    for (id, more) in [
        ("text", json!({ "data": "x", "datacontenttype": "text/plain" })),
        (
            "binary",
            json!({ "data_base64": "AAE=", "datacontenttype": "application/octet-stream" }),
        ),
        ("none", json!({})),
    ] {
        let mut event = json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": "order" });
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (status, problem) = publish(&server, &event).await;
        assert_eq!(
            (status, faults(&problem)),
            (422, vec![(None, "", "not-json")]),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn of_a_batch_the_first_bad_entry_gives_the_status_and_nothing_is_stored() {
    let server = server_that("reject").await;
    let (good, bad) = (json!({ "total": 1 }), json!({ "total": "x" }));
    let malformed = json!({ "specversion": "1.0", "id": "m", "type": "order" });
    let batch = json!([
        event("1", "order", &good),
        event("2", "order", &bad),
        event("3", "order", &bad)
    ]);
    let (status, problem) = publish_batch(&server, "", &batch).await;
    assert_eq!((status, &problem["code"]), (422, &json!("schema-violation")));
    assert_eq!(
        faults(&problem),
        [(Some(1), "/total", "type"), (Some(2), "/total", "type")]
    );
    let mixed = json!([event("1", "order", &good), event("2", "order", &bad), malformed]);
    let (status, problem) = publish_batch(&server, "", &mixed).await;
    assert_eq!(
        (
            status,
            &problem["code"],
            problem["errors"].as_array().unwrap().len()
        ),
        (422, &json!("schema-violation"), 2)
    );
    let mixed = json!([malformed, event("2", "order", &bad)]);
    let (status, problem) = publish_batch(&server, "", &mixed).await;
    assert_eq!(
        (status, &problem["errors"][1]["code"]),
        (400, &json!("schema-violation")),
        "{problem}"
    );
    assert_eq!(server.last_sequence().await, 0);

    let batch = json!([
        event("1", "order", &good),
        event("2", "order", &bad),
        malformed,
        event("4", "other", &bad)
    ]);
    let (status, reply) = publish_batch(&server, "?partial=true", &batch).await;
    assert_eq!(status, 200, "{reply}");
    let results = reply["results"].as_array().unwrap();
    assert_eq!(
        (&results[0]["sequence"], &results[3]["sequence"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        (&results[1]["error"]["code"], &results[1]["error"]["index"]),
        (&json!("schema-violation"), &json!(1))
    );
    assert_eq!(results[2]["error"]["index"], json!(2));
}

#[tokio::test]
async fn large_data_is_judged_as_small_data_is() {
    let server = server_that("reject").await;
    let mut items = vec![json!({ "sku": "x".repeat(100) }); 2_000];
    let (status, answer) = publish(&server, &event("1", "order", &json!({ "items": items }))).await;
    assert_eq!(status, 202, "{answer}");
    items.push(json!({}));
    let (status, problem) = publish(&server, &event("2", "order", &json!({ "items": items }))).await;
    assert_eq!(
        (status, faults(&problem)),
        (422, vec![(None, "/items/2000", "required")])
    );
}

#[tokio::test]
async fn an_event_from_another_bus_that_violates_the_schema_is_a_dead_letter() {
    let server = Server::start().await;
    assert_eq!(
        server
            .put("/v1/schemas/order", &json!({ "validation": "warn" }))
            .await
            .0,
        201
    );
    registered(&server, "order", &json!({ "required": ["total"] })).await;
    assert_eq!(server.put("/v1/buses/other", &json!({})).await.0, 201);
    let rule =
        json!({ "match": { "type": ["order"] }, "targets": [{ "name": "b", "bus": { "name": "other" } }] });
    let (status, answer) = server.put("/v1/buses/default/rules/r", &rule).await;
    assert_eq!(status, 201, "{answer}");
    server.publish(&event("1", "order", &json!({}))).await;
    server.settled(1, "delivered").await;
    assert_eq!(server.delete("/v1/buses/default/rules/r").await.0, 204);

    server.publish(&event("2", "order", &json!({}))).await;
    assert_eq!(server.put("/v1/buses/default/rules/r", &rule).await.0, 201);
    assert_eq!(
        server
            .put("/v1/buses/other", &json!({ "unregistered_sources": "reject" }))
            .await
            .0,
        200
    );
    server.publish(&event("3", "order", &json!({ "total": 1 }))).await;
    let letter = &server.dead_letters(1).await[0];
    assert_eq!(letter["code"], json!("source-not-registered"), "{letter}");
}

#[tokio::test]
async fn rules_match_what_a_schema_let_through() {
    let server = server_that("reject").await;
    server
        .apply(&rules_file("r", "order", "http://127.0.0.1:9/"))
        .await;
    let result = server.publish(&event("1", "order", &json!({ "total": 1 }))).await;
    assert_eq!(result["matched"], json!(["r"]));
}
