//! AWS Lambda functions: the Invoke API, as moto plays it and as a stub that misbehaves.

use std::process::Stdio;

use axum::response::IntoResponse as _;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use tokio::process::Command;

use super::Script;
use super::peers;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::eventually;

const ID: &str = "AKIDEXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A rule with a function in Lambda; `more` is of the function.
fn rule(endpoint: &str, more: &str) -> String {
    format!(
        "rules:\n  - name: call\n    match: {{ type: [t] }}\n    targets:\n      - name: f\n        \
         function:\n          lambda: {{ region: eu-central-1, endpoint: \"{endpoint}\", \
         credentials: {{ access_key_id: {ID}, secret_access_key: {KEY} }}, {more} }}\n        \
         retry: {{ strategy: fixed, initial: 10ms, max_attempts: 9 }}\n"
    )
}

/// What a moto server was asked since it is recording.
async fn recorded(http: &reqwest::Client, url: &str) -> Vec<Value> {
    let text = http
        .get(format!("{url}/moto-api/recorder/download-recording"))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn moto_takes_what_is_delivered_to_lambda() {
    let program = peers().join("moto/.venv/bin/moto_server");
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.expect("a free port");
    // It writes its recording to where it runs.
    let folder = tempfile::tempdir().expect("a directory");
    let _moto = Command::new(&program)
        .current_dir(&folder)
        .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}: run scripts/peers", program.display()));
    eventually("moto runs", async || {
        tokio::net::TcpStream::connect(address).await.ok()
    })
    .await;
    let server = Server::start().await;
    let (http, url) = (server.client(), format!("http://{address}"));
    let post = async |path: &str, body: Value| {
        let answer = http.post(format!("{url}{path}")).json(&body).send().await;
        assert!(answer.expect("an answer").status().is_success(), "{path}");
    };
    post("/moto-api/config", json!({ "lambda": { "use_docker": false } })).await;
    post("/moto-api/recorder/start-recording", json!({})).await;
    for (n, (more, kind, status)) in [
        ("function: orders", "RequestResponse", 200),
        (
            "function: orders, invocation: async, qualifier: live",
            "Event",
            202,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        server.apply(&rule(&url, more)).await;
        server.publish(&event(kind, "t", &json!({ "q": "ä" }))).await;
        let fate = server.settled(n as u64 + 1, "delivered").await;
        assert_eq!(fate["routes"][0]["attempts"][0]["status"], status, "{fate}");
        let calls = recorded(&http, &url).await;
        let call = calls.last().expect("a call");
        assert_eq!(call["headers"]["X-Amz-Invocation-Type"], kind, "{call}");
        let body = STANDARD
            .decode(call["body"].as_str().expect("a text"))
            .expect("base64");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&body["id"], &body["data"]), (&json!(kind), &json!({ "q": "ä" })));
    }
}

/// Plays a script of answers, the last one for ever.
async fn stub(answers: Vec<fn() -> Response>) -> Sink {
    let mut next = 0;
    Sink::responding(move |_: &Received| {
        let answer = answers[next.min(answers.len() - 1)];
        next += 1;
        answer()
    })
    .await
}

fn ok() -> Response {
    "{}".into_response()
}

fn function_error() -> Response {
    let header = [("x-amz-function-error", "Unhandled")];
    (header, r#"{"errorMessage":"boom"}"#).into_response()
}

fn throttled() -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}"#,
    )
        .into_response()
}

fn unknown() -> Response {
    (StatusCode::NOT_FOUND, r#"{"Message":"Function not found"}"#).into_response()
}

#[tokio::test]
async fn f43_a_function_that_fails_is_called_twice_more_and_then_a_dead_letter() {
    let (server, stub) = (Server::start().await, stub(vec![function_error]).await);
    server.apply(&rule(&stub.url(""), "function: orders")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    let attempts = letter["attempts"].as_array().unwrap();
    let classes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["function_error"; 3], "{letter}");
    assert_eq!(attempts[0]["status"], 200);
    assert_eq!(attempts[0]["response"], r#"{"errorMessage":"boom"}"#);
    assert_eq!(attempts[0]["headers"]["x-amz-function-error"], "Unhandled");
    assert_eq!(stub.received().len(), 3);
}

#[tokio::test]
async fn f43_a_function_that_fails_once_and_a_throttled_call_are_repeated() {
    let (server, stub) = (
        Server::start().await,
        stub(vec![throttled, function_error, ok]).await,
    );
    server.apply(&rule(&stub.url(""), "function: orders")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let fate = server.settled(1, "delivered").await;
    let attempts = fate["routes"][0]["attempts"].as_array().unwrap();
    let classes: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["throttled", "function_error", "ok"], "{fate}");
}

#[tokio::test]
async fn f43_a_function_that_is_not_there_is_a_dead_letter_at_once() {
    let (server, stub) = (Server::start().await, stub(vec![unknown]).await);
    server.apply(&rule(&stub.url(""), "function: orders")).await;
    server.publish(&event("1", "t", &json!(1))).await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(letter["code"], "rejected-404", "{letter}");
    assert_eq!(stub.received().len(), 1);
}

/// Our signatures of real calls, beside those that AWS's own library makes of the same requests.
#[tokio::test]
async fn f43_calls_are_signed_as_the_library_of_aws_signs_them() {
    let (server, stub) = (Server::start().await, stub(vec![ok]).await);
    for (n, (function, path)) in [
        ("function: orders", "/2015-03-31/functions/orders/invocations"),
        (
            "function: orders, qualifier: $LATEST",
            "/2015-03-31/functions/orders/invocations?Qualifier=%24LATEST",
        ),
        (
            "function: \"arn:aws:lambda:eu-central-1:123456789012:function:orders\", invocation: async, mode: data",
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Aorders/invocations",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        server.apply(&rule(&stub.url(""), function)).await;
        server.publish(&event(&n.to_string(), "t", &json!({ "q": "für 1 €" }))).await;
        let call = stub.wait_for(n + 1).await.remove(n);
        assert_eq!(call.path, path);
    }
    let calls = stub.received();
    let requests: Vec<_> = calls
        .iter()
        .map(|call| {
            let headers: Value = call
                .headers
                .keys()
                .map(|name| (name.as_str().to_owned(), json!(call.header(name.as_str()))))
                .collect::<serde_json::Map<_, _>>()
                .into();
            json!({
                "method": call.method.as_str(), "url": stub.url(&call.path), "headers": headers,
                "body": STANDARD.encode(&call.body),
            })
        })
        .collect();
    let signed = Script::python("moto", "sign")
        .run(&["eu-central-1", ID, KEY], &json!(requests))
        .await;
    let ours: Vec<_> = calls.iter().map(|call| call.header("authorization")).collect();
    assert_eq!(signed, json!(ours));
    assert_eq!(calls[2].body, r#"{"q":"für 1 €"}"#);
}
