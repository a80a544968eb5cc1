//! F16: what may not be called is not called, however the URL came to be there.

use serde_json::Value;
use serde_json::json;

use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::eventually;
use crate::support::retrying;
use crate::support::rule;
use crate::support::webhook_rule;

const WIDE: &[&str] = &["--egress-allow", "127.0.0.0/8"];
const NARROW: &[&str] = &["--egress-allow", "127.0.0.1/32"];

/// A listener where nobody may call, and notes who does.
async fn forbidden() -> Evil {
    Evil::scripted("127.0.0.2:0", |_| Vec::new()).await
}

async fn put_rule(server: &Server, name: &str, rule: &Value) {
    let path = format!("/v1/buses/default/rules/{name}");
    let (status, answer) = server.put(&path, rule).await;
    assert!(status < 300, "{answer}");
}

#[tokio::test]
async fn f16_forms_of_urls_that_mislead_are_refused_when_they_are_written() {
    let (server, forbidden) = (Server::start().await, forbidden().await);
    let port = forbidden.port();
    for (url, code) in [
        (format!("http://2130706434:{port}/"), "egress-denied"),
        (format!("http://[::ffff:7f00:2]:{port}/"), "egress-denied"),
        (format!("http://127.0.0.2.:{port}/"), "egress-denied"),
        (format!("http://0:{port}/"), "egress-denied"),
        ("http://2130706433:p/".to_owned(), "invalid-url"),
        (format!("http://user:pw@127.0.0.1:{port}/"), "invalid-url"),
        (format!("http://127.0.0.1\\\\@127.0.0.2:{port}/"), "invalid-url"),
        ("file:///etc/passwd".to_owned(), "invalid-url"),
        (format!("gopher://127.0.0.1:{port}/"), "invalid-url"),
    ] {
        let (status, problem) = server
            .put(
                "/v1/buses/default/rules/r",
                &rule("t", &url.replace("\\\\", "\\")),
            )
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!(code)),
            "{url}: {problem}"
        );
        assert!(!problem.to_string().contains("user:pw"), "{problem}");
    }
    assert_eq!(forbidden.seen().connections, 0);
}

/// Everything that calls out, written while the address was open, after a start without it.
#[tokio::test]
async fn f16_what_was_written_under_a_wider_policy_is_judged_again_when_it_is_sent() {
    let (forbidden, sink) = (forbidden().await, Sink::start().await);
    let mut server = Server::start_guarded(WIDE).await;
    let token = json!({ "oauth2": {
        "token_url": forbidden.url("/token"), "client_id": "me", "client_secret": "s3cr3t",
    } });
    let (status, answer) = server.put("/v1/connections/c", &token).await;
    assert!(status < 300, "{answer}");
    let url = forbidden.url("/");
    put_rule(&server, "literal", &retrying(rule("t", &url), "50ms")).await;
    let mapped = format!("http://[::ffff:127.0.0.2]:{}/", forbidden.port());
    put_rule(&server, "mapped", &retrying(rule("t", &mapped), "50ms")).await;
    let function = json!({
        "match": { "type": ["t"] },
        "targets": [{ "name": "hook", "function": { "http": { "url": url } } }],
    });
    put_rule(&server, "function", &function).await;
    let mut with_token = retrying(rule("t", &sink.url("/")), "50ms");
    with_token["targets"][0]["webhook"]["connection"] = json!("c");
    put_rule(&server, "token", &with_token).await;
    server.stop().await;
    // Its handshake is asked for at the start.
    let mut asking = rule("other", &url);
    asking["targets"][0]["webhook"]["handshake"] = json!("required");
    let before = forbidden.seen().connections;
    assert_eq!(before, 0, "nobody has published yet");

    server.restart_with(NARROW).await;
    let (status, problem) = server.put("/v1/buses/default/rules/asking", &asking).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("egress-denied")),
        "{problem}"
    );
    server.publish(&event("1", "t", &json!(1))).await;
    let letters = server.dead_letters(3).await;
    for letter in &letters {
        assert_eq!(letter["code"], "egress-blocked", "{letter}");
        assert_eq!(letter["attempts"][0]["class"], "egress_blocked", "{letter}");
        assert_eq!(letter["attempts"].as_array().unwrap().len(), 1, "{letter}");
    }
    // Without a token nothing is sent and nothing charged.
    let route = eventually("the call without a token waits", async || {
        let route = server.route("token", "hook").await;
        (route["retrying"] == 1).then_some(route)
    })
    .await;
    assert_eq!(route["dead"], 0, "{route}");
    assert_eq!(sink.received().len(), 0);
    assert_eq!(forbidden.seen().connections, 0);
}

/// A handshake is asked for again at every start.
#[tokio::test]
async fn f16_a_handshake_with_a_forbidden_address_is_not_begun() {
    let forbidden = forbidden().await;
    let mut server = Server::start_guarded(WIDE).await;
    let mut asking = rule("t", &forbidden.url("/"));
    asking["targets"][0]["webhook"]["handshake"] = json!("required");
    put_rule(&server, "r", &asking).await;
    forbidden
        .wait_for("the question under the wide policy", |seen| seen.connections >= 1)
        .await;
    server.stop().await;
    let before = forbidden.seen().connections;
    server.restart_with(NARROW).await;
    server.hears("has not consented").await;
    assert_eq!(forbidden.seen().connections, before);
}

/// A delivery that waits for its next attempt is judged by the policy of that attempt.
#[tokio::test]
async fn f16_a_retry_after_the_address_was_closed_is_not_made() {
    let target = Evil::scripted("127.0.0.2:0", |_| {
        vec![
            Step::Read,
            Step::write("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"),
        ]
    })
    .await;
    let mut server = Server::start_guarded(WIDE).await;
    put_rule(&server, "r", &retrying(rule("t", &target.url("/")), "300ms")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    eventually("the first attempt is on record", async || {
        let fate = server.get("/v1/buses/default/events/1/deliveries").await;
        (fate["routes"][0]["attempts"][0]["class"] == "http_500").then_some(())
    })
    .await;
    server.stop().await;
    let before = target.seen().connections;
    server.restart_with(NARROW).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "egress-blocked", "{letter}");
    let attempts = letter["attempts"].as_array().unwrap();
    let classes: Vec<_> = attempts.iter().map(|attempt| attempt["class"].as_str()).collect();
    let (last, earlier) = classes.split_last().unwrap();
    assert_eq!(*last, Some("egress_blocked"), "{letter}");
    assert!(earlier.iter().all(|class| *class == Some("http_500")), "{letter}");
    assert_eq!(target.seen().connections, before);
}

/// Redirects lead nowhere: of a webhook, of a token endpoint, of a handshake.
#[tokio::test]
async fn f16_no_redirect_leads_to_a_forbidden_address() {
    let (server, forbidden) = (Server::start_guarded(NARROW).await, forbidden().await);
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        forbidden.url("/")
    );
    let endpoint = Evil::playing([Step::Read, Step::write(redirect)]).await;
    let token = json!({ "oauth2": {
        "token_url": endpoint.url("/token"), "client_id": "me", "client_secret": "s3cr3t",
    } });
    server.put("/v1/connections/c", &token).await;
    let mut with_token = retrying(rule("t", &endpoint.url("/token-hook")), "50ms");
    with_token["targets"][0]["webhook"]["connection"] = json!("c");
    put_rule(&server, "token", &with_token).await;
    let mut asking = rule("t", &endpoint.url("/asking"));
    asking["targets"][0]["webhook"]["handshake"] = json!("required");
    put_rule(&server, "asking", &asking).await;
    server
        .apply(&webhook_rule("plain", "t", &endpoint.url("/plain"), ""))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    let seen = endpoint
        .wait_for("all three are redirected", |seen| {
            ["POST /token ", "OPTIONS /asking ", "POST /plain "]
                .iter()
                .all(|line| seen.requests.iter().any(|request| request.head.starts_with(line)))
        })
        .await;
    assert!(
        seen.requests
            .iter()
            .all(|request| !request.head.starts_with("POST /token-hook")),
        "nothing is sent without a token"
    );
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "redirect-not-followed", "{letter}");
    assert_eq!(forbidden.seen().connections, 0);
}
