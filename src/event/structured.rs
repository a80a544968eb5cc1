//! The JSON event format (CloudEvents JSON Event Format 1.0.2), read and written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::AttributeName;
use super::AttributeValue;
use super::Data;
use super::Event;
use super::EventError;
use super::MAX_JSON_DEPTH;
use super::is_json;
use super::is_text;
use super::json;

/// What a producer of plain JSON may leave out, and what then stands there.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The `id` to give.
    pub id: String,
    /// The `time` to give.
    pub time: String,
}

/// Reads one event in the JSON event format. With `defaults`, `specversion`, `id` and
/// `time` may be missing: the plain form.
///
/// The data is a slice of `body`, byte for byte.
///
/// # Errors
/// Names what is wrong first.
pub fn event_from_json(body: &Bytes, defaults: Option<Defaults>) -> Result<Event, EventError> {
    // One more level than data may have: the event object itself.
    let members = json::members(body, MAX_JSON_DEPTH)
        .map_err(EventError::InvalidJson)?
        .ok_or(EventError::Shape {
            expected: "a JSON object holding one event",
        })?;
    let mut envelope = Envelope::default();
    for member in &members {
        let key = text_of(slice(body, member.key.clone())).unwrap_or_default();
        envelope.take(&key, body.slice(member.value.clone()))?;
    }
    envelope.finish(defaults)
}

/// The entries of a batch, each the text of one event; `None` when there are more than `max`.
///
/// # Errors
/// The body is not JSON, or not an array.
pub fn batch_entries(body: &Bytes, max: usize) -> Result<Option<Vec<Bytes>>, EventError> {
    let entries = json::elements(body, MAX_JSON_DEPTH + 1, max)
        .map_err(EventError::InvalidJson)?
        .ok_or(EventError::Shape {
            expected: "a JSON array of events",
        })?;
    let fits = entries.len() <= max;
    Ok(fits.then(|| entries.into_iter().map(|range| body.slice(range)).collect()))
}

#[derive(Default)]
struct Envelope {
    attributes: Vec<(AttributeName, AttributeValue)>,
    specversion: Option<String>,
    data: Option<Bytes>,
    base64: Option<Bytes>,
}

impl Envelope {
    fn take(&mut self, key: &str, value: Bytes) -> Result<(), EventError> {
        let twice = |is_there: bool| {
            if is_there {
                Err(EventError::Duplicate {
                    attribute: key.to_owned(),
                })
            } else {
                Ok(())
            }
        };
        match key {
            "data" => {
                twice(self.data.is_some())?;
                self.data = Some(value);
            }
            "data_base64" => {
                twice(self.base64.is_some())?;
                self.base64 = Some(value);
            }
            "specversion" => {
                twice(self.specversion.is_some())?;
                self.specversion = scalar(key, &value)?.map(|version| version.to_string());
            }
            _ => {
                let name = AttributeName::parse(key)?;
                if let Some(value) = scalar(key, &value)? {
                    self.attributes.push((name, value));
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, defaults: Option<Defaults>) -> Result<Event, EventError> {
        match (&self.specversion, &defaults) {
            (None, None) => {
                return Err(EventError::Missing {
                    attribute: "specversion",
                });
            }
            (Some(version), _) if version != "1.0" => {
                return Err(EventError::SpecVersion {
                    found: version.clone(),
                });
            }
            _ => {}
        }
        if let Some(Defaults { id, time }) = defaults {
            self.fill("id", id)?;
            self.fill("time", time)?;
        }
        let content_type = self.text("datacontenttype").map(str::to_owned);
        let data = match (self.data, self.base64) {
            (Some(_), Some(_)) => return Err(EventError::InvalidBase64("must not stand beside data")),
            (Some(data), None) => data_member(data, content_type.as_deref()),
            (None, Some(encoded)) => Data::of_type(content_type.as_deref(), from_base64(&encoded)?)?,
            (None, None) => Data::None,
        };
        Event::new(self.attributes, data)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known.as_str() == name)
            .and_then(|(_, value)| value.as_str())
    }

    fn fill(&mut self, name: &str, value: String) -> Result<(), EventError> {
        if !self.attributes.iter().any(|(known, _)| known.as_str() == name) {
            self.attributes
                .push((AttributeName::parse(name)?, AttributeValue::String(value)));
        }
        Ok(())
    }
}

/// `data` is the JSON value itself, or, when the type is not JSON, the text in a JSON string.
fn data_member(value: Bytes, content_type: Option<&str>) -> Data {
    if value.as_ref() == b"null" && content_type.is_some_and(|kind| !is_json(kind)) {
        return Data::None;
    }
    match content_type {
        Some(kind) if !is_json(kind) => match string(&value) {
            Some(text) if is_text(kind) => Data::Text(text.into()),
            Some(text) => Data::Binary(text.into()),
            None => Data::Json(value),
        },
        _ => Data::Json(value),
    }
}

fn from_base64(value: &[u8]) -> Result<Bytes, EventError> {
    let text = string(value).ok_or(EventError::InvalidBase64("must be a string"))?;
    let decoded = STANDARD
        .decode(text)
        .map_err(|_| EventError::InvalidBase64("is not standard base64"))?;
    Ok(decoded.into())
}

/// An attribute value: string, boolean or 32-bit integer; `null` stands for an absent one.
fn scalar(name: &str, value: &[u8]) -> Result<Option<AttributeValue>, EventError> {
    let invalid = |reason| EventError::Invalid {
        attribute: name.to_owned(),
        reason,
    };
    match value.first() {
        Some(b'"') => string(value)
            .map(|text| Some(AttributeValue::String(text)))
            .ok_or_else(|| invalid("is not a string")),
        Some(b't') => Ok(Some(AttributeValue::Boolean(true))),
        Some(b'f') => Ok(Some(AttributeValue::Boolean(false))),
        Some(b'n') => Ok(None),
        Some(b'[' | b'{') => Err(invalid("must be a string, a boolean or an integer")),
        _ => std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok())
            .map(|number| Some(AttributeValue::Integer(number)))
            .ok_or_else(|| invalid("must be an integer of 32 bits")),
    }
}

/// The text of a checked JSON string; `None` when it is no string.
fn string(raw: &[u8]) -> Option<String> {
    text_of(raw).map(Cow::into_owned)
}

/// As [`string`], borrowed where nothing is escaped.
fn text_of(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return serde_json::from_slice(raw).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

fn slice(body: &Bytes, range: std::ops::Range<usize>) -> &[u8] {
    body.get(range).unwrap_or_default()
}

/// Appends the event in the JSON event format to `out`. JSON data is embedded verbatim.
pub fn write_json(event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"specversion\":\"1.0\"");
    for (name, value) in event.attributes() {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b"\":");
        match value {
            AttributeValue::String(text) => write_string(text, out),
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
    }
    match event.data() {
        Data::None => {}
        Data::Json(json) => {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(json);
        }
        Data::Text(text) => {
            out.extend_from_slice(b",\"data\":");
            write_string(&String::from_utf8_lossy(text), out);
        }
        Data::Binary(bytes) => {
            out.extend_from_slice(b",\"data_base64\":\"");
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
    }
    out.push(b'}');
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Serialising a string into memory cannot fail.
    drop(serde_json::to_writer(out, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Event, EventError> {
        event_from_json(&Bytes::copy_from_slice(text.as_bytes()), None)
    }

    fn written(event: &Event) -> String {
        let mut out = Vec::new();
        write_json(event, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn code(text: &str) -> String {
        read(text).unwrap_err().code()
    }

    #[test]
    fn json_data_comes_out_as_the_bytes_that_went_in() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n": 1e400, "z":"\u0000", "n":1}}"#;
        let event = read(text).unwrap();
        assert_eq!(
            event.data(),
            &Data::Json(Bytes::from_static(br#"{"n": 1e400, "z":"\u0000", "n":1}"#))
        );
        assert_eq!(written(&event), text);
    }

    #[test]
    fn text_and_binary_data_keep_their_bytes() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"a\n€"}"#;
        let event = read(text).unwrap();
        assert_eq!(event.data(), &Data::Text(Bytes::from("a\n€")));
        assert_eq!(read(&written(&event)).unwrap(), event);
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"image/png","data_base64":"AP8="}"#;
        let event = read(text).unwrap();
        assert_eq!(event.data(), &Data::Binary(Bytes::from_static(b"\x00\xff")));
        assert_eq!(written(&event), text);
    }

    #[test]
    fn integers_and_booleans_keep_their_type_and_null_is_absent() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","n":7,"b":true,"gone":null}"#;
        let event = read(text).unwrap();
        assert_eq!(event.attribute("n"), Some(&AttributeValue::Integer(7)));
        assert_eq!(event.attribute("b"), Some(&AttributeValue::Boolean(true)));
        assert_eq!(event.attribute("gone"), None);
    }

    #[test]
    fn each_mistake_has_its_own_code() {
        let event = |rest: &str| format!(r#"{{"specversion":"1.0","source":"/s","type":"t"{rest}}}"#);
        assert_eq!(code(&event("")), "missing-id");
        assert_eq!(code(&event(r#","id":"""#)), "invalid-id");
        assert_eq!(code(&event(r#","id":5"#)), "invalid-id");
        assert_eq!(code(&event(r#","id":"1","id":"2""#)), "duplicate-attribute");
        let many = (0..40)
            .map(|n| format!(r#","a{n}":true"#))
            .collect::<Vec<_>>()
            .concat();
        assert_eq!(
            code(&event(&format!(r#","id":"1"{many},"a0":1"#))),
            "duplicate-attribute"
        );
        assert_eq!(
            code(&event(r#","id":"1","fooBar":"2""#)),
            "invalid-attribute-name"
        );
        assert_eq!(code(&event(r#","id":"1","x":{}"#)), "invalid-attribute");
        assert_eq!(code(&event(r#","id":"1","x":4294967296"#)), "invalid-attribute");
        assert_eq!(
            code(&event(r#","id":"1","data":1,"data_base64":"""#)),
            "invalid-data"
        );
        assert_eq!(code(&event(r#","id":"1","data":"\ud800""#)), "invalid-json");
        assert_eq!(
            code(r#"{"specversion":"0.3","id":"1"}"#),
            "unsupported-specversion"
        );
        assert_eq!(
            code(r#"{"id":"1","source":"/s","type":"t"}"#),
            "missing-specversion"
        );
        assert_eq!(code("[]"), "invalid-event");
        assert_eq!(code("{"), "invalid-json");
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert_eq!(
            code(&event(&format!(r#","id":"1","data":{deep}"#))),
            "json-too-deep"
        );
        let legal = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(read(&event(&format!(r#","id":"1","data":{legal}"#))).is_ok());
    }

    #[test]
    fn the_plain_form_gets_what_it_leaves_out() {
        let defaults = Defaults {
            id: "new".into(),
            time: "2026-01-01T00:00:00Z".into(),
        };
        let body = Bytes::from_static(br#"{"type":"t","source":"/s","data":1}"#);
        let event = event_from_json(&body, Some(defaults.clone())).unwrap();
        assert_eq!(
            (event.id(), event.text("time")),
            ("new", Some("2026-01-01T00:00:00Z"))
        );
        let body = Bytes::from_static(br#"{"type":"t","source":"/s","id":"mine"}"#);
        assert_eq!(event_from_json(&body, Some(defaults)).unwrap().id(), "mine");
    }
}
