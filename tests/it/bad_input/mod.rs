//! Bad requests, one table: each is answered with a problem, stores nothing, and harms nobody.

mod bodies;
mod compressed;
mod control;
mod events;
mod nesting;
mod queries;
mod requests;

use std::time::Duration;

use serde_json::json;

use crate::support::Server;
use crate::support::event;
use crate::support::exchange;

/// Largest event and largest batch of these servers.
const EVENT_BYTES: usize = 1024 * 1024;
/// Processor time that one bad request may cost. Tests are built with little optimisation, which costs
/// these loops three times as much.
const CPU: Duration = Duration::from_millis(if cfg!(debug_assertions) { 150 } else { 50 });

const STRUCTURED: &str = "content-type: application/cloudevents+json";
const BATCH: &str = "content-type: application/cloudevents-batch+json";
const PLAIN: &str = "content-type: application/json";
const YAML: &str = "content-type: application/yaml";

/// A request as bytes, with its length.
fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let headers = [headers, &[&length]].concat();
    [head(line, &headers).as_slice(), body].concat()
}

/// The head of a request as bytes.
fn head(line: &str, headers: &[&str]) -> Vec<u8> {
    format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\n{}\r\n\r\n",
        headers.join("\r\n")
    )
    .into_bytes()
}

/// Publishes a body to the bus `default`.
fn publish(kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    request("POST /events", &[kind], body.as_ref())
}

/// A structured event of exactly this many bytes.
fn event_of(bytes: usize) -> String {
    let empty = event("big", "t", &json!("")).to_string();
    event("big", "t", &json!("x".repeat(bytes - empty.len()))).to_string()
}

fn chunked(line: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(line, &[kind, "transfer-encoding: chunked"]);
    for chunk in body.chunks(100_000) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn case(name: &'static str, bytes: Vec<u8>, status: u16, code: &'static str) -> Case {
    Case {
        name,
        bytes,
        status,
        code,
    }
}

/// Asks the whole table of one server, and looks at the server after each.
async fn ask(server: &Server, cases: Vec<Case>) {
    let stored = server.last_sequence().await;
    for Case {
        name,
        bytes,
        status,
        code,
    } in cases
    {
        let before = server.cpu_time();
        let reply = exchange(server.url(), &bytes).await;
        let used = server.cpu_time().saturating_sub(before);
        println!("{name}: {} after {used:?}", reply.status);
        reply.problem(status, code);
        assert!(used <= CPU, "{name} took {used:?} of processor time");
        assert_eq!(server.last_sequence().await, stored, "{name} stored something");
    }
    let next = server
        .publish(&event(&format!("good-{stored}"), "t", &json!(1)))
        .await;
    assert_eq!(next["sequence"], stored + 1, "the server does not serve any more");
}
