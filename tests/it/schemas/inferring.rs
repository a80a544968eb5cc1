//! Schemas proposed from real events.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::registered;
use crate::support::Server;
use crate::support::event;

async fn infer(server: &Server, body: &Value) -> Value {
    let request = server.request(Method::POST, "/v1/schemas/order/infer").json(body);
    let (status, answer) = server.call(request).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn publish_orders(server: &Server, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let mut data = json!({
            "id": format!("o-{number}"), "total": f64::from(number) + 0.5,
            "state": if number % 2 == 0 { "open" } else { "paid" },
            "customer": { "email": format!("c{number}@example.com") }
        });
        if number % 8 == 0 {
            data["coupon"] = json!("SPRING");
        }
        server
            .publish(&event(&format!("e{number}"), "order", &data))
            .await;
    }
}

fn field<'a>(answer: &'a Value, path: &str) -> &'a Value {
    let mut fields = answer["statistics"]["fields"].as_array().expect("fields").iter();
    fields
        .find(|field| field["path"] == path)
        .unwrap_or_else(|| panic!("{path}: {answer}"))
}

#[tokio::test]
async fn a_schema_is_proposed_with_the_evidence_for_it() {
    let server = Server::start().await;
    publish_orders(&server, 0..64).await;
    server
        .publish(&event("x", "payment", &json!({ "other": 1 })))
        .await;
    let answer = infer(&server, &json!({})).await;
    assert_eq!(
        (&answer["events"], &answer["complete"]),
        (&json!(64), &json!(true))
    );
    assert_eq!(
        answer["schema"]["required"],
        json!(["customer", "id", "state", "total"])
    );
    let properties = &answer["schema"]["properties"];
    assert_eq!(properties["total"]["type"], "number");
    assert_eq!(properties["state"]["enum"], json!(["open", "paid"]));
    assert_eq!(properties["coupon"]["type"], "string");
    assert_eq!(field(&answer, "$.coupon")["share_of_events"], json!(0.125));
    let total = field(&answer, "$.total");
    assert_eq!(
        (total["min"].as_f64(), total["max"].as_f64()),
        (Some(0.5), Some(63.5))
    );
    // What is proposed can be registered, and accepts what it was made from.
    let checked = registered(&server, "order", &answer["schema"]).await;
    assert_eq!(
        checked["violations"],
        json!({ "checked": 64, "failed": 0, "samples": [] })
    );
}

#[tokio::test]
async fn events_tell_how_they_drifted_away_from_their_schema() {
    let server = Server::start().await;
    let schema = json!({ "type": "object", "properties": {
        "id": { "type": "string" }, "total": { "type": "integer" }, "gone": { "type": "string" },
        "state": { "enum": ["open"] }, "customer": true
    }});
    registered(&server, "order", &schema).await;
    publish_orders(&server, 0..40).await;
    let answer = infer(&server, &json!({ "sample": 40 })).await;
    assert_eq!(answer["version"], 1);
    let drift = answer["drift"].as_array().expect("drift");
    let kind_of = |path: &str| {
        let found = drift.iter().find(|finding| finding["path"] == path);
        found.map_or("none", |finding| finding["kind"].as_str().expect("a kind"))
    };
    assert_eq!(kind_of("$.coupon"), "not-in-schema");
    assert_eq!(kind_of("$.gone"), "never-seen");
    assert_eq!(kind_of("$.total"), "other-type");
    assert_eq!(kind_of("$.state"), "outside-enum");
    assert_eq!(kind_of("$.id"), "none");
}

#[tokio::test]
async fn a_range_of_events_is_looked_at() {
    let server = Server::start().await;
    publish_orders(&server, 0..20).await;
    let answer = infer(&server, &json!({ "from": 5, "to": "11" })).await;
    assert_eq!(
        (&answer["events"], &answer["complete"]),
        (&json!(6), &json!(true))
    );
    let answer = infer(&server, &json!({ "from": "earliest", "sample": 7 })).await;
    assert_eq!(
        (&answer["events"], &answer["complete"]),
        (&json!(7), &json!(false))
    );
    let answer = infer(&server, &json!({ "sample": 3 })).await;
    assert_eq!(
        field(&answer, "$.total")["min"].as_f64(),
        Some(17.5),
        "the newest ones"
    );
    let answer = infer(
        &server,
        &json!({ "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z" }),
    )
    .await;
    assert_eq!(answer["events"], 0);
}

#[tokio::test]
async fn values_that_a_rule_masks_are_not_shown() {
    let server = Server::start().await;
    server
        .apply(
            "rules: [{ name: r, match: { type: [order] }, transform: [{ mask: ['$.data.customer', '$.data.state'] }],
              targets: [{ name: t, echo: {} }] }]",
        )
        .await;
    publish_orders(&server, 0..60).await;
    let answer = infer(&server, &json!({})).await;
    let catalog = server.get("/v1/catalog?type=order").await;
    for shown in [answer.to_string(), catalog.to_string()] {
        assert!(
            !shown.contains("@example.com") && !shown.contains("paid"),
            "{shown}"
        );
    }
    assert_eq!(catalog["items"][0]["example"]["data"]["customer"], "***");
    let next = json!({ "properties": { "customer": { "properties": { "email": { "type": "integer" } } }, "state": { "const": 1 } } });
    let check = server.post("/v1/schemas/order/check", &next).await;
    assert_eq!(check["violations"]["failed"], 60);
    assert!(
        !check.to_string().contains("@example.com") && !check.to_string().contains("paid"),
        "{check}"
    );
    assert_eq!(field(&answer, "$.customer.email")["types"]["string"], 60);
}

#[tokio::test]
async fn a_request_that_means_nothing_is_refused() {
    let server = Server::start().await;
    for (body, status, code) in [
        (json!({ "sample": 0 }), 400, "invalid-sample"),
        (json!({ "from": "yesterday" }), 400, "invalid-from"),
        (json!({ "bus": "nowhere" }), 404, "no-such-bus"),
        (json!({ "samples": 1 }), 400, "invalid-json"),
    ] {
        let request = server
            .request(Method::POST, "/v1/schemas/order/infer")
            .json(&body);
        let (found, problem) = server.call(request).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let nothing = server
        .call(server.request(Method::POST, "/v1/schemas/order/infer"))
        .await;
    assert_eq!((nothing.0, &nothing.1["events"]), (200, &json!(0)));
}

#[tokio::test]
async fn events_of_several_buses_are_told_apart_by_their_times() {
    let server = Server::start().await;
    server.put("/v1/buses/other", &json!({})).await;
    for number in 0..10 {
        server
            .publish(&event(&format!("a{number}"), "order", &json!({ "n": number })))
            .await;
        server
            .publish_to(
                "other",
                &event(&format!("b{number}"), "order", &json!({ "n": number + 100 })),
            )
            .await;
    }
    let answer = infer(&server, &json!({ "sample": 4 })).await;
    let numbers = field(&answer, "$.n");
    let of = |key: &str| numbers[key].as_u64().expect("a number");
    assert_eq!((of("max"), of("seen")), (109, 4));
    assert!(
        (7..10).contains(&of("min")),
        "the newest of both buses: {numbers}"
    );
    let answer = infer(&server, &json!({ "sample": 5_000, "bus": "other" })).await;
    assert_eq!(
        (&answer["events"], &answer["complete"]),
        (&json!(10), &json!(true))
    );
}
