//! What is kept of an attempt: its phases, and the answer without secrets.

use serde_json::Value;
use serde_json::json;

use crate::support::Evil;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Step;
use crate::support::event;
use crate::support::webhook_rule;

/// The attempts of the first route.
fn attempts(fate: &Value) -> &Vec<Value> {
    fate["routes"][0]["attempts"].as_array().unwrap()
}

/// The names of the phases of an attempt, which together take no longer than the whole.
fn phases(attempt: &Value) -> Vec<&str> {
    let phases = attempt["phases"]
        .as_object()
        .unwrap_or_else(|| panic!("{attempt}"));
    let sum: u64 = phases.values().map(|ms| ms.as_u64().unwrap()).sum();
    assert!(sum <= attempt["ms"].as_u64().unwrap(), "{attempt}");
    phases.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_first_call_resolves_and_connects_and_the_next_one_finds_the_connection() {
    let (mut server, sink) = (Server::start().await, Sink::start().await);
    let url = sink.url("/").replace("127.0.0.1", "localhost");
    server.apply(&webhook_rule("r", "t", &url, "")).await;
    for id in ["1", "2"] {
        let result = server.publish(&event(id, "t", &json!(1))).await;
        server
            .settled(result["sequence"].as_u64().unwrap(), "delivered")
            .await;
    }
    let fates = async |server: &Server| {
        let mut all = Vec::new();
        for sequence in [1, 2] {
            all.push(server.settled(sequence, "delivered").await);
        }
        all
    };
    let before = fates(&server).await;
    assert_eq!(phases(&attempts(&before[0])[0]), ["dns", "connect", "first_byte"]);
    assert_eq!(phases(&attempts(&before[1])[0]), ["first_byte"]);
    server.stop().await;
    server.restart().await;
    assert_eq!(fates(&server).await, before, "the log has the phases too");
}

#[tokio::test]
async fn an_attempt_that_times_out_says_how_far_it_came() {
    let server = Server::start().await;
    let evil = Evil::playing([Step::Read, Step::Hang]).await;
    let more = "timeout: 200ms\n        retry: { strategy: none }";
    server.apply(&webhook_rule("r", "t", &evil.url("/"), more)).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempt = &letter["attempts"][0];
    assert_eq!(attempt["class"], "timeout");
    assert_eq!(phases(attempt), ["connect"], "{attempt}");
}

#[tokio::test]
async fn the_answer_is_kept_without_secrets() {
    const SECRET: &str = "hunter2-hunter2";
    let server = Server::start().await;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nset-cookie: session={SECRET}\r\n\
         authorization: Bearer {SECRET}\r\nx-request-id: 17\r\nserver: {SECRET}\r\n\
         location: http://user:{SECRET}@h.example/path?token={SECRET}\r\nconnection: close\r\n\r\n\
         you sent Bearer {SECRET}, that is {SECRET}"
    );
    let evil = Evil::playing([Step::Read, Step::write(answer)]).await;
    let rules = format!(
        "rules:\n  - name: r\n    match: {{ type: [t] }}\n    targets:\n      - name: hook\n        \
         webhook: {{ url: \"{}?key=also-secret\", headers: {{ authorization: \"Bearer {SECRET}\" }} }}\n",
        evil.url("/"),
    );
    server.apply(&rules).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempt = &letter["attempts"][0];
    assert_eq!(attempt["response"], "you sent ***, that is ***", "{attempt}");
    let headers = json!({
        "content-type": "text/plain",
        "location": "http://h.example/path",
        "server": "***",
        "x-request-id": "17",
    });
    assert_eq!(attempt["headers"], headers, "{attempt}");
    let text = letter.to_string();
    assert!(!text.contains(SECRET) && !text.contains("also-secret"), "{text}");
}

#[tokio::test]
async fn of_a_long_answer_the_first_4_kib_are_kept() {
    let server = Server::start().await;
    let answer = format!(
        "HTTP/1.1 422 No\r\ncontent-length: 60000\r\n\r\n{}",
        "0123456789".repeat(6_000)
    );
    let evil = Evil::playing([Step::Read, Step::write(answer), Step::Hang]).await;
    server.apply(&webhook_rule("r", "t", &evil.url("/"), "")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let kept = letter["attempts"][0]["response"].as_str().unwrap();
    assert_eq!(kept.len(), 4_096);
    assert!(kept.starts_with("0123456789"));
}
