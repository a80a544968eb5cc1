//! OAuth 2.0 with client credentials, against a token endpoint that does as it is told.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;

use super::auth::connect;
use crate::support::Answer;
use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::eventually;

/// A token endpoint whose tokens are `token-1`, `token-2` and so on.
async fn endpoint(expires_in: &'static str) -> Evil {
    Evil::scripted("127.0.0.1:0", move |connection| {
        let token = format!(
            r#"{{"access_token":"token-{connection}","token_type":"Bearer","expires_in":{expires_in}}}"#
        );
        vec![Step::Read, Step::write(answer("200 OK", &token))]
    })
    .await
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn oauth(endpoint: &Evil, more: &Value) -> Value {
    let mut oauth =
        json!({ "token_url": endpoint.url("/token?v=2"), "client_id": "me", "client_secret": "s3cr3t&more" });
    for (key, value) in more.as_object().unwrap() {
        oauth[key] = value.clone();
    }
    json!({ "oauth2": oauth })
}

#[tokio::test]
async fn one_token_serves_all_calls_and_is_asked_for_as_rfc_6749_says() {
    let (server, sink, endpoint) = (Server::start().await, Sink::start().await, endpoint("3600").await);
    let more = json!({ "scope": "a b", "audience": "https://crm.example", "params": { "resource": "r&d" } });
    connect(&server, &oauth(&endpoint, &more), &sink.url("/")).await;
    for n in 0..50 {
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
    }
    let got = sink.wait_for(50).await;
    assert!(
        got.iter()
            .all(|call| call.header("authorization") == "Bearer token-1")
    );
    let asked = endpoint.seen().requests;
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].head.starts_with("POST /token?v=2 HTTP/1.1\r\n"),
        "{}",
        asked[0].head
    );
    assert_eq!(asked[0].header("authorization"), "Basic bWU6czNjcjN0JTI2bW9yZQ==");
    assert_eq!(
        asked[0].header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        String::from_utf8_lossy(&asked[0].body),
        "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fcrm.example&resource=r%26d"
    );
}

#[tokio::test]
async fn a_client_may_say_who_it_is_in_the_body() {
    let (server, sink, endpoint) = (Server::start().await, Sink::start().await, endpoint("3600").await);
    connect(
        &server,
        &oauth(&endpoint, &json!({ "client_auth": "body" })),
        &sink.url("/"),
    )
    .await;
    server.publish(&event("1", "t", &json!(1))).await;
    sink.wait_for(1).await;
    let asked = endpoint.seen().requests.remove(0);
    assert_eq!(asked.header("authorization"), "");
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        "grant_type=client_credentials&client_id=me&client_secret=s3cr3t%26more"
    );
}

/// F12: the target stops taking the first token while 100 deliveries are under way.
#[tokio::test]
async fn f12_a_token_that_is_refused_is_replaced_once_for_all_deliveries_under_way() {
    let (server, endpoint) = (Server::start().await, endpoint("3600").await);
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let sink = Sink::answering(move |call| {
        if call.header("authorization") == "Bearer token-1" && call.path != "/first" {
            count.fetch_add(1, Ordering::SeqCst);
            Answer::Status(401)
        } else {
            Answer::Status(200)
        }
    })
    .await;
    let connection = oauth(&endpoint, &json!({}));
    connect(&server, &connection, &sink.url("/first")).await;
    server.publish(&event("first", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    connect(&server, &connection, &sink.url("/")).await;
    let publishing = (0..100).map(|n| {
        let server = &server;
        async move { server.publish(&event(&n.to_string(), "t", &json!(n))).await }
    });
    futures_util::future::join_all(publishing).await;
    for sequence in 2..=101 {
        let fate = server.settled(sequence, "delivered").await;
        let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
        assert_eq!(
            (attempts.len(), &attempts[0]["class"]),
            (1, &json!("ok")),
            "{fate}"
        );
    }
    assert!(refused.load(Ordering::SeqCst) >= 1);
    assert_eq!(
        endpoint.seen().requests.len(),
        2,
        "one token, and one in its place"
    );
}

#[tokio::test]
async fn a_target_that_refuses_every_token_is_asked_twice_an_attempt_and_then_counted() {
    let (server, endpoint) = (Server::start().await, endpoint("3600").await);
    let sink = Sink::answering(|_| Answer::Status(401)).await;
    connect(&server, &oauth(&endpoint, &json!({})), &sink.url("/")).await;
    let mut rule = server.get("/v1/buses/default/rules/r").await;
    rule["targets"][0]["retry"] = json!({ "strategy": "none" });
    server.put("/v1/buses/default/rules/r", &rule).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempts = letter["attempts"].as_array().unwrap();
    assert_eq!(
        (attempts.len(), &attempts[0]["class"]),
        (1, &json!("auth_failed")),
        "{letter}"
    );
    let tokens: Vec<_> = sink
        .received()
        .iter()
        .map(|call| call.header("authorization"))
        .collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
}

/// F13: whatever the token endpoint does, the call is not made, nothing is charged, and when the
/// endpoint is well again the delivery goes on.
#[tokio::test]
async fn f13_a_token_endpoint_that_fails_charges_nobody_and_is_read_within_bounds() {
    let html = answer("200 OK", "<html>maintenance</html>");
    let huge = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n{}",
        "x".repeat(200_000)
    );
    let failures = [
        answer("500 Internal Server Error", "{}"),
        html,
        answer("200 OK", r#"{"token":"abc"}"#),
        answer("302 Found", ""),
        huge,
        "garbage".to_owned(),
    ];
    for failure in failures {
        let (server, sink) = (Server::start().await, Sink::start().await);
        let endpoint = Evil::scripted("127.0.0.1:0", move |connection| {
            let good = answer("200 OK", r#"{"access_token":"good-token","expires_in":0}"#);
            let body = if connection == 1 { failure.clone() } else { good };
            vec![Step::Read, Step::write(body)]
        })
        .await;
        connect(&server, &oauth(&endpoint, &json!({})), &sink.url("/")).await;
        server.publish(&event("1", "t", &json!(1))).await;
        let fate = server.settled(1, "delivered").await;
        let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
        let (last, calls) = (attempts.last().unwrap(), sink.received());
        assert_eq!((&last["n"], &last["class"]), (&json!(1), &json!("ok")), "{fate}");
        assert_eq!(
            (calls.len(), calls[0].header("authorization").as_str()),
            (1, "Bearer good-token")
        );
    }
}

/// F13: a token endpoint that hangs holds no delivery longer than its own deadline.
#[tokio::test]
async fn f13_a_token_endpoint_that_hangs_ends_the_attempt_at_its_deadline_unsent() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let endpoint = Evil::playing([Step::Read, Step::Hang]).await;
    connect(&server, &oauth(&endpoint, &json!({})), &sink.url("/")).await;
    let mut rule = server.get("/v1/buses/default/rules/r").await;
    rule["targets"][0]["timeout"] = json!("300ms");
    server.put("/v1/buses/default/rules/r", &rule).await;
    server.publish(&event("1", "t", &json!(1))).await;
    endpoint
        .wait_for("the call is given up and made again", |seen| {
            seen.connections >= 2
        })
        .await;
    let route = eventually("the delivery waits", async || {
        let route = server.route("r", "hook").await;
        (route["in_flight"] == 0).then_some(route)
    })
    .await;
    assert_eq!(
        (&route["retrying"], &route["dead"]),
        (&json!(1), &json!(0)),
        "{route}"
    );
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_token_endpoint_at_a_forbidden_address_is_refused_when_it_is_written() {
    let server = Server::start().await;
    let forbidden = Evil::scripted("127.0.0.2:0", |_| Vec::new()).await;
    let (status, problem) = server
        .put("/v1/connections/c", &oauth(&forbidden, &json!({})))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("egress-denied")),
        "{problem}"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/oauth2/token_url");
    assert_eq!(forbidden.seen().connections, 0);
}
