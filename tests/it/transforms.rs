//! Transforms of rules and of their targets.

use serde_json::json;
use tempfile::TempDir;

use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::tramline_with;

#[tokio::test]
async fn each_target_gets_what_its_own_transform_makes_of_the_rules_result() {
    let server = Server::start().await;
    let sink = Sink::start().await;
    let target = |name: &str, steps: serde_json::Value| {
        json!({
            "name": name,
            "webhook": { "url": sink.url(&format!("/{name}")), "mode": "data" },
            "transform": steps,
        })
    };
    let rule = json!({
        "match": { "type": ["order"] },
        "transform": [{ "mask": ["$.data.card"] }],
        "targets": [
            target("whole", json!([])),
            target("text", json!([{ "data": "${$.data.id} by ${$.data.card}" }])),
            target("aws", json!([{ "input_transformer": { "paths": { "id": "$.data.id" }, "template": "{\"order\": <id>}" } }])),
        ],
    });
    let tried =
        json!({ "rule": rule, "event": { "type": "order", "data": { "id": "o-1", "card": "4111" } } });
    let tried = server.post("/v1/rules/test", &tried).await;
    assert_eq!(
        tried["output"]["data"],
        json!({ "id": "o-1", "card": "***" }),
        "{tried}"
    );
    assert_eq!(tried["outputs"]["text"]["data"], "o-1 by ***");
    assert_eq!(tried["outputs"]["aws"]["data"], json!({ "order": "o-1" }));

    let (status, answer) = server.put("/v1/buses/default/rules/r", &rule).await;
    assert_eq!(status, 201, "{answer}");
    server
        .publish(&event("1", "order", &json!({ "id": "o-1", "card": "4111" })))
        .await;
    let mut got: Vec<_> = sink
        .wait_for(3)
        .await
        .iter()
        .map(|call| (call.path.clone(), call.json()))
        .collect();
    got.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("/aws", json!({ "order": "o-1" })),
        ("/text", json!("o-1 by ***")),
        ("/whole", json!({ "id": "o-1", "card": "***" })),
    ];
    assert_eq!(got, expected.map(|(path, data)| (path.to_owned(), data)));
}

#[tokio::test]
async fn a_rule_that_masks_with_hashes_is_refused_without_the_key() {
    let server = Server::start().await;
    let rule = json!({
        "match": { "type": ["order"] },
        "targets": [{ "name": "t", "echo": {}, "transform": [{ "mask": [{ "path": "$.data.a", "with": "hash" }] }] }],
    });
    let request = server
        .request(reqwest::Method::PUT, "/v1/buses/default/rules/r")
        .json(&rule);
    let (status, problem) = server.call(request).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["errors"][0]["code"], "secret-not-set", "{problem}");
    assert_eq!(
        problem["errors"][0]["pointer"], "/targets/0/transform",
        "{problem}"
    );
}

#[tokio::test]
async fn tests_in_files_expect_what_each_target_gets() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("r.yaml").display().to_string();
    let file = r#"
rules:
  - name: orders
    match: { type: [order] }
    transform: [{ mask: [{ path: $.data.card, with: hash }] }]
    targets:
      - { name: crm, echo: {}, transform: [{ drop: [$.data.card] }] }
      - { name: audit, echo: {} }
tests:
  - name: the card stays here
    event: { type: order, data: { id: o-1, card: "4111" } }
    expect: { orders: { crm: { data: { id: o-1 } }, audit: { data: { card: CARD } } } }
"#;
    let key = ("TRAMLINE_SECRET_MASK", "key");
    std::fs::write(&path, file.replace("CARD", "8da2d77fb7b26ae52cd6a3d3dc98a3ae")).unwrap();
    let ran = tramline_with(&["rules", "test", &path], &[key], "")
        .await
        .ended(1);
    assert!(
        ran.stdout.contains("orders/audit: /data/card is"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("orders/crm"), "{}", ran.stdout);
    std::fs::write(
        &path,
        file.replace(
            "CARD",
            "9c464c098a52dfc1ee7b44f5ceee9d4a1eff9b6a833bd0f838442611e445adeb",
        ),
    )
    .unwrap();
    tramline_with(&["rules", "test", &path], &[key], "")
        .await
        .ended(0);
}
