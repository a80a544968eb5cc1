//! The schema registry: schemas of event types, and what they say about events.

mod command_line;
mod files;
mod impact;
mod inferring;
mod publishing;
mod registering;
mod resource;
mod showing;
mod suite;

use reqwest::Method;
use serde_json::Value;

use crate::support::Server;

/// Registers a version, which must be taken; gives the answer.
async fn registered(server: &Server, kind: &str, document: &Value) -> Value {
    let (status, answer) = register(server, kind, document).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

/// Registers a version; gives the status and the answer.
async fn register(server: &Server, kind: &str, document: &Value) -> (u16, Value) {
    let path = format!("/v1/schemas/{kind}/versions");
    server
        .call(server.request(Method::POST, &path).json(document))
        .await
}
