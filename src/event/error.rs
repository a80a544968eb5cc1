//! What can be wrong with an event, by what its producer has to mend.

use super::json::JsonError;

/// Why something is not an event of CloudEvents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A required attribute is not there.
    #[error("the attribute `{attribute}` is required")]
    Missing {
        /// Name of the attribute.
        attribute: &'static str,
    },
    /// The event is of another version of the specification.
    #[error("specversion `{found}` is not supported; send 1.0 events (specversion: \"1.0\")")]
    SpecVersion {
        /// What was sent.
        found: String,
    },
    /// An attribute has a value that its type forbids.
    #[error("the attribute `{attribute}` {reason}")]
    Invalid {
        /// Name of the attribute.
        attribute: String,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// An attribute has a name that CloudEvents forbids.
    #[error("`{name}` is no attribute name; use 1 to 64 characters of a-z and 0-9{hint}")]
    InvalidName {
        /// The name as sent.
        name: String,
        /// What to do instead, or empty.
        hint: &'static str,
    },
    /// An attribute was given twice.
    #[error("the attribute `{attribute}` is given twice")]
    Duplicate {
        /// Name of the attribute.
        attribute: String,
    },
    /// There are more attributes than any event needs.
    #[error("an event has at most {max} attributes; put the rest into the data")]
    TooManyAttributes {
        /// How many there may be.
        max: usize,
    },
    /// `datacontenttype` was sent as a header of its own in binary mode.
    #[error("the header ce-datacontenttype is not allowed in binary mode; send Content-Type instead")]
    ContentTypeHeader,
    /// A header value is not percent-encoded UTF-8.
    #[error(
        "the header `{header}` is not percent-encoded UTF-8; encode each byte outside of visible ASCII as %XY"
    )]
    HeaderEncoding {
        /// Name of the header.
        header: String,
    },
    /// The document is not JSON.
    #[error("the body is not valid JSON")]
    InvalidJson(#[source] JsonError),
    /// The document is JSON, but not of the expected shape.
    #[error("expected {expected}")]
    Shape {
        /// What should stand there.
        expected: &'static str,
    },
    /// The data claims to be JSON and is not.
    #[error("the data is not valid JSON")]
    InvalidData(#[source] JsonError),
    /// `data_base64` is not standard base64, or stands beside `data`.
    #[error("data_base64 {0}")]
    InvalidBase64(&'static str),
}

impl EventError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Missing { attribute } => format!("missing-{attribute}"),
            Self::SpecVersion { .. } => "unsupported-specversion".into(),
            Self::Invalid { attribute, .. } if super::attribute::is_context(attribute) => {
                format!("invalid-{attribute}")
            }
            Self::Invalid { .. } => "invalid-attribute".into(),
            Self::InvalidName { .. } => "invalid-attribute-name".into(),
            Self::Duplicate { .. } => "duplicate-attribute".into(),
            Self::TooManyAttributes { .. } => "too-many-attributes".into(),
            Self::ContentTypeHeader => "datacontenttype-header".into(),
            Self::HeaderEncoding { .. } => "invalid-header-encoding".into(),
            Self::InvalidJson(error) | Self::InvalidData(error) if error.is_too_deep() => {
                "json-too-deep".into()
            }
            Self::InvalidJson(_) => "invalid-json".into(),
            Self::Shape { .. } => "invalid-event".into(),
            Self::InvalidData(_) | Self::InvalidBase64(_) => "invalid-data".into(),
        }
    }

    /// JSON pointer to the member at fault, when it is one member.
    #[must_use]
    pub fn pointer(&self) -> Option<String> {
        match self {
            Self::Missing { attribute } => Some(format!("/{attribute}")),
            Self::SpecVersion { .. } => Some("/specversion".into()),
            Self::Invalid { attribute, .. } | Self::Duplicate { attribute } => Some(format!("/{attribute}")),
            Self::InvalidName { name, .. } => {
                Some(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
            }
            Self::ContentTypeHeader => Some("/datacontenttype".into()),
            Self::InvalidData(_) => Some("/data".into()),
            Self::InvalidBase64(_) => Some("/data_base64".into()),
            Self::HeaderEncoding { .. }
            | Self::InvalidJson(_)
            | Self::Shape { .. }
            | Self::TooManyAttributes { .. } => None,
        }
    }

    /// The whole story in one line: this error and what caused it.
    #[must_use]
    pub fn detail(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}
