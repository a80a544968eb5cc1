//! What goes into a transform and comes out of it.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;

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
    /// JSON that a step produced.
    Json(Value),
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
