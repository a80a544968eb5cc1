//! The resource `/v1/connections`.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;
use crate::support::rule;
use crate::support::tramline;

/// A rule whose webhook uses a connection.
fn using(connection: &str) -> Value {
    let mut rule = rule("t", "https://example.com/");
    rule["targets"][0]["webhook"]["connection"] = json!(connection);
    rule
}

#[tokio::test]
async fn a_connection_is_written_shown_without_its_secrets_listed_and_deleted() {
    let server = Server::start().await;
    let path = "/v1/connections/crm";
    assert_eq!(server.call(server.request(Method::GET, path)).await.0, 404);
    let given = json!({ "basic": { "username": "ada", "password": "hunter2" }, "headers": { "x-t": "${env:TRAMLINE_SECRET_T}" } });
    let (status, created) = server.put(path, &given).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(
        created["basic"],
        json!({ "username": "ada", "password": { "set": true } })
    );
    assert_eq!(created["headers"], json!({ "x-t": "${env:TRAMLINE_SECRET_T}" }));
    assert_eq!(created["used_by"], json!([]));
    assert_eq!(server.get(path).await, created);
    assert_eq!(server.get("/v1/connections").await["items"], json!([created]));
    assert_eq!(server.delete(path).await.0, 204);
    assert_eq!(server.delete(path).await.1["code"], "no-such-connection");
    assert_eq!(server.get("/v1/connections").await["items"], json!([]));
}

#[tokio::test]
async fn what_is_shown_can_be_put_back_and_what_is_the_same_keeps_its_revision() {
    let server = Server::start().await;
    let path = "/v1/connections/crm";
    let (_, first) = server
        .put(path, &json!({ "bearer": { "token": "hunter2" } }))
        .await;
    for same in [
        first.clone(),
        json!({ "bearer": { "token": "hunter2" } }),
        json!({ "bearer": {} }),
    ] {
        let (status, again) = server.put(path, &same).await;
        assert_eq!((status, &again), (200, &first), "{same}");
    }
    let (_, other) = server
        .put(path, &json!({ "bearer": { "token": "hunter3" } }))
        .await;
    assert_ne!(other["revision"], first["revision"]);
    assert_eq!(server.delete(path).await.0, 204);
    let (status, anew) = server
        .put(path, &json!({ "bearer": { "token": "hunter2" } }))
        .await;
    assert_eq!(status, 201);
    assert!(
        anew["revision"].as_u64() > other["revision"].as_u64(),
        "a revision never comes again"
    );
}

#[tokio::test]
async fn an_update_of_an_old_revision_is_refused() {
    let server = Server::start().await;
    let path = "/v1/connections/crm";
    let (_, first) = server.put(path, &json!({ "bearer": { "token": "a" } })).await;
    server.put(path, &json!({ "bearer": { "token": "b" } })).await;
    let stale = format!("\"{}\"", first["revision"]);
    for request in [
        server
            .request(Method::PUT, path)
            .json(&json!({ "bearer": { "token": "c" } })),
        server.request(Method::DELETE, path),
    ] {
        let (status, problem) = server.call(request.header("if-match", &stale)).await;
        assert_eq!((status, &problem["code"]), (412, &json!("stale")), "{problem}");
    }
    let shown = server.request(Method::GET, path).send().await.unwrap();
    let current = shown.headers()["etag"].clone();
    let request = server.request(Method::DELETE, path).header("if-match", current);
    assert_eq!(server.call(request).await.0, 204);
}

#[tokio::test]
async fn a_connection_that_a_rule_names_stays_until_the_rule_goes() {
    let server = Server::start().await;
    server
        .put("/v1/connections/crm", &json!({ "bearer": { "token": "a" } }))
        .await;
    let (status, _) = server.put("/v1/buses/default/rules/r", &using("crm")).await;
    assert_eq!(status, 201);
    assert_eq!(
        server.get("/v1/connections/crm").await["used_by"],
        json!(["default/r"])
    );
    let (status, problem) = server.delete("/v1/connections/crm").await;
    assert_eq!((status, &problem["code"]), (409, &json!("connection-in-use")));
    assert!(
        problem["detail"].as_str().unwrap().contains("default/r"),
        "{problem}"
    );
    server.delete("/v1/buses/default/rules/r").await;
    assert_eq!(server.delete("/v1/connections/crm").await.0, 204);
}

#[tokio::test]
async fn a_rule_that_names_no_connection_there_is_is_refused_with_the_nearest_name() {
    let server = Server::start().await;
    server
        .put("/v1/connections/crm-prod", &json!({ "bearer": { "token": "a" } }))
        .await;
    let file = "rules:\n  - name: r\n    match: { type: [t] }\n    targets:\n      - name: hook\n        webhook:\n          \
                url: https://example.com/\n          connection: crm-prd\n";
    let request = server
        .request(Method::POST, "/v1/apply")
        .header("content-type", "application/yaml");
    let (status, problem) = server.call(request.body(file)).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unknown-connection")),
        "{problem}"
    );
    let fault = &problem["errors"][0];
    assert_eq!(fault["pointer"], "/rules/0/targets/0/webhook/connection");
    assert_eq!(
        (&fault["line"], &fault["column"]),
        (&json!(8), &json!(23)),
        "{fault}"
    );
    assert!(
        fault["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean `crm-prod`?"),
        "{fault}"
    );
    let (status, _) = server.put("/v1/buses/default/rules/r", &using("none")).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_is_refused_with_its_place_and_without_its_secret() {
    let server = Server::start().await;
    for (name, given, status, code) in [
        (
            "a",
            json!({ "bearer": { "token": 4_711_815 } }),
            422,
            "invalid-type",
        ),
        (
            "a",
            json!({ "bearer": { "tokn": "hunter2" } }),
            422,
            "unknown-key",
        ),
        (
            "a",
            json!({ "bearer": { "token": "hunter2\n" } }),
            422,
            "invalid-value",
        ),
        (
            "a",
            json!({ "bearer": { "token": "${env:PATH}" } }),
            422,
            "secret-reference-not-allowed",
        ),
        (
            "a b",
            json!({ "bearer": { "token": "hunter2" } }),
            400,
            "invalid-name",
        ),
    ] {
        let (found, problem) = server.put(&format!("/v1/connections/{name}"), &given).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        let text = problem.to_string();
        assert!(!text.contains("hunter2") && !text.contains("4711815"), "{text}");
    }
    assert_eq!(server.get("/v1/connections").await["items"], json!([]));
}

#[tokio::test]
async fn the_command_line_checks_rules_with_connections_without_a_server() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("r.yaml");
    std::fs::write(
        &path,
        json!({ "rules": [crate::support::named("r", using("crm"))] }).to_string(),
    )
    .unwrap();
    tramline(&["rules", "check", path.to_str().unwrap()])
        .await
        .ended(0);
}
