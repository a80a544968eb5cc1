//! Which documents become versions.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::register;
use super::registered;
use crate::support::Server;

#[tokio::test]
async fn versions_are_numbered_and_the_same_content_is_the_old_one() {
    let server = Server::start().await;
    let first = registered(&server, "t", &json!({ "type": "object", "title": "a" })).await;
    let version = json!({ "type": "t", "version": 1, "id": 1, "url": "/v1/schemas/t/versions/1" });
    let mut expected = version.clone();
    expected["breaks"] = json!([]);
    expected["violations"] = json!({ "checked": 0, "failed": 0, "samples": [] });
    assert_eq!(first, expected);
    let entry = server.get("/v1/schemas/t").await;
    assert_eq!(
        (&entry["validation"], &entry["compatibility"]),
        (&json!("warn"), &json!("backward"))
    );
    registered(&server, "t", &json!({ "type": "object", "title": "b" })).await;
    // Other words for the same: the order of members, and how numbers are spelled.
    let (status, again) = register(&server, "t", &json!({ "title": "a", "type": "object" })).await;
    assert_eq!((status, &again), (200, &expected));
    let entry = server.get("/v1/schemas/t").await;
    assert_eq!(
        (&entry["latest"], entry["versions"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    assert_eq!(entry["versions"][0], version);
}

#[tokio::test]
async fn an_incompatible_version_is_refused_with_reasons_and_a_counter_example() {
    let server = Server::start().await;
    registered(
        &server,
        "t",
        &json!({ "type": "object", "properties": { "a": { "type": "string" } } }),
    )
    .await;
    let next = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let (status, problem) = register(&server, "t", &next).await;
    assert_eq!(
        (status, &problem["code"], &problem["verdict"]),
        (409, &json!("incompatible-schema"), &json!("incompatible"))
    );
    assert_eq!(problem["reasons"][0]["rule"], json!("required-added"));
    assert_eq!(
        (
            &problem["reasons"][0]["version"],
            &problem["reasons"][0]["direction"]
        ),
        (&json!(1), &json!("backward"))
    );
    assert_eq!(problem["reasons"][0]["counter_example"], json!({}));
    assert_eq!(problem["errors"][0]["code"], json!("required-added"));
    let check = server.post("/v1/schemas/t/check", &next).await;
    assert_eq!(
        (&check["compatible"], &check["reasons"]),
        (&json!(false), &problem["reasons"])
    );
    assert_eq!(
        (&check["breaks"], &check["violations"]["checked"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(
        server.get("/v1/schemas/t").await["latest"],
        json!(1),
        "a check stores nothing"
    );

    assert_eq!(
        server
            .put("/v1/schemas/t", &json!({ "compatibility": "forward" }))
            .await
            .0,
        200
    );
    assert_eq!(
        server.post("/v1/schemas/t/check", &next).await["verdict"],
        json!("compatible")
    );
    registered(&server, "t", &next).await;
    let fresh = server.post("/v1/schemas/unheard-of/check", &next).await;
    assert_eq!(
        (&fresh["compatible"], &fresh["verdict"], &fresh["reasons"]),
        (&json!(true), &json!("compatible"), &json!([]))
    );
    let known = server.get("/v1/schemas").await;
    assert_eq!(
        known["items"].as_array().unwrap().len(),
        1,
        "a check creates nothing"
    );
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_unless_it_is_accepted() {
    let server = Server::start().await;
    // Whether `pattern` leaves anything that the conditions let through is beyond the bounds of the proof.
    let old = json!({ "type": "string", "pattern": "^(a|b|c|d)*(a|b)(a|b|c|d){18}$" });
    let new = json!({ "type": "string", "pattern": "^(a|b|c|d)*(b|a)(d|c|b|a){18}$", "title": "new" });
    registered(&server, "t", &old).await;
    let check = server.post("/v1/schemas/t/check", &new).await;
    assert_eq!(
        (&check["verdict"], &check["compatible"]),
        (&json!("undecided"), &json!(false)),
        "{check}"
    );
    let (status, problem) = register(&server, "t", &new).await;
    assert_eq!((status, &problem["verdict"]), (409, &json!("undecided")));
    let request = server
        .request(Method::POST, "/v1/schemas/t/versions?accept_undecided=true")
        .json(&new);
    assert_eq!(server.call(request).await.0, 201);
}

#[tokio::test]
async fn a_document_that_cannot_be_used_is_refused_with_code_and_pointer() {
    let server = Server::start().await;
    for (document, code, pointer) in [
        (json!({ "type": "strung" }), "invalid-schema", "/type"),
        (
            json!({ "properties": { "a": { "$ref": "https://example.com/a.json" } } }),
            "remote-reference",
            "/properties/a/$ref",
        ),
        (
            json!({ "$ref": "file:///etc/passwd" }),
            "remote-reference",
            "/$ref",
        ),
        (json!({ "$ref": "#/$defs/none" }), "dangling-reference", "/$ref"),
        (
            json!({ "$ref": "/v1/schemas/none/versions/1" }),
            "remote-reference",
            "/$ref",
        ),
        (
            json!({ "$schema": "https://example.com/draft" }),
            "unknown-draft",
            "/$schema",
        ),
        (json!("text"), "not-a-schema", ""),
        (json!({ "pattern": "(" }), "invalid-pattern", "/pattern"),
    ] {
        for path in ["versions", "check"] {
            let request = server
                .request(Method::POST, &format!("/v1/schemas/t/{path}"))
                .json(&document);
            let (status, problem) = server.call(request).await;
            let said = (
                problem["code"].as_str().unwrap(),
                problem["errors"][0]["pointer"].as_str().unwrap(),
            );
            assert_eq!((status, said), (422, (code, pointer)), "{problem}");
        }
    }
    let request = server.request(Method::POST, "/v1/schemas/t/versions").body("{");
    let (status, problem) = server.call(request).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-json")));
    let large = json!({ "description": "x".repeat(600_000) });
    let (status, problem) = register(&server, "t", &large).await;
    assert_eq!((status, &problem["code"]), (413, &json!("schema-too-large")));
    assert_eq!(
        server.get("/v1/schemas").await["items"],
        json!([]),
        "nothing was created"
    );
}

#[tokio::test]
async fn schemas_refer_to_registered_ones_by_their_url_and_hold_them() {
    let mut server = Server::start().await;
    let money = registered(&server, "money", &json!({ "type": "number", "minimum": 0 })).await;
    let url = money["url"].as_str().unwrap().to_owned();
    let absolute = format!("{}{url}", server.url());
    for (kind, reference) in [("order", &url), ("bill", &absolute)] {
        registered(
            &server,
            kind,
            &json!({ "properties": { "total": { "$ref": reference } } }),
        )
        .await;
    }
    for round in 0..2 {
        for kind in ["order", "bill"] {
            let judge = async |data: Value| server.post(&format!("/v1/schemas/{kind}/validate"), &data).await;
            assert_eq!(judge(json!({ "total": 1 })).await["valid"], json!(true));
            assert_eq!(
                judge(json!({ "total": -1 })).await["errors"][0]["pointer"],
                json!("/total")
            );
        }
        let (status, problem) = server.delete("/v1/schemas/money").await;
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("schema-in-use")),
            "{problem}"
        );
        if round == 0 {
            // The port is another one afterwards: what was accepted stays.
            server.kill().await;
            server.restart().await;
        }
    }
    for kind in ["order", "bill", "money"] {
        assert_eq!(server.delete(&format!("/v1/schemas/{kind}")).await.0, 204);
    }
}

#[tokio::test]
async fn the_number_of_a_version_never_names_another_document() {
    let server = Server::start().await;
    registered(&server, "t", &json!({ "type": "string" })).await;
    assert_eq!(server.delete("/v1/schemas/t").await.0, 204);
    let again = registered(&server, "t", &json!({ "type": "number" })).await;
    assert_eq!(again["version"], json!(2));
    let old = server.request(Method::GET, "/v1/schemas/t/versions/1");
    assert_eq!(server.call(old).await.0, 404);
}

#[tokio::test]
async fn of_many_documents_registered_at_once_each_is_one_version() {
    let server = Server::start().await;
    assert_eq!(
        server
            .put("/v1/schemas/t", &json!({ "compatibility": "none" }))
            .await
            .0,
        201
    );
    let documents: Vec<_> = (0..4).map(|n| json!({ "const": n })).collect();
    let calls = (0..12).map(|n| register(&server, "t", &documents[n % 4]));
    let answers = futures_util::future::join_all(calls).await;
    let mut versions: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status == 201)
        .map(|(_, answer)| answer["version"].as_u64().unwrap())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions, [1, 2, 3, 4], "{answers:?}");
    assert!(
        answers.iter().all(|(status, _)| matches!(status, 200 | 201)),
        "{answers:?}"
    );
    assert_eq!(server.get("/v1/schemas/t").await["latest"], json!(4));
}
