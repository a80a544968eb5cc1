//! JSON that parsers stumble over: forwarded as the bytes that came, or refused.

use reqwest::Method;

use crate::support::Received;
use crate::support::Server;
use crate::support::Sink;
use crate::support::event;
use crate::support::webhook_rule;

/// Publishes JSON data in structured or in binary mode; gives status and code.
async fn publish(server: &Server, id: &str, data: &[u8], is_binary: bool) -> (u16, String) {
    let request = server.request(Method::POST, "/events");
    let request = if is_binary {
        request
            .header("content-type", "application/json")
            .header("ce-specversion", "1.0")
            .header("ce-id", id)
            .header("ce-source", "/tests")
            .header("ce-type", "t")
            .body(data.to_vec())
    } else {
        let start = format!(r#"{{"specversion":"1.0","id":"{id}","source":"/tests","type":"t","data":"#);
        request
            .header("content-type", "application/cloudevents+json")
            .body([start.as_bytes(), data, b"}"].concat())
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let answer: serde_json::Value = answer.json().await.unwrap();
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

/// The data as it came, cut out of the text and not parsed.
fn data(received: &Received) -> &[u8] {
    if received.header("ce-id").is_empty() {
        let text = &received.body[..];
        let start = text.windows(7).position(|at| at == b"\"data\":").expect("data") + 7;
        &text[start..text.len() - 1]
    } else {
        &received.body
    }
}

/// F28: what is valid JSON reaches the sink byte for byte, in and out in both modes.
#[tokio::test]
async fn f28_json_that_no_number_type_or_map_can_hold_is_delivered_byte_for_byte() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    for mode in ["structured", "binary"] {
        let webhook = format!("{}\", mode: \"{mode}", sink.url(&format!("/{mode}")));
        server.apply(&webhook_rule(mode, "t", &webhook, "")).await;
    }
    let long = "7".repeat(5_000);
    let cases = [
        r#"{"nul":"a\u0000b"}"#.to_owned(),
        r#"{"huge": 1e400, "tiny": 1E-400, "minus": -0.0, "exact": 1.10}"#.to_owned(),
        format!("[{long}, -{long}.{long}e+00{}]", "0".repeat(100)),
        r#"{"a": 1,  "a":2, "\u0061" : 3}"#.to_owned(),
        "[ \"\\/\", \"\\u00e9\", \"é\",\t\"😀\",\r\n\"\\ud83d\\ude00\" ]".to_owned(),
        "\"\u{7f}\u{2028}\u{ffff}\"".to_owned(),
    ];
    let mut ids = Vec::new();
    for (case, text) in cases.iter().enumerate() {
        for is_binary in [false, true] {
            let id = format!("{case}-{is_binary}");
            let answer = publish(&server, &id, text.as_bytes(), is_binary).await;
            assert_eq!(answer, (202, String::new()), "{id}");
            ids.push((id, text));
        }
    }
    let received = sink.wait_for(2 * ids.len()).await;
    for (id, text) in ids {
        for path in ["/structured", "/binary"] {
            let of_event = |request: &&Received| {
                request.path == path && (request.header("ce-id") == id || holds_id(request, &id))
            };
            let found: Vec<_> = received.iter().filter(of_event).collect();
            assert_eq!(found.len(), 1, "{id} at {path}");
            assert_eq!(
                String::from_utf8_lossy(data(found[0])),
                *text,
                "{id} at {path} is not what was sent"
            );
        }
    }
}

fn holds_id(request: &Received, id: &str) -> bool {
    let member = format!("\"id\":\"{id}\"");
    String::from_utf8_lossy(&request.body).contains(&member)
}

/// F28: what is no JSON is refused and not stored, in both modes.
#[tokio::test]
async fn f28_json_with_a_lone_surrogate_bad_utf8_or_a_byte_order_mark_is_refused() {
    let server = Server::start().await;
    let cases: [&[u8]; 7] = [
        br#""\ud800""#,
        br#""\udc00\ud800""#,
        br#"{"\ud800x":1}"#,
        b"\"\xff\"",
        b"\"\xc0\xa0\"",
        b"\"\xed\xa0\x80\"",
        b"\xef\xbb\xbf1",
    ];
    for text in cases {
        let said = String::from_utf8_lossy(text);
        let structured = publish(&server, "1", text, false).await;
        assert_eq!(structured, (400, "invalid-json".to_owned()), "{said}");
        let binary = publish(&server, "1", text, true).await;
        assert_eq!(binary, (400, "invalid-data".to_owned()), "{said}");
    }
    let marked = format!("\u{feff}{}", event("1", "t", &serde_json::json!(1)));
    for kind in [
        "application/cloudevents+json",
        "application/json",
        "application/cloudevents-batch+json",
    ] {
        let request = server
            .request(Method::POST, "/events")
            .header("content-type", kind);
        let answer = request.body(marked.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{kind}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "invalid-json");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("byte order mark"), "{detail}");
    }
    assert_eq!(server.last_sequence().await, 0);
}
