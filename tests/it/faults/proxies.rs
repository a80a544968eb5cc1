//! Outgoing calls through a proxy: all of them, and none that would not be made without it.

use std::net::Ipv4Addr;

use axum::http::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Authority;
use crate::support::Dns;
use crate::support::DnsAnswer;
use crate::support::Evil;
use crate::support::Manner;
use crate::support::Proxy;
use crate::support::SecureSink;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::retrying;
use crate::support::rule;
use crate::support::tramline;
use crate::support::webhook_rule;

const ALLOW: &[&str] = &["--egress-allow", "127.0.0.1/32"];
const RETRY: &str = "retry: { strategy: fixed, initial: 50ms }";

/// Webhooks with and without TLS, a token, and a handshake.
#[tokio::test]
async fn every_outgoing_call_goes_through_the_proxy_which_alone_gets_its_password() {
    let (dir, authority) = (TempDir::new().unwrap(), Authority::new());
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let secure = SecureSink::showing(&authority.issue(&["127.0.0.1"])).await;
    let sink = Sink::start().await;
    let body = r#"{"access_token":"the-token"}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let endpoint = Evil::playing([Step::Read, Step::write(answer)]).await;
    let proxy = Proxy::start(Manner::Connects).await;
    let flags = [
        "--egress-proxy",
        &proxy.url("ada:s%3A3@"),
        "--egress-ca",
        ca.to_str().unwrap(),
    ];
    let server = Server::start_with(&flags).await;
    let token =
        json!({ "oauth2": { "token_url": endpoint.url("/"), "client_id": "me", "client_secret": "s3cr3t" } });
    server.put("/v1/connections/c", &token).await;
    let mut plain = rule("t", &sink.url("/plain"));
    plain["targets"][0]["webhook"]["connection"] = json!("c");
    let mut asking = rule("never", &sink.url("/asking"));
    asking["targets"][0]["webhook"]["handshake"] = json!("optional");
    for (name, rule) in [
        ("plain", plain),
        ("asking", asking),
        ("secure", rule("t", &secure.url("/"))),
    ] {
        let (status, answer) = server
            .put(&format!("/v1/buses/default/rules/{name}"), &rule)
            .await;
        assert!(status < 300, "{answer}");
    }
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    let received = sink.wait_for(2).await;
    let call = received.iter().find(|call| call.method == Method::POST).unwrap();
    assert_eq!(
        (call.path.as_str(), call.header("authorization").as_str()),
        ("/plain", "Bearer the-token")
    );
    assert_eq!(secure.seen().requests.len(), 1);
    let of_sink = sink.url("").replace("http://", "");
    for url in [
        of_sink,
        endpoint.url("").replace("http://", ""),
        secure.url("").replace("https://", ""),
    ] {
        assert!(
            proxy.asked().iter().any(|asked| asked.target == url),
            "{url}: {:?}",
            proxy.asked()
        );
    }
    for asked in proxy.asked() {
        // Basic of ada:s:3.
        assert!(
            asked.head.contains("Proxy-Authorization: Basic YWRhOnM6Mw==\r\n"),
            "{}",
            asked.head
        );
    }
    for call in &received {
        assert_eq!(call.header("proxy-authorization"), "");
    }
    let token_call = &endpoint.seen().requests[0];
    assert_eq!(token_call.header("proxy-authorization"), "");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    let (proxy, sink) = (Proxy::start(Manner::Connects).await, Sink::start().await);
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        let server = Server::start_in_environment((variable, &proxy.url("")), &[]).await;
        server.apply(&webhook_rule("r", "t", &sink.url("/"), RETRY)).await;
        server.publish(&event("1", "t", &json!(1))).await;
        server.settled(1, "delivered").await;
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
}

/// The guard judges literals and names before the proxy is asked; only names that nobody here knows
/// are left to it.
#[tokio::test]
async fn a_proxy_is_not_asked_for_what_may_not_be_called() {
    let sink = Sink::start().await;
    let address = sink.url("").replace("http://", "").parse().unwrap();
    let proxy = Proxy::start(Manner::ConnectsTo(address)).await;
    let dns = Dns::answering(|_| DnsAnswer::Addresses(vec![Ipv4Addr::new(127, 0, 0, 2)])).await;
    let by = proxy.url("");
    let by_proxy = [ALLOW, &["--egress-proxy", &by]].concat();
    let mut server = Server::start_resolving(&dns, &["--egress-allow", "127.0.0.0/8"]).await;
    for (name, host) in [("literal", "127.0.0.2"), ("name", "hook.target.test")] {
        let rule = retrying(rule("t", &format!("http://{host}:81/")), "50ms");
        let (status, answer) = server
            .put(&format!("/v1/buses/default/rules/{name}"), &rule)
            .await;
        assert!(status < 300, "{answer}");
    }
    server.stop().await;
    server.restart_with(&by_proxy).await;
    server.publish(&event("1", "t", &json!(1))).await;
    for letter in server.dead_letters(2).await {
        assert_eq!(letter["code"], "egress-blocked", "{letter}");
    }
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());

    let nobody = Dns::answering(|_| DnsAnswer::Error(3)).await;
    let server = Server::start_resolving(&nobody, &by_proxy).await;
    server
        .apply(&webhook_rule("r", "t", "http://hook.target.test/", RETRY))
        .await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    assert_eq!(proxy.asked()[0].target, "hook.target.test:80");
    assert_eq!(sink.received()[0].header("host"), "hook.target.test");
}

#[tokio::test]
async fn what_a_proxy_refuses_is_tried_again() {
    let answers = [
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "SSH-2.0-dropbear\r\n\r\n",
        "",
    ];
    let sink = Sink::start().await;
    for answer in answers {
        let proxy = Proxy::start(Manner::Answers(answer)).await;
        let server = Server::start_with(&["--egress-proxy", &proxy.url("")]).await;
        let twice = "retry: { strategy: fixed, initial: 50ms, max_attempts: 2 }";
        server.apply(&webhook_rule("r", "t", &sink.url("/"), twice)).await;
        server.publish(&event("1", "t", &json!(1))).await;
        let letter = server.dead_letters(1).await.remove(0);
        let attempts = letter["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2, "{letter}");
        for attempt in attempts {
            assert_eq!(attempt["class"], "connect_error", "{answer}: {letter}");
        }
        assert!(letter["reason"].as_str().unwrap().contains("proxy"), "{letter}");
        assert_eq!(proxy.wait_for(2).await.len(), 2);
    }
    assert!(sink.received().is_empty(), "never without the proxy");
}

#[tokio::test]
async fn the_password_of_the_proxy_is_not_shown() {
    let shown = tramline(&[
        "serve",
        "--print-config",
        "--egress-proxy",
        "http://ada:hunter2@127.0.0.3:1",
    ])
    .await;
    let shown = shown.ended(0);
    assert!(
        shown.stdout.contains("egress-proxy") && shown.stdout.contains("127.0.0.3:1"),
        "{shown:?}"
    );
    assert!(!shown.stdout.contains("hunter2"), "{shown:?}");
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let args = [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            data.to_str().unwrap(),
        ][..],
        &["--egress-proxy", "socks5://ada:hunter2@127.0.0.3:1"],
    ]
    .concat();
    let refused = tramline(&args).await.ended(2);
    assert!(
        refused.stderr.contains("--egress-proxy") && !refused.stderr.contains("hunter2"),
        "{refused:?}"
    );
}
