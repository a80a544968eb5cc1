//! What calls carry.

use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::retrying;
use crate::support::rule;

/// Puts the connection `c` and a rule whose webhook uses it.
pub(super) async fn connect(server: &Server, connection: &Value, url: &str) {
    let (status, answer) = server.put("/v1/connections/c", connection).await;
    assert!(status < 300, "{answer}");
    let mut rule = retrying(rule("t", url), "50ms");
    rule["targets"][0]["webhook"]["connection"] = json!("c");
    let (status, answer) = server.put("/v1/buses/default/rules/r", &rule).await;
    assert!(status < 300, "{answer}");
}

#[tokio::test]
async fn a_webhook_carries_the_credentials_of_its_connection() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let kinds = [
        (
            json!({ "basic": { "username": "ada", "password": "s:3" } }),
            "authorization",
            "Basic YWRhOnM6Mw==",
        ),
        (
            json!({ "bearer": { "token": "abc.def" } }),
            "authorization",
            "Bearer abc.def",
        ),
        (
            json!({ "api_key": { "header": "X-Api-Key", "value": "k" } }),
            "x-api-key",
            "k",
        ),
        (json!({ "headers": { "X-Tenant": "seven" } }), "x-tenant", "seven"),
    ];
    for (n, (connection, header, value)) in kinds.iter().enumerate() {
        connect(&server, connection, &sink.url("/hook?a=1")).await;
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
        let got = sink.wait_for(n + 1).await.remove(n);
        assert_eq!(
            (got.header(header).as_str(), got.path.as_str()),
            (*value, "/hook?a=1"),
            "{connection}"
        );
    }
    let in_query = json!({ "api_key": { "query": "key", "value": "a b&c" }, "query": { "tenant": "7" } });
    connect(&server, &in_query, &sink.url("/hook?a=1")).await;
    server.publish(&event("q", "t", &json!(1))).await;
    let got = sink.wait_for(kinds.len() + 1).await.remove(kinds.len());
    assert_eq!(got.path, "/hook?a=1&tenant=7&key=a+b%26c");
}

/// F36: a retry of a delivery that began before the rotation carries the new credential.
#[tokio::test]
async fn f36_after_a_rotation_the_next_attempt_carries_the_new_credential() {
    let (server, sink) = (
        Server::start().await,
        Sink::answering(|_| Answer::Status(500)).await,
    );
    connect(
        &server,
        &json!({ "bearer": { "token": "old-token" } }),
        &sink.url("/"),
    )
    .await;
    server.publish(&event("1", "t", &json!(1))).await;
    sink.wait_for(2).await;
    let (status, _) = server
        .put(
            "/v1/connections/c",
            &json!({ "bearer": { "token": "new-token" } }),
        )
        .await;
    assert_eq!(status, 200);
    let before = sink.received().len();
    sink.answer(|_| Answer::Status(200));
    server.settled(1, "delivered").await;
    let tokens: Vec<_> = sink
        .received()
        .iter()
        .map(|request| request.header("authorization"))
        .collect();
    assert!(
        tokens[..2].iter().all(|token| token == "Bearer old-token"),
        "{tokens:?}"
    );
    // One attempt may have begun before the answer.
    assert!(
        tokens[before + 1..]
            .iter()
            .all(|token| token == "Bearer new-token"),
        "{tokens:?}"
    );
    assert_eq!(tokens.last().unwrap(), "Bearer new-token");
}

/// F36: a delivery that waits goes to the URL that its rule has when its time comes, and nothing more
/// goes over the connections that were kept to the old one.
#[tokio::test]
async fn f36_after_a_new_url_the_next_attempt_goes_there_and_nothing_to_the_old_one() {
    let (server, new) = (Server::start().await, Sink::start().await);
    let old = Sink::answering(|call| match call.json()["id"].as_str() {
        Some("1") => Answer::Status(500),
        _ => Answer::Status(200),
    })
    .await;
    let put = async |url: &str| {
        let rule = retrying(rule("t", url), "300ms");
        let (status, answer) = server.put("/v1/buses/default/rules/r", &rule).await;
        assert!(status < 300, "{answer}");
    };
    put(&old.url("/")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    old.wait_for(1).await;
    // Connections that could be used again.
    for id in ["2", "3"] {
        let published = server.publish(&event(id, "t", &json!(1))).await;
        server
            .settled(published["sequence"].as_u64().unwrap(), "delivered")
            .await;
    }
    put(&new.url("/")).await;
    let before = old.received();
    server.publish(&event("4", "t", &json!(1))).await;
    for sequence in [1, 4] {
        server.settled(sequence, "delivered").await;
    }
    let got = new.wait_for(2).await;
    let retried = got.iter().find(|call| call.json()["id"] == "1").unwrap();
    assert_eq!(
        retried.header("webhook-id"),
        before[0].header("webhook-id"),
        "it is the same delivery"
    );
    // One attempt of the first event may have begun before the answer.
    let late = old.received().split_off(before.len());
    assert!(
        late.len() <= 1 && late.iter().all(|call| call.json()["id"] == "1"),
        "{late:?}"
    );
}

#[tokio::test]
async fn a_secret_that_is_missing_costs_no_attempt_and_is_used_as_soon_as_it_is_there() {
    let dir = tempfile::TempDir::new().unwrap();
    let secrets = dir.path().to_str().unwrap().to_owned();
    let (server, sink) = (
        Server::start_with(&["--secrets-dir", &secrets]).await,
        Sink::start().await,
    );
    connect(
        &server,
        &json!({ "bearer": { "token": "${file:crm-token}" } }),
        &sink.url("/"),
    )
    .await;
    server.publish(&event("1", "t", &json!(1))).await;
    let route = crate::support::eventually("the delivery waits", async || {
        let route = server.route("r", "hook").await;
        (route["retrying"] == 1).then_some(route)
    })
    .await;
    assert_eq!(route["dead"], 0);
    assert_eq!(sink.received().len(), 0);
    std::fs::write(dir.path().join("crm-token"), "from-a-file\n").unwrap();
    let fate = server.settled(1, "delivered").await;
    assert_eq!(fate["routes"][0]["attempts"][0]["n"], 1, "{fate}");
    assert_eq!(sink.received()[0].header("authorization"), "Bearer from-a-file");
}
