//! The CloudEvents 1.0 event: its attributes, its data bytes, and its forms on the wire and in the log.
//!
//! An [`Event`] is validated when it is made, so inside the crate an event is always a
//! correct one. Attributes keep the order in which they came; data bytes are kept verbatim.
//! Sources: CloudEvents 1.0.2, its JSON event format and its HTTP protocol binding.

mod attribute;
mod binary;
mod error;
pub mod json;
mod media;
mod mode;
mod percent;
mod sdk;
mod stored;
mod structured;

pub use attribute::AttributeName;
pub use attribute::AttributeValue;
pub use binary::event_from_headers;
pub use binary::has_event_headers;
pub use binary::headers_of;
pub use error::EventError;
pub use media::is_json;
pub use media::is_text;
pub use mode::Mode;
pub use mode::ModeError;
pub use sdk::SdkError;
pub use stored::StoredError;
pub use stored::decode_attributes;
pub use stored::encode_attributes;
pub use stored::have_same_identity;
pub use stored::stored_source_and_type;
pub use structured::Defaults;
pub use structured::batch_entries;
pub use structured::event_from_json;
pub use structured::write_json;

use bytes::Bytes;

/// Deepest nesting of JSON data that is accepted, in every mode alike.
pub const MAX_JSON_DEPTH: usize = 64;

/// A CloudEvents 1.0 event, immutable and valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    attributes: Vec<(AttributeName, AttributeValue)>,
    data: Data,
}

/// The payload of an event: bytes as they came, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The event has no data.
    None,
    /// Valid JSON text, at most [`MAX_JSON_DEPTH`] deep.
    Json(Bytes),
    /// UTF-8 text of a `text/*` type.
    Text(Bytes),
    /// Anything else.
    Binary(Bytes),
}

impl Data {
    /// The bytes, empty when there is no data.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        static EMPTY: Bytes = Bytes::new();
        match self {
            Self::None => &EMPTY,
            Self::Json(bytes) | Self::Text(bytes) | Self::Binary(bytes) => bytes,
        }
    }

    /// Takes `bytes` for what `content_type` says they are.
    ///
    /// An empty body is no data. No content type means JSON in the JSON event format,
    /// but not in binary mode, so the caller passes what holds.
    ///
    /// # Errors
    /// [`EventError::InvalidData`] when the type says JSON and the bytes are not.
    pub fn of_type(content_type: Option<&str>, bytes: Bytes) -> Result<Self, EventError> {
        if bytes.is_empty() {
            return Ok(Self::None);
        }
        match content_type {
            Some(kind) if is_json(kind) => {
                json::validate(&bytes, MAX_JSON_DEPTH).map_err(EventError::InvalidData)?;
                Ok(Self::Json(bytes))
            }
            Some(kind) if is_text(kind) && std::str::from_utf8(&bytes).is_ok() => Ok(Self::Text(bytes)),
            _ => Ok(Self::Binary(bytes)),
        }
    }
}

impl Event {
    /// Makes an event of attributes (without `specversion`) and data, checking all of it.
    ///
    /// # Errors
    /// Names the first attribute that is missing, twice there, or malformed.
    pub fn new(attributes: Vec<(AttributeName, AttributeValue)>, data: Data) -> Result<Self, EventError> {
        attribute::check_all(&attributes)?;
        Ok(Self { attributes, data })
    }

    /// An event read back from the log, where only valid ones are written.
    #[must_use]
    pub const fn from_stored(attributes: Vec<(AttributeName, AttributeValue)>, data: Data) -> Self {
        Self { attributes, data }
    }

    /// The attributes in the order they came, without `specversion`.
    #[must_use]
    pub fn attributes(&self) -> &[(AttributeName, AttributeValue)] {
        &self.attributes
    }

    /// The payload.
    #[must_use]
    pub const fn data(&self) -> &Data {
        &self.data
    }

    /// The value of one attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes
            .iter()
            .find(|(known, _)| known.as_str() == name)
            .map(|(_, value)| value)
    }

    /// The text of one attribute, if it is there and a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name).and_then(AttributeValue::as_str)
    }

    /// The attribute `id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// The attribute `source`.
    #[must_use]
    pub fn source(&self) -> &str {
        self.text("source").unwrap_or_default()
    }

    /// The attribute `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type").unwrap_or_default()
    }
}
