//! A message as the protocol has it: `HPUB` with the headers of the `CloudEvents` NATS binding.

use bytes::Bytes;

use crate::target::queue::HOPS;
use crate::target::queue::Message;
use crate::target::queue::STRUCTURED;

/// Headers and attributes of an event take so much, about.
const HEADERS: usize = 512;

/// What is written for one message.
#[derive(Debug)]
pub(super) struct Frame {
    /// The line and the headers.
    pub(super) head: Vec<u8>,
    /// The payload.
    pub(super) body: Bytes,
    /// Bytes that count against the server's `max_payload`: headers and payload.
    pub(super) size: usize,
}

impl Frame {
    /// The message for `subject`, to be answered at `reply`.
    pub(super) fn new(subject: &str, reply: &str, message: &Message<'_>) -> Self {
        let headers = headers(message);
        let size = headers.len() + message.body.len();
        let mut head = format!("HPUB {subject} {reply} {} {size}\r\n", headers.len()).into_bytes();
        head.extend_from_slice(&headers);
        Self {
            head,
            body: message.body.clone(),
            size,
        }
    }
}

fn headers(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADERS);
    out.extend_from_slice(b"NATS/1.0\r\n");
    put(&mut out, &["Nats-Msg-Id"], message.id);
    put(&mut out, &[HOPS], &message.hops.to_string());
    match &message.attributes {
        // Its space is part of the value, as the binding's examples have it.
        None => out.extend_from_slice(format!("Content-Type: {STRUCTURED}\r\n").as_bytes()),
        Some(attributes) => {
            for (name, value) in attributes {
                put(&mut out, &["ce-", name], value);
            }
            if let Some(kind) = message.content_type {
                put(&mut out, &["ce-datacontenttype"], kind);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn put(out: &mut Vec<u8>, name: &[&str], value: &str) {
    for part in name {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b": ");
    for &byte in value.as_bytes() {
        // As the HTTP binding (1.0.2, 3.1.3.2), whose rules the NATS binding takes over.
        if matches!(byte, 0x21..=0x7e) && byte != b'"' && byte != b'%' {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend([byte >> 4, byte & 0xf].map(hex_digit));
        }
    }
    out.extend_from_slice(b"\r\n");
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'A' + nibble - 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: Option<Vec<(&'static str, std::borrow::Cow<'static, str>)>>) -> Message<'static> {
        Message {
            id: "msg_1",
            kind: "t",
            source: "/s",
            subject: None,
            time: None,
            bus: "default",
            hops: 2,
            content_type: Some("text/plain; charset=utf-8"),
            attributes,
            body: Bytes::from_static(b"hello"),
        }
    }

    #[test]
    fn a_structured_event_is_one_body_with_its_content_type() {
        let frame = Frame::new("a.b", "_INBOX.x.1", &message(None));
        let headers = "NATS/1.0\r\nNats-Msg-Id: msg_1\r\ntramline-hops: 2\r\n\
            Content-Type: application/cloudevents+json; charset=utf-8\r\n\r\n";
        let (head, size) = (headers.len(), headers.len() + 5);
        let expected = format!("HPUB a.b _INBOX.x.1 {head} {size}\r\n{headers}");
        assert_eq!(String::from_utf8(frame.head).unwrap(), expected);
        assert_eq!((frame.body, frame.size), (Bytes::from_static(b"hello"), size));
    }

    #[test]
    fn attributes_are_headers_that_no_value_can_break_out_of() {
        let attributes = vec![
            ("specversion", "1.0".into()),
            ("subject", "a b\r\nX: \"ü\" 100%\u{7f}".into()),
        ];
        let frame = Frame::new("a", "r", &message(Some(attributes)));
        let head = String::from_utf8(frame.head).unwrap();
        let lines: Vec<_> = head.split("\r\n").skip(1).collect();
        let expected = [
            "NATS/1.0",
            "Nats-Msg-Id: msg_1",
            "tramline-hops: 2",
            "ce-specversion: 1.0",
            "ce-subject: a%20b%0D%0AX:%20%22%C3%BC%22%20100%25%7F",
            "ce-datacontenttype: text/plain;%20charset=utf-8",
            "",
            "",
        ];
        assert_eq!(lines, expected);
    }
}
