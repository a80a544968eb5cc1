//! What goes into a transform and comes out of it.

use std::fmt;

use bytes::Bytes;
use chrono::DateTime;
use chrono::SecondsFormat;
use chrono::Utc;
use serde_json::Value;

use super::scope::Fact;

/// The attribute that says what the data is.
const CONTENT_TYPE: &str = "datacontenttype";

/// An event as a transform sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The `CloudEvents` attributes in order, without `specversion`.
    pub attributes: Vec<(String, Attribute)>,
    /// The payload.
    pub data: Data,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A string, or any type that `CloudEvents` writes as one.
    String(String),
    /// An integer.
    Integer(i32),
    /// A boolean.
    Boolean(bool),
}

/// The payload of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// There is none.
    None,
    /// The bytes as received; steps that leave the data alone leave them untouched.
    Verbatim(Bytes),
    /// JSON that a step wrote.
    Json(Bytes),
}

/// What data is, as far as transforms care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    Json,
    Text,
    Other,
}

/// What templates may know beside the event.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// When the event was accepted, in milliseconds since 1970: `${now}`.
    pub now_ms: i64,
    /// The rule that matched.
    pub rule: &'a str,
    /// The bus the event is on.
    pub bus: &'a str,
    /// The event's number on the bus.
    pub sequence: u64,
    /// The key of masks that are hashes, where one is set.
    pub mask_key: Option<&'a MaskKey>,
}

/// The key of masks that are hashes. Never shown.
#[derive(Clone)]
pub struct MaskKey(Vec<u8>);

impl MaskKey {
    /// The key that these bytes are, unless they are none.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(***)")
    }
}

impl Document {
    /// An attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        let mut all = self.attributes.iter();
        all.find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The data, if it is JSON or is said to be.
    pub(super) fn json(&self) -> Option<&Bytes> {
        match &self.data {
            Data::None => None,
            Data::Json(json) => Some(json),
            Data::Verbatim(bytes) => matches!(self.media_type(), MediaType::Json).then_some(bytes),
        }
    }

    /// What the content type says about the data.
    pub(super) fn media_type(&self) -> MediaType {
        let whole = match self.attribute(CONTENT_TYPE) {
            Some(Attribute::String(text)) => text,
            _ => "",
        };
        let media_type = whole.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "" | "application/json" | "text/json" => MediaType::Json,
            json if json.ends_with("+json") => MediaType::Json,
            text if text.starts_with("text/") => MediaType::Text,
            _ => MediaType::Other,
        }
    }

    /// Replaces the data by JSON and says so in the content type.
    pub(super) fn replace_data(&mut self, json: String) {
        self.data = Data::Json(json.into());
        let value = Attribute::String("application/json".to_owned());
        match self.attributes.iter_mut().find(|(name, _)| name == CONTENT_TYPE) {
            Some((_, own)) => *own = value,
            None => self.attributes.push((CONTENT_TYPE.to_owned(), value)),
        }
    }
}

impl Facts<'_> {
    /// The value of a name, unless it is the event.
    pub(super) fn value(&self, fact: Fact) -> Option<Value> {
        Some(match fact {
            Fact::Now => {
                let now = DateTime::from_timestamp_millis(self.now_ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
                now.to_rfc3339_opts(SecondsFormat::Millis, true).into()
            }
            Fact::Rule => self.rule.into(),
            Fact::Bus => self.bus.into(),
            Fact::Sequence => self.sequence.into(),
            Fact::EventJson | Fact::Envelope => return None,
        })
    }
}

impl Attribute {
    /// The attribute as JSON.
    pub(super) fn into_json(self) -> Value {
        match self {
            Self::String(text) => Value::from(text),
            Self::Integer(number) => Value::from(number),
            Self::Boolean(value) => Value::from(value),
        }
    }

    /// JSON as an attribute, if it is a string, a boolean or an integer of 32 bits.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Bool(value) => Some(Self::Boolean(*value)),
            Value::Number(number) => Some(Self::Integer(i32::try_from(number.as_i64()?).ok()?)),
            _ => None,
        }
    }
}
