//! The registry as clients of Confluent's Schema Registry ask it.

mod compatibility;
mod config;
mod deleting;
mod errors;
mod reading;
mod references;
mod registering;

use reqwest::Method;
use reqwest::RequestBuilder;
use serde_json::Value;
use serde_json::json;

use crate::support::Server;

/// What Confluent's clients send and read.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A JSON Schema as it is sent.
fn body(schema: &Value) -> Value {
    json!({ "schemaType": "JSON", "schema": schema.to_string() })
}

/// Sends a request to a path below `/confluent`; gives the status and the answer, which is always of one type.
async fn call(server: &Server, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let mut request = server.request(method, &format!("/confluent{path}"));
    if let Some(body) = body {
        request = request.header("content-type", MEDIA_TYPE).body(body.to_string());
    }
    answered(request).await
}

async fn answered(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    assert_eq!(headers["content-type"], MEDIA_TYPE);
    assert!(headers.contains_key("x-request-id"));
    let answer: Value = response.json().await.expect("JSON");
    if status >= 400 {
        let members: Vec<_> = answer.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["error_code", "message"], "{answer}");
        assert_ne!(answer["message"], json!(""), "{answer}");
    }
    (status, answer)
}

/// The answer of a path, which is there.
async fn get(server: &Server, path: &str) -> Value {
    let (status, answer) = call(server, Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Posts; gives the status and the answer.
async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    call(server, Method::POST, path, Some(body)).await
}

/// Registers a version, which must be taken; gives its id.
async fn registered(server: &Server, subject: &str, schema: &Value) -> u64 {
    let (status, answer) = post(server, &format!("/subjects/{subject}/versions"), &body(schema)).await;
    assert_eq!(status, 200, "{answer}");
    answer["id"].as_u64().expect("an id")
}

/// Asserts that a call is refused with this number, whose beginning is the status; gives the message.
async fn refused(server: &Server, method: Method, path: &str, body: Option<&Value>, code: u64) -> String {
    let (status, answer) = call(server, method, path, body).await;
    assert_eq!(answer["error_code"], json!(code), "{path}: {answer}");
    let digits = if code < 1_000 { code } else { code / 100 };
    assert_eq!(u64::from(status), digits, "{path}: {answer}");
    answer["message"].as_str().expect("a text").to_owned()
}
