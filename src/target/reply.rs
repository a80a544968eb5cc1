//! The events that a function answers with.

use bytes::Bytes;
use http::HeaderMap;

use super::answer::Room;
use super::answer::Whole;
use crate::event;
use crate::event::Event;
use crate::event::Mode;

/// Most events of one reply: each is stored and routed like one that was published.
const MAX_EVENTS: usize = 100;

/// What the target answered beside its status.
#[derive(Debug)]
pub enum Reply {
    /// Events to route, at least one.
    Events(Events),
    /// Something that was meant to be events and is none; why.
    Invalid(String),
}

/// The events of a reply, and the room they take until this is dropped.
#[derive(Debug)]
pub struct Events {
    /// At least one.
    pub events: Vec<Event>,
    /// What was read from elsewhere takes room.
    _room: Option<Room>,
}

impl Events {
    /// An event that is in memory anyhow.
    pub(super) fn known(event: Event) -> Self {
        Self {
            events: vec![event],
            _room: None,
        }
    }
}

/// The mode of an answer that is a reply; `None` for any other answer.
///
/// # Errors
/// Why what is meant to be a reply cannot be read.
pub(super) fn mode(headers: &HeaderMap) -> Result<Option<Mode>, String> {
    Mode::of(headers).map_err(|error| error.to_string())
}

/// Reads the body of a reply; `None` when it holds no event.
pub(super) fn read(mode: Mode, headers: &HeaderMap, body: Whole) -> Option<Reply> {
    let Whole { bytes, room } = body;
    match events(mode, headers, bytes) {
        Ok(events) if events.is_empty() => None,
        Ok(events) => Some(Reply::Events(Events {
            events,
            _room: Some(room),
        })),
        Err(why) => Some(Reply::Invalid(why)),
    }
}

fn events(mode: Mode, headers: &HeaderMap, body: Bytes) -> Result<Vec<Event>, String> {
    let events = match mode {
        Mode::Binary => event::event_from_headers(headers, body).map(|event| vec![event]),
        Mode::Structured => event::event_from_json(&body, None).map(|event| vec![event]),
        Mode::Batch => match event::batch_entries(&body, MAX_EVENTS) {
            Ok(Some(entries)) => entries
                .iter()
                .map(|entry| event::event_from_json(entry, None))
                .collect(),
            Ok(None) => return Err(format!("more than {MAX_EVENTS} events")),
            Err(error) => Err(error),
        },
    };
    events.map_err(|error| format!("{}: {}", error.code(), error.detail()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_static(value);
            (http::HeaderName::from_static(name), value)
        });
        pairs.collect()
    }

    /// The events of an answer; none when it is no reply.
    fn replied(pairs: &[(&'static str, &'static str)], body: &str) -> Result<Vec<Event>, String> {
        let headers = headers(pairs);
        match mode(&headers)? {
            Some(mode) => events(mode, &headers, Bytes::copy_from_slice(body.as_bytes())),
            None => Ok(Vec::new()),
        }
    }

    fn count(pairs: &[(&'static str, &'static str)], body: &str) -> usize {
        replied(pairs, body).unwrap().len()
    }

    #[test]
    fn a_reply_is_an_event_in_any_mode() {
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/s"),
            ("ce-type", "t"),
            ("content-type", "text/plain"),
        ];
        assert_eq!(count(&binary, "hello"), 1);
        let kind = "application/cloudevents+json";
        assert_eq!(count(&[("content-type", kind)], EVENT), 1);
        let kind = "application/cloudevents-batch+json";
        let batch = format!("[{EVENT},{EVENT}]");
        assert_eq!(count(&[("content-type", kind)], &batch), 2);
        assert_eq!(count(&[("content-type", kind)], "[]"), 0);
    }

    #[test]
    fn another_answer_is_no_reply() {
        assert_eq!(count(&[("content-type", "text/html")], "OK"), 0);
        assert_eq!(count(&[("content-type", "application/json")], EVENT), 0);
        assert_eq!(count(&[], ""), 0);
    }

    #[test]
    fn what_is_meant_to_be_a_reply_and_is_none_says_why() {
        let invalid = |pairs: &[(&'static str, &'static str)], body: &str| replied(pairs, body).unwrap_err();
        let why = invalid(&[("ce-specversion", "1.0"), ("ce-id", "1")], "x");
        assert!(why.starts_with("missing-source: "), "{why}");
        let why = invalid(&[("content-type", "application/cloudevents+json")], "{");
        assert!(why.starts_with("invalid-json: "), "{why}");
        let batch = format!("[{}]", vec![EVENT; MAX_EVENTS + 1].join(","));
        let why = invalid(&[("content-type", "application/cloudevents-batch+json")], &batch);
        assert_eq!(why, "more than 100 events");
        let avro = headers(&[("content-type", "application/cloudevents+avro")]);
        assert!(mode(&avro).is_err());
    }
}
