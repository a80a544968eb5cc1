//! Attributes in headers: the vectors of the HTTP protocol binding, over the socket.

use serde_json::Value;

use crate::support::Reply;
use crate::support::Server;
use crate::support::Sink;
use crate::support::exchange;
use crate::support::webhook_rule;

/// Publishes an event in binary mode with these lines in its head, written as they are.
async fn publish(server: &Server, id: &str, lines: &[&[u8]]) -> Reply {
    let mut bytes = format!(
        "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\nce-specversion: 1.0\r\nce-type: t\r\n\
         ce-source: /tests\r\nce-id: {id}\r\n"
    )
    .into_bytes();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\ndata");
    exchange(server.url(), &bytes).await
}

/// F32: what is encoded is decoded once and encoded again for the target.
#[tokio::test]
async fn f32_header_values_are_decoded_once_and_reach_the_target_encoded_the_one_right_way() {
    let (server, sink) = (Server::start().await, Sink::start().await);
    let webhook = format!("{}\", mode: \"binary", sink.url("/"));
    server.apply(&webhook_rule("r", "t", &webhook, "")).await;
    let vectors: [(&str, &str, &str); 10] = [
        (
            "Euro%20%E2%82%AC%20%F0%9F%98%80",
            "Euro € 😀",
            "Euro%20%E2%82%AC%20%F0%9F%98%80",
        ),
        ("Euro%20%e2%82%ac", "Euro €", "Euro%20%E2%82%AC"),
        ("50%25%20%22x%22", "50% \"x\"", "50%25%20%22x%22"),
        ("\"a \\\"b\\\" c\"", "a \"b\" c", "a%20%22b%22%20c"),
        ("\"quoted%20too\"", "quoted too", "quoted%20too"),
        ("%2541", "%41", "%2541"),
        ("%41%2f", "A/", "A/"),
        ("two words", "two words", "two%20words"),
        ("/:?=&+,;", "/:?=&+,;", "/:?=&+,;"),
        ("%F0%9F%98%80", "😀", "%F0%9F%98%80"),
    ];
    for (n, (header, value, encoded)) in vectors.into_iter().enumerate() {
        let reply = publish(
            &server,
            &n.to_string(),
            &[format!("ce-subject: {header}").as_bytes()],
        )
        .await;
        assert_eq!(reply.status, 202, "{header}: {reply:?}");
        let stored = server.get(&format!("/v1/buses/default/events/{}", n + 1)).await;
        assert_eq!(stored["event"]["subject"], value, "{header}");
        let sent = sink.wait_for(n + 1).await.remove(n);
        assert_eq!(sent.header("ce-subject"), encoded, "{header}");
    }
}

/// F32: what is not percent-encoded UTF-8 is refused, by the name of its header.
#[tokio::test]
async fn f32_header_values_that_are_no_percent_encoded_text_are_refused_by_name() {
    let server = Server::start().await;
    let vectors: [&[u8]; 9] = [
        b"ce-subject: %C0%A0",
        b"ce-subject: %ED%A0%80",
        b"ce-subject: %zz",
        b"ce-subject: %4",
        b"ce-subject: 100%",
        b"ce-subject: caf\xe9",
        "ce-subject: café".as_bytes(),
        b"ce-subject: \"open\\\"",
        b"ce-subject: \"a\"b\"",
    ];
    for line in vectors {
        let problem = publish(&server, "1", &[line])
            .await
            .problem(400, "invalid-header-encoding");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("ce-subject"), "{detail}");
    }
    // Decoded, these are text that no attribute may hold.
    for line in [
        &b"ce-subject: a%00b"[..],
        b"ce-subject: %7F",
        b"ce-subject: %EF%BF%BE",
        b"ce-subject: a\tb",
    ] {
        publish(&server, "1", &[line])
            .await
            .problem(400, "invalid-subject");
    }
    assert_eq!(server.last_sequence().await, 0);
}

/// F31: each mistake in the attributes has a code of its own.
#[tokio::test]
async fn f31_mistakes_in_attributes_have_codes_of_their_own() {
    let server = Server::start().await;
    let long = format!("ce-{}: x", "a".repeat(65));
    let cases: [(&[u8], &str); 15] = [
        (b"ce-specversion: 0.3", "duplicate-attribute"),
        (b"ce-id: 2", "duplicate-attribute"),
        (b"ce-source: /other", "duplicate-attribute"),
        (b"ce-ext: 1\r\nce-EXT: 2", "duplicate-attribute"),
        (b"ce-time: noon", "invalid-time"),
        (b"ce-time: 2026-02-30T00:00:00Z", "invalid-time"),
        (b"ce-subject:", "invalid-subject"),
        (b"ce-dataschema: /relative", "invalid-dataschema"),
        (b"ce-data: x", "invalid-attribute-name"),
        (b"ce-Foo_bar: x", "invalid-attribute-name"),
        (b"ce-: x", "invalid-attribute-name"),
        (long.as_bytes(), "invalid-attribute-name"),
        (b"ce-datacontenttype: text/plain", "datacontenttype-header"),
        (b"content-type: nonsense", "invalid-datacontenttype"),
        (
            b"content-type: text/plain\r\ncontent-type: application/json",
            "duplicate-content-type",
        ),
    ];
    for (line, code) in cases {
        publish(&server, "1", &[line]).await.problem(400, code);
    }
    let head = "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n";
    for (lines, code) in [
        (
            "ce-specversion: 0.3\r\nce-id: 1\r\nce-source: /s\r\nce-type: t",
            "unsupported-specversion",
        ),
        ("ce-id: 1\r\nce-source: /s\r\nce-type: t", "missing-specversion"),
        ("ce-specversion: 1.0\r\nce-source: /s\r\nce-type: t", "missing-id"),
        ("ce-specversion: 1.0\r\nce-id: 1\r\nce-type: t", "missing-source"),
        ("ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s", "missing-type"),
        (
            "ce-specversion: 1.0\r\nce-id:\r\nce-source: /s\r\nce-type: t",
            "invalid-id",
        ),
        (
            "ce-specversion: 1.0\r\nce-id: 1\r\nce-source:\r\nce-type: t",
            "invalid-source",
        ),
        (
            "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: a%20b\r\nce-type: t",
            "invalid-source",
        ),
    ] {
        let bytes = format!("{head}{lines}\r\n\r\n");
        exchange(server.url(), bytes.as_bytes()).await.problem(400, code);
    }
    assert_eq!(server.last_sequence().await, 0);
}

/// F31: 20 characters of a name are only recommended; 64 are taken.
#[tokio::test]
async fn f31_names_longer_than_recommended_are_taken() {
    let server = Server::start().await;
    for length in [21, 64] {
        let name = "a".repeat(length);
        let reply = publish(
            &server,
            &length.to_string(),
            &[format!("ce-{name}: x").as_bytes()],
        )
        .await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let sequence = reply.json()["results"][0]["sequence"].clone();
        let stored: Value = server.get(&format!("/v1/buses/default/events/{sequence}")).await;
        assert_eq!(stored["event"][&name], "x");
    }
}
