//! Real clients: events of the `CloudEvents` SDKs for Python and JavaScript, there and back.
//!
//! Each SDK publishes, the server delivers in all modes, and all SDKs read what arrived. They
//! are used as they are, at the versions in `tests/peers`. Where they leave the specification the
//! tests send what is legal; [`sent`] and [`seen`] say what that is. Besides these:
//!
//! * Neither SDK publishes batches, and those for Python do not read them. The scripts put what an
//!   SDK's JSON format writes into an array, and take the array apart.
//! * Version 1 of the Python SDK does not percent-decode header values, nor does that for JavaScript.
//! * The Python SDK reads binary-mode data that happens to be UTF-8 as text, whatever its type.
//! * The JavaScript SDK's transport does not tell the status of the answer, only its body.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use super::Script;
use super::recorded;
use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;

const MODES: [&str; 3] = ["binary", "structured", "batch"];
const SUBJECT: &str = "Grüße für 100 % \"Zürich\" 😀";
const ENCODED_SUBJECT: &str = "Gr%C3%BC%C3%9Fe%20f%C3%BCr%20100%20%25%20%22Z%C3%BCrich%22%20%F0%9F%98%80";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sdk {
    Python,
    /// Version 1, which reads only.
    Python1,
    JavaScript,
}

impl Sdk {
    /// Publishes neutral events (see `tests/peers/python-sdk/neutral.py`); gives the answers.
    async fn publish(self, server: &Server, mode: &str, events: &[Value]) -> Vec<Value> {
        let url = format!("{}/events", server.url());
        let answers = self.script("publish").run(&[&url, mode], &json!(events)).await;
        answers.as_array().expect("a list").clone()
    }

    /// Reads requests; gives neutral events.
    async fn parse(self, requests: &[Received]) -> Vec<Value> {
        let events = self.script("parse").run(&[], &recorded(requests)).await;
        events.as_array().expect("a list").clone()
    }

    fn script(self, name: &str) -> Script {
        match self {
            Self::Python => Script::python("python-sdk", name),
            Self::Python1 => Script::python("python-sdk1", name),
            Self::JavaScript => Script::javascript(name),
        }
    }

    /// Whether it reads header values as they stand there.
    fn reads_headers_encoded(self) -> bool {
        self != Self::Python
    }
}

/// Three events with all kinds of attributes, one of each kind of data, in neutral form.
fn events(mode: &str) -> Vec<Value> {
    let event = |name: &str, content_type: &str, form: &str, data: Value| {
        json!({
            "attributes": {
                "specversion": "1.0",
                "id": format!("{mode}-{name}"),
                "source": "https://peers.example/orders?a=b&c=%20",
                "type": "com.example.peer",
                "subject": SUBJECT,
                "time": "2026-02-28T23:59:59.125Z",
                "datacontenttype": content_type,
                "dataschema": "https://peers.example/schema#1",
                "tenant": "café & crème",
                "attempt": 7,
                "urgent": true,
            },
            form: data,
        })
    };
    let order =
        json!({ "id": 17, "total": 12.5, "name": "Žofie 😀", "lines": [{ "sku": "a\"b", "gift": null }] });
    vec![
        event("json", "application/json", "json", order),
        event(
            "text",
            "text/plain; charset=utf-8",
            "text",
            json!("first\nπ ≈ 3 \"…\"\n"),
        ),
        event(
            "bytes",
            "image/png",
            "base64",
            json!(STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\xff\xfe")),
        ),
    ]
}

/// What is given to the SDK, so that what it puts on the wire is legal.
fn sent(event: &Value, sdk: Sdk, mode: &str) -> Value {
    let mut event = event.clone();
    let attributes = event["attributes"].as_object_mut().expect("attributes");
    match (sdk, mode) {
        // Writes Python's `True` into the header, where CloudEvents spells it `true`.
        (Sdk::Python, "binary") => {
            attributes.insert("urgent".into(), json!("true"));
        }
        // Does not percent-encode header values, so its caller must.
        (Sdk::JavaScript, "binary") => {
            attributes.insert("subject".into(), json!(ENCODED_SUBJECT));
            attributes.insert("tenant".into(), json!("caf%C3%A9%20&%20cr%C3%A8me"));
            attributes.insert("source".into(), json!("https://peers.example/orders?a=b&c=%2520"));
        }
        _ => {}
    }
    event
}

/// What an SDK must read of an event that was published in mode `came` and delivered in mode `went`.
fn seen(event: &Value, came: &str, went: &str, by: Sdk) -> Value {
    let mut event = event.clone();
    let attributes = event["attributes"].as_object_mut().expect("attributes");
    if came == "binary" || went == "binary" {
        // Headers have no types.
        attributes.insert("attempt".into(), json!("7"));
        attributes.insert("urgent".into(), json!("true"));
    }
    if by.reads_headers_encoded() && went == "binary" {
        attributes.insert("subject".into(), json!(ENCODED_SUBJECT));
        attributes.insert("tenant".into(), json!("caf%C3%A9%20&%20cr%C3%A8me"));
        attributes.insert("source".into(), json!("https://peers.example/orders?a=b&c=%2520"));
    }
    event
}

async fn events_come_back_as_sent_by(writer: Sdk) {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let hook = |mode: &str| {
        format!(
            "      - name: {mode}\n        webhook: {{ url: \"{}\", mode: {mode} }}\n",
            sink.url(&format!("/{mode}"))
        )
    };
    let targets = hook("structured") + &hook("binary") + &hook("batched");
    server
        .apply(&format!(
            "rules:\n  - name: peer\n    match: {{ type: [com.example.peer] }}\n    targets:\n{targets}"
        ))
        .await;
    let mut published = BTreeMap::new();
    for mode in MODES {
        let events = events(mode);
        let given: Vec<_> = events.iter().map(|event| sent(event, writer, mode)).collect();
        let answers = writer.publish(&server, mode, &given).await;
        let results: Vec<_> = answers
            .iter()
            .flat_map(|answer| answer["results"].as_array().unwrap_or_else(|| panic!("{answer}")))
            .collect();
        assert_eq!(results.len(), events.len());
        for (event, result) in events.into_iter().zip(results) {
            assert_eq!(result["matched"], json!(["peer"]));
            server
                .settled(result["sequence"].as_u64().expect("a number"), "delivered")
                .await;
            published.insert(event["attributes"]["id"].to_string(), (mode, event));
        }
    }
    let received = sink.received();
    assert_eq!(received.len(), 3 * published.len());
    for went in ["structured", "binary", "batched"] {
        let requests: Vec<_> = received
            .iter()
            .filter(|request| request.path == format!("/{went}"))
            .cloned()
            .collect();
        assert_eq!(requests.len(), published.len());
        for reader in [Sdk::Python, Sdk::Python1, Sdk::JavaScript] {
            let read = reader.parse(&requests).await;
            assert_eq!(read.len(), published.len());
            for event in read {
                let (came, original) = &published[&event["attributes"]["id"].to_string()];
                assert_eq!(
                    event,
                    seen(original, came, went, reader),
                    "{came} by {writer:?}, delivered {went}, read by {reader:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn events_come_back_as_the_python_sdk_published_them() {
    events_come_back_as_sent_by(Sdk::Python).await;
}

#[tokio::test]
async fn events_come_back_as_the_javascript_sdk_published_them() {
    events_come_back_as_sent_by(Sdk::JavaScript).await;
}

/// The Python SDK writes JSON data other than objects as Python in binary mode: `['a']`.
#[tokio::test]
async fn what_the_python_sdk_calls_json_and_is_not_is_refused() {
    let server = Server::start().await;
    let mut list = events("binary").remove(0);
    list["json"] = json!(["a", true]);
    let answers = Sdk::Python.publish(&server, "binary", &[list.clone()]).await;
    assert_eq!(
        (&answers[0]["status"], &answers[0]["code"]),
        (&json!(400), &json!("invalid-data"))
    );
    // In structured mode it is JSON.
    let answers = Sdk::Python.publish(&server, "structured", &[list]).await;
    assert_eq!(answers[0]["results"][0]["sequence"], 1, "{answers:?}");
}

/// The JavaScript SDK puts values into headers as they are: Latin-1 goes out as raw bytes, which
/// the HTTP binding forbids, and anything beyond it is refused by Node.js.
#[tokio::test]
async fn header_values_that_the_javascript_sdk_does_not_encode_are_refused() {
    let server = Server::start().await;
    let with_subject = |subject: &str| {
        json!({
            "attributes": { "id": "1", "source": "/peers", "type": "t", "subject": subject },
            "json": {},
        })
    };
    let given = [with_subject("café"), with_subject("€")];
    let answers = Sdk::JavaScript.publish(&server, "binary", &given).await;
    assert_eq!(
        (&answers[0]["status"], &answers[0]["code"]),
        (&json!(400), &json!("invalid-header-encoding"))
    );
    assert_eq!(answers[1], json!({ "refused": "ERR_INVALID_CHAR" }));
}
