//! Targets behind TLS: what is trusted, what is not, and what is never done instead.

use std::path::PathBuf;

use axum::http::Version;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Authority;
use crate::support::Evil;
use crate::support::Identity;
use crate::support::SecureSink;
use crate::support::Server;
use crate::support::Step;
use crate::support::event;
use crate::support::retrying;
use crate::support::rule;
use crate::support::webhook_rule;

const RETRY: &str = "retry: { strategy: fixed, initial: 50ms }";
const HERE: &[&str] = &["127.0.0.1", "localhost"];

/// A file with the certificate of an authority.
fn bundle(authority: &Authority) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    (dir, path)
}

/// A server that trusts this authority.
async fn trusting(authority: &Authority) -> Server {
    let (_dir, path) = bundle(authority);
    Server::start_with(&["--egress-ca", path.to_str().unwrap()]).await
}

fn attempts(fate: &Value) -> &Vec<Value> {
    fate["routes"][0]["attempts"].as_array().unwrap()
}

/// The names of the phases that an attempt came to the end of.
fn phases(attempt: &Value) -> Vec<&str> {
    let phases = attempt["phases"].as_object();
    phases
        .unwrap_or_else(|| panic!("{attempt}"))
        .keys()
        .map(String::as_str)
        .collect()
}

/// F14: a certificate that proves nothing is a `tls_error`, tried again until it is put right, and
/// no byte of the event leaves before.
#[tokio::test]
async fn f14_a_certificate_that_proves_nothing_is_tried_again_and_never_without_tls() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases = [
        ("expired", authority.issue_expired(HERE)),
        (
            "for another host",
            authority.issue(&["other.example", "127.0.0.2"]),
        ),
        ("self-signed", Identity::self_signed(HERE)),
        ("of an unknown authority", stranger.issue(HERE)),
    ];
    let server = trusting(&authority).await;
    for (n, (what, identity)) in cases.iter().enumerate() {
        let sink = SecureSink::showing(identity).await;
        server.apply(&webhook_rule("r", "t", &sink.url("/"), RETRY)).await;
        let published = server.publish(&event(&n.to_string(), "t", &json!(n))).await;
        sink.wait_for(what, |seen| seen.handshakes >= 2).await;
        sink.show(&authority.issue(HERE));
        let fate = server
            .settled(published["sequence"].as_u64().unwrap(), "delivered")
            .await;
        let attempts = attempts(&fate);
        let (last, failed) = attempts.split_last().unwrap();
        assert!(failed.len() >= 2, "{what}: {fate}");
        for attempt in failed {
            assert_eq!(attempt["class"], "tls_error", "{what}: {attempt}");
            assert_eq!(phases(attempt), ["connect"], "{what}: {attempt}");
        }
        assert_eq!(last["class"], "ok", "{what}");
        assert_eq!(phases(last), ["connect", "tls", "first_byte"], "{what}: {last}");
        let seen = sink.seen();
        assert_eq!((seen.plain, seen.requests.len()), (0, 1), "{what}");
    }
}

/// F14: a name in the URL is what the certificate must be for, not the address behind it.
#[tokio::test]
async fn f14_the_certificate_must_be_for_the_name_in_the_url() {
    let authority = Authority::new();
    let server = trusting(&authority).await;
    let sink = SecureSink::showing(&authority.issue(&["127.0.0.1"])).await;
    let url = sink.url("/").replace("127.0.0.1", "localhost");
    let once = "retry: { strategy: none }";
    server.apply(&webhook_rule("r", "t", &url, once)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["attempts"][0]["class"], "tls_error", "{letter}");
    assert!(
        letter["reason"].as_str().unwrap().contains("not valid for name"),
        "{letter}"
    );
    assert!(sink.seen().requests.is_empty());
}

/// F14: TLS 1.0 is not spoken, whether the target says that it knows nothing newer or just does it.
#[tokio::test]
async fn f14_a_target_that_knows_only_tls_1_0_is_not_spoken_to() {
    let server = Server::start().await;
    // Alert, fatal, protocol_version.
    let alert = "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}".to_owned();
    // ServerHello of TLS 1.0: random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let random = "r".repeat(32);
    let hello = format!("\u{16}\u{3}\u{1}\0\u{2a}\u{2}\0\0\u{26}\u{3}\u{1}{random}\0\0\u{2f}\0");
    for (n, (answer, said)) in [
        (alert, "ProtocolVersion"),
        (hello, "ServerDoesNotSupportTls12Or13"),
    ]
    .into_iter()
    .enumerate()
    {
        let evil = Evil::playing([Step::ReadRecord, Step::write(answer), Step::Hang]).await;
        let url = evil.url("/").replace("http:", "https:");
        let twice = "retry: { strategy: fixed, initial: 50ms, max_attempts: 2 }";
        server.apply(&webhook_rule("r", "t", &url, twice)).await;
        server.publish(&event(&n.to_string(), "t", &json!(n))).await;
        let letters = server.dead_letters(n + 1).await;
        let letter = letters.iter().find(|letter| letter["sequence"] == n + 1).unwrap();
        let attempts = letter["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2, "{letter}");
        assert!(
            attempts.iter().all(|attempt| attempt["class"] == "tls_error"),
            "{letter}"
        );
        assert!(letter["reason"].as_str().unwrap().contains(said), "{letter}");
        let seen = evil.seen();
        assert_eq!(
            (seen.connections, seen.handshakes),
            (2, 2),
            "all of them began with TLS"
        );
    }
}

/// F14: a handshake that stalls is held to the deadline of the attempt, and says how far it came.
#[tokio::test]
async fn f14_a_handshake_that_stalls_times_out_and_is_tried_again() {
    let server = Server::start().await;
    let evil = Evil::playing([Step::ReadRecord, Step::Hang]).await;
    let url = evil.url("/").replace("http:", "https:");
    let twice = "timeout: 500ms\n        retry: { strategy: fixed, initial: 50ms, max_attempts: 2 }";
    server.apply(&webhook_rule("r", "t", &url, twice)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempts = letter["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{letter}");
    for attempt in attempts {
        assert_eq!(attempt["class"], "timeout", "{letter}");
        let ms = attempt["ms"].as_u64().unwrap();
        assert!((500..1_000).contains(&ms), "the deadline was 500 ms: {attempt}");
        assert_eq!(phases(attempt), ["connect"], "{attempt}");
    }
    let seen = evil
        .wait_for("both connections are given up", |seen| seen.ended == 2)
        .await;
    assert_eq!((seen.connections, seen.handshakes), (2, 2));
}

#[tokio::test]
async fn only_the_authorities_that_are_named_are_trusted_beside_those_of_the_system() {
    let authority = Authority::new();
    let sink = SecureSink::showing(&authority.issue(HERE)).await;
    let rules = webhook_rule("r", "t", &sink.url("/"), "retry: { strategy: none }");
    let strict = Server::start().await;
    strict.apply(&rules).await;
    strict.publish(&event("1", "t", &json!(1))).await;
    let letter = strict.dead_letters(1).await.remove(0);
    assert_eq!(letter["attempts"][0]["class"], "tls_error", "{letter}");
    assert!(
        letter["reason"].as_str().unwrap().contains("UnknownIssuer"),
        "{letter}"
    );
    let server = trusting(&authority).await;
    server.apply(&rules).await;
    server.publish(&event("1", "t", &json!(1))).await;
    server.settled(1, "delivered").await;
    assert_eq!(sink.seen().requests.len(), 1);
}

#[tokio::test]
async fn a_target_is_called_over_http_2_if_it_speaks_it_and_over_http_1_1_if_not() {
    let authority = Authority::new();
    let identity = authority.issue(HERE);
    let server = trusting(&authority).await;
    let (newer, older) = (
        SecureSink::showing(&identity).await,
        SecureSink::showing_http1(&identity).await,
    );
    for (sink, version) in [(&newer, Version::HTTP_2), (&older, Version::HTTP_11)] {
        server.apply(&webhook_rule("r", "t", &sink.url("/"), "")).await;
        for _ in 0..2 {
            let id = format!("{version:?}-{}", sink.seen().requests.len());
            let published = server.publish(&event(&id, "t", &json!(1))).await;
            server
                .settled(published["sequence"].as_u64().unwrap(), "delivered")
                .await;
        }
        let seen = sink.seen();
        let versions: Vec<_> = seen.requests.iter().map(|request| request.version).collect();
        assert_eq!(versions, [version; 2]);
        assert_eq!(seen.handshakes, 1, "the connection is used again");
    }
}

/// The whole way of a client certificate, and what happens without one and with one of somebody else.
#[tokio::test]
async fn a_target_that_demands_a_certificate_is_called_with_that_of_the_connection() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let sink = SecureSink::demanding(&authority.issue(HERE), &clients).await;
    let server = Server::start().await;
    let deliver = async |id: &str, identity: &Identity| {
        let (cert, key) = identity.pem();
        let mtls = json!({ "mtls": { "cert": cert, "key": key, "ca": authority.pem() } });
        let (status, answer) = server.put("/v1/connections/c", &mtls).await;
        assert!(status < 300, "{answer}");
        assert!(
            !answer.to_string().contains(key.lines().nth(1).unwrap()),
            "{answer}"
        );
        let mut rule = retrying(rule("t", &sink.url("/")), "50ms");
        rule["targets"][0]["webhook"]["connection"] = json!("c");
        rule["targets"][0]["retry"]["max_attempts"] = json!(2);
        let (status, answer) = server.put("/v1/buses/default/rules/r", &rule).await;
        assert!(status < 300, "{answer}");
        let published = server.publish(&event(id, "t", &json!(1))).await;
        published["sequence"].as_u64().unwrap()
    };
    let client = clients.issue(&["client.example"]);
    let sequence = deliver("1", &client).await;
    server.settled(sequence, "delivered").await;
    assert_eq!(sink.seen().requests[0].client, Some(client.der()));
    // The next calls go over connections of their own: what was pooled showed the other certificate.
    let stranger = authority.issue(&["client.example"]);
    let sequence = deliver("2", &stranger).await;
    let fate = server.settled(sequence, "dead").await;
    assert_ne!(attempts(&fate)[0]["class"], "ok", "{fate}");
    let renewed = clients.issue(&["client.example"]);
    let sequence = deliver("3", &renewed).await;
    server.settled(sequence, "delivered").await;
    let shown: Vec<_> = sink
        .seen()
        .requests
        .into_iter()
        .map(|request| request.client)
        .collect();
    assert_eq!(shown, [Some(client.der()), Some(renewed.der())]);
}
