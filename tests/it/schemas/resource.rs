//! The resource `/v1/schemas`: settings, lists, documents, data.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::registered;
use crate::support::Server;

#[tokio::test]
async fn settings_are_written_shown_listed_and_deleted() {
    let server = Server::start().await;
    let path = "/v1/schemas/com.example.order";
    assert_eq!(server.call(server.request(Method::GET, path)).await.0, 404);
    let (status, created) = server.put(path, &json!({ "validation": "reject" })).await;
    assert_eq!(status, 201, "{created}");
    let expected = json!({
        "type": "com.example.order", "revision": created["revision"], "latest": null, "versions": [],
        "compatibility": "backward", "policy": "lenient", "validation": "reject", "description": null,
    });
    assert_eq!(created, expected);
    let (status, same) = server.put(path, &created).await;
    assert_eq!((status, &same), (200, &created), "what is shown can be sent back");
    assert_eq!(
        server.get("/v1/schemas").await["items"][0]["type"],
        json!("com.example.order")
    );

    let stale = server
        .request(Method::PUT, path)
        .header("if-match", "\"0\"")
        .json(&json!({}));
    assert_eq!(server.call(stale).await.0, 412);
    let etag = format!("\"{}\"", created["revision"]);
    let fresh = server
        .request(Method::PUT, path)
        .header("if-match", etag)
        .json(&json!({}));
    let (status, changed) = server.call(fresh).await;
    assert_eq!(
        (status, &changed["validation"]),
        (200, &json!("warn")),
        "what is left out has its default"
    );

    for (bad, code) in [
        (json!({ "compatibility": "sideways" }), "invalid-value"),
        (json!({ "validaton": "off" }), "unknown-key"),
        (json!([]), "invalid-type"),
    ] {
        let (status, problem) = server.put(path, &bad).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            (422, code),
            "{problem}"
        );
    }
    assert_eq!(server.delete(path).await.0, 204);
    let (status, problem) = server.delete(path).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-schema")));
}

#[tokio::test]
async fn a_type_may_hold_any_character_that_a_path_can_escape() {
    let mut server = Server::start().await;
    for (path, kind) in [
        ("a%2Fb", "a/b"),
        ("%C3%A4%20%3F%23%25", "ä ?#%"),
        ("versions", "versions"),
    ] {
        let document = registered(&server, path, &json!({ "type": "integer" })).await;
        assert_eq!(document["type"], json!(kind));
        let url = document["url"].as_str().unwrap();
        assert_eq!(server.get(url).await, json!({ "type": "integer" }), "{url}");
    }
    server.kill().await;
    server.restart().await;
    let types: Vec<_> = server.get("/v1/schemas").await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["type"].clone())
        .collect();
    assert_eq!(types, [json!("a/b"), json!("versions"), json!("ä ?#%")]);
    let long = "x".repeat(1025);
    for bad in [long.as_str(), "a%0Ab"] {
        let (status, problem) = server.put(&format!("/v1/schemas/{bad}"), &json!({})).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid-type")));
    }
}

#[tokio::test]
async fn documents_are_served_as_they_were_said_with_their_number_as_tag() {
    let mut server = Server::start().await;
    registered(&server, "t", &json!({ "const": "\u{0}" })).await;
    let text = r#"{"z":1.0,"enum":[123456789012345678901234567890,1e+2,"\u0000"],"a":{}}"#;
    let put = server
        .put("/v1/schemas/t", &json!({ "compatibility": "none" }))
        .await;
    assert_eq!(put.0, 200);
    let request = server.request(Method::POST, "/v1/schemas/t/versions").body(text);
    let (status, second) = server.call(request).await;
    assert_eq!(
        (status, &second["version"], &second["id"]),
        (201, &json!(2), &json!(2))
    );
    for round in 0..2 {
        let response = server
            .request(Method::GET, "/v1/schemas/t/versions/latest")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "application/schema+json");
        assert_eq!(response.headers()["etag"], "\"2\"");
        assert_eq!(response.text().await.unwrap(), text);
        let known = server
            .request(Method::GET, "/v1/schemas/t/versions/2")
            .header("if-none-match", "\"2\"");
        assert_eq!(known.send().await.unwrap().status(), 304);
        if round == 0 {
            server.kill().await;
            server.restart().await;
        }
    }
    for missing in ["3", "0", "x", "-1", "LATEST"] {
        let (status, problem) = server
            .call(server.request(Method::GET, &format!("/v1/schemas/t/versions/{missing}")))
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("no-such-version")),
            "{missing}"
        );
    }
}

#[tokio::test]
async fn versions_and_schemas_are_listed_in_pages() {
    let server = Server::start().await;
    assert_eq!(
        server
            .put("/v1/schemas/t", &json!({ "compatibility": "none" }))
            .await
            .0,
        201
    );
    for n in 0..12 {
        registered(&server, "t", &json!({ "const": n })).await;
        registered(&server, &format!("t{n:02}"), &json!({ "const": n })).await;
    }
    for (path, count) in [("/v1/schemas/t/versions", 12), ("/v1/schemas", 13)] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("{path}?limit=5{cursor}")).await;
            seen.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let keys: Vec<_> = seen
            .iter()
            .map(|item| {
                item["version"]
                    .as_u64()
                    .map_or_else(|| item["type"].to_string(), |n| format!("{n:03}"))
            })
            .collect();
        assert!(keys.is_sorted() && keys.len() == count, "{keys:?}");
    }
}

#[tokio::test]
async fn data_is_judged_with_a_pointer_for_every_fault() {
    let server = Server::start().await;
    let first = json!({ "properties": { "total": { "type": "number" }, "items": { "items": { "required": ["sku"] } } } });
    registered(&server, "order", &first).await;
    assert_eq!(
        server
            .put("/v1/schemas/order", &json!({ "compatibility": "none" }))
            .await
            .0,
        200
    );
    registered(
        &server,
        "order",
        &json!({ "type": "object", "required": ["total"] }),
    )
    .await;
    let judge = async |query: &str, data: &Value| {
        let request = server.request(Method::POST, &format!("/v1/schemas/order/validate{query}"));
        server.call(request.json(data)).await
    };
    let (status, good) = judge("", &json!({ "total": "x" })).await;
    assert_eq!(
        (status, good),
        (200, json!({ "valid": true, "version": 2, "errors": [] }))
    );
    let data = json!({ "total": "x", "items": [{ "sku": 1 }, {}] });
    let (_, bad) = judge("?version=1", &data).await;
    assert_eq!((&bad["valid"], &bad["version"]), (&json!(false), &json!(1)));
    let errors: Vec<_> = bad["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["pointer"].as_str().unwrap(),
                error["code"].as_str().unwrap(),
                error["keyword"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        errors,
        [("/total", "type", "type"), ("/items/1", "required", "required")]
    );
    assert_eq!(judge("?version=3", &data).await.0, 404);
    let broken = server
        .request(Method::POST, "/v1/schemas/order/validate")
        .body("{");
    let (status, problem) = server.call(broken).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid-json")));
    let unknown = server
        .request(Method::POST, "/v1/schemas/nobody/validate")
        .body("1");
    assert_eq!(server.call(unknown).await.0, 404);
    assert_eq!(server.put("/v1/schemas/empty", &json!({})).await.0, 201);
    let empty = server
        .request(Method::POST, "/v1/schemas/empty/validate")
        .body("1");
    assert_eq!(server.call(empty).await.1["code"], json!("no-such-version"));
}
