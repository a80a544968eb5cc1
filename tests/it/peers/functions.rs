//! Functions run by Google's Functions Framework.

use std::process::Stdio;

use serde_json::json;
use tokio::process::Child;
use tokio::process::Command;

use super::peers;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;
use crate::support::webhook_rule;

/// A function of `tests/peers/functions/main.py` in a process of its own; ends when dropped.
struct Function {
    url: String,
    _process: Child,
}

impl Function {
    async fn start(name: &str, signature: &str) -> Self {
        let folder = peers().join("functions");
        let program = folder.join(".venv/bin/functions-framework");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let process = Command::new(&program)
            .current_dir(&folder)
            .args([
                "--target",
                name,
                "--signature-type",
                signature,
                "--host",
                "127.0.0.1",
                "--port",
            ])
            .arg(address.port().to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run scripts/peers", program.display()));
        eventually("the function runs", async || {
            tokio::net::TcpStream::connect(address).await.ok()
        })
        .await;
        Self {
            url: format!("http://{address}/"),
            _process: process,
        }
    }
}

fn rule(url: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: ask\n    match: {{ type: [ask] }}\n    targets:\n      - name: f\n        \
         function: {{ http: {{ url: \"{url}\", {more} }} }}\n",
    )
}

#[tokio::test]
async fn f44_the_reply_of_a_real_function_is_published_in_both_modes() {
    let function = Function::start("reply", "http").await;
    for mode in ["structured", "binary"] {
        let (server, sink) = (Server::start().await, Sink::start().await);
        let url = format!("{}?mode={mode}", function.url);
        server
            .apply(&rule(&url, &format!("mode: {mode}, reply: route")))
            .await;
        server
            .apply(&webhook_rule(
                "answers",
                "com.example.replied",
                &sink.url("/"),
                "",
            ))
            .await;
        server
            .publish(&event("Ä-1", "ask", &json!({ "q": "für 1 €" })))
            .await;
        let reply = sink.wait_for(1).await.remove(0).json();
        assert_eq!(reply["data"], json!({ "said": { "q": "für 1 €" } }), "{reply}");
        assert_eq!(
            (&reply["subject"], &reply["prefer"], &reply["hops"]),
            (&json!("ask"), &json!("reply"), &json!("0")),
            "{reply}"
        );
        server.settled(1, "delivered").await;
    }
}

/// It answers `OK` as text, which is no event; a server that took it for a failure would call again.
#[tokio::test]
async fn f44_a_real_function_without_a_reply_is_called_once() {
    let function = Function::start("quiet", "cloudevent").await;
    let server = Server::start().await;
    for (n, mode) in ["structured", "binary"].into_iter().enumerate() {
        server
            .apply(&rule(&function.url, &format!("mode: {mode}, reply: route")))
            .await;
        server.publish(&event(mode, "ask", &json!({ "q": 1 }))).await;
        let fate = server.settled(n as u64 + 1, "delivered").await;
        let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{fate}");
        assert_eq!(attempts[0]["class"], "ok", "{fate}");
    }
    assert_eq!(server.last_sequence().await, 2);
}

/// Batches are beyond the framework: it fails, and what it said is kept.
#[tokio::test]
async fn f44_a_real_function_that_fails_is_called_again() {
    let function = Function::start("quiet", "cloudevent").await;
    let server = Server::start().await;
    let rule = rule(&function.url, "mode: batched, reply: route");
    let retry = "        retry: { strategy: fixed, initial: 10ms, max_attempts: 2 }\n";
    server.apply(&format!("{rule}{retry}")).await;
    server.publish(&event("1", "ask", &json!({ "q": 1 }))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "max-attempts", "{letter}");
    assert_eq!(letter["attempts"][0]["class"], "http_500", "{letter}");
}
