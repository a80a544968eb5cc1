//! How an event is put into a request.

use serde_json::json;

use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;

/// Publishes one event, in the JSON format, to a webhook with these settings; gives the call.
async fn call(settings: &str, event: &str) -> Received {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let rules = format!(
        "rules:\n  - name: r\n    match: {{ type: [t] }}\n    targets:\n      - name: hook\n        \
         webhook: {{ url: \"{}\", {settings} }}\n",
        sink.url("/hook?tenant=a%20b"),
    );
    server.apply(&rules).await;
    let request = server
        .request(reqwest::Method::POST, "/events")
        .header("content-type", "application/cloudevents+json")
        .body(event.to_owned());
    let (status, answer) = server.call(request).await;
    assert_eq!(status, 202, "{answer}");
    let call = sink.wait_for(1).await.remove(0);
    assert_eq!(call.path, "/hook?tenant=a%20b");
    assert!(call.header("user-agent").starts_with("tramline/"));
    assert!(call.header("webhook-id").starts_with("msg_"));
    call
}

const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"€ %","data":{"n": 1e400, "z":"\u0000"}}"#;
const EMPTY: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;

#[tokio::test]
async fn a_structured_call_is_the_event_in_json_with_its_data_verbatim() {
    let call = call("mode: structured", EVENT).await;
    assert_eq!(call.method, "POST");
    assert_eq!(
        call.header("content-type"),
        "application/cloudevents+json; charset=utf-8"
    );
    assert_eq!(call.body, EVENT);
    assert!(call.headers.keys().all(|name| !name.as_str().starts_with("ce-")));
}

#[tokio::test]
async fn a_batched_call_is_an_array_of_one_event() {
    let call = call("mode: batched", EVENT).await;
    assert_eq!(
        call.header("content-type"),
        "application/cloudevents-batch+json; charset=utf-8"
    );
    assert_eq!(call.body, format!("[{EVENT}]"));
    assert!(call.headers.keys().all(|name| !name.as_str().starts_with("ce-")));
}

#[tokio::test]
async fn a_binary_call_has_the_attributes_in_headers_and_the_data_as_body() {
    let call = call("mode: binary", EVENT).await;
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("ce-specversion"), "1.0");
    assert_eq!(call.header("ce-subject"), "%E2%82%AC%20%25");
    assert_eq!(call.body, r#"{"n": 1e400, "z":"\u0000"}"#);
}

#[tokio::test]
async fn a_binary_call_of_an_event_without_data_is_structured() {
    let call = call("mode: binary", EMPTY).await;
    assert_eq!(
        call.header("content-type"),
        "application/cloudevents+json; charset=utf-8"
    );
    assert_eq!(call.body, EMPTY);
    assert!(call.headers.keys().all(|name| !name.as_str().starts_with("ce-")));
}

#[tokio::test]
async fn a_data_call_is_the_data_alone_under_its_own_type() {
    let json = call("mode: data", EVENT).await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.body, r#"{"n": 1e400, "z":"\u0000"}"#);
    assert!(json.headers.keys().all(|name| !name.as_str().starts_with("ce-")));
    let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"image/png","data_base64":"iVBORwD/"}"#;
    let image = call("mode: data", event).await;
    assert_eq!(image.header("content-type"), "image/png");
    assert_eq!(image.body, &b"\x89PNG\0\xff"[..]);
    let empty = call("mode: data", EMPTY).await;
    assert_eq!((empty.header("content-type").as_str(), empty.body.len()), ("", 0));
}

#[tokio::test]
async fn the_method_and_more_headers_are_those_of_the_target() {
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let settings = format!("method: {method}, headers: {{ X-Tenant: \"Zoë\", accept: \"*/*\" }}");
        let call = call(&settings, EVENT).await;
        assert_eq!(call.method, method);
        assert_eq!(call.header("x-tenant"), "Zoë");
        assert_eq!(call.header("accept"), "*/*");
        assert_eq!(call.body, EVENT);
    }
}

#[tokio::test]
async fn headers_of_the_call_itself_cannot_be_set() {
    let server = Server::start().await;
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Content-Type",
        "webhook-signature",
        "ce-id",
        "tramline-hops",
    ] {
        let rule = json!({
            "match": { "type": ["t"] },
            "targets": [{ "name": "hook", "webhook": { "url": "http://127.0.0.1:1/", "headers": { name: "x" } } }],
        });
        let (status, problem) = server.put("/v1/buses/default/rules/r", &rule).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("invalid-header")),
            "{name}: {problem}"
        );
        let place = format!("/targets/0/webhook/headers/{name}");
        assert_eq!(problem["errors"][0]["pointer"], place, "{problem}");
    }
}
