//! Which form of the HTTP protocol binding a message has.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::has_event_headers;

/// A content mode of the HTTP protocol binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Attributes in headers, the data as body.
    Binary,
    /// One event in JSON as body.
    Structured,
    /// An array of events in JSON as body.
    Batch,
}

/// A message whose headers do not tell its mode, or tell one that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    /// There are several content types.
    #[error("send one Content-Type: with two nobody knows what the body is")]
    DuplicateContentType,
    /// The events are in another format than JSON.
    #[error("of the event formats only JSON is supported (…+json)")]
    Format,
    /// The JSON is not said to be UTF-8.
    #[error("events in JSON are UTF-8")]
    Charset,
}

impl Mode {
    /// Told by the start of the content type, the batch first, then by `ce-` headers; `None` when
    /// nothing says that this is an event.
    ///
    /// # Errors
    /// See [`ModeError`].
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, ModeError> {
        let mut named = headers.get_all(CONTENT_TYPE).iter();
        let content_type = named.next().map(|value| value.as_bytes().to_ascii_lowercase());
        let content_type = content_type.as_deref().unwrap_or_default();
        if named.next().is_some() {
            return Err(ModeError::DuplicateContentType);
        }
        if let Some(rest) = content_type.strip_prefix(b"application/cloudevents-batch") {
            return json_format(rest).map(|()| Some(Self::Batch));
        }
        if let Some(rest) = content_type.strip_prefix(b"application/cloudevents") {
            return json_format(rest).map(|()| Some(Self::Structured));
        }
        Ok(has_event_headers(headers).then_some(Self::Binary))
    }
}

/// What may follow the media type: the JSON format, in UTF-8.
fn json_format(rest: &[u8]) -> Result<(), ModeError> {
    let rest = String::from_utf8_lossy(rest);
    let mut parts = rest.split(';').map(str::trim);
    if parts.next() != Some("+json") {
        return Err(ModeError::Format);
    }
    let charset = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim() == "charset");
    match charset {
        Some((_, value)) if !["utf-8", "utf8"].contains(&value.trim().trim_matches('"')) => {
            Err(ModeError::Charset)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(content_type: &str, ce: bool) -> Result<Option<Mode>, ModeError> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        if ce {
            headers.insert("ce-id", "1".parse().unwrap());
        }
        Mode::of(&headers)
    }

    #[test]
    fn the_mode_is_told_by_content_type_then_headers() {
        for (content_type, ce, told) in [
            ("application/cloudevents-batch+json", false, Some(Mode::Batch)),
            (
                "application/cloudevents+json; charset=UTF-8",
                true,
                Some(Mode::Structured),
            ),
            ("Application/CloudEvents+JSON", false, Some(Mode::Structured)),
            ("application/json", true, Some(Mode::Binary)),
            ("", true, Some(Mode::Binary)),
            ("application/json", false, None),
            ("text/plain", false, None),
            ("", false, None),
        ] {
            assert_eq!(mode(content_type, ce), Ok(told), "{content_type} {ce}");
        }
        for unknown in ["application/cloudevents+avro", "application/cloudevents"] {
            assert_eq!(mode(unknown, true), Err(ModeError::Format), "{unknown}");
        }
        assert_eq!(
            mode("application/cloudevents+json; charset=latin1", false),
            Err(ModeError::Charset)
        );
        let mut twice = HeaderMap::new();
        for kind in ["application/json", "application/cloudevents+json"] {
            twice.append(CONTENT_TYPE, kind.parse().unwrap());
        }
        assert_eq!(Mode::of(&twice), Err(ModeError::DuplicateContentType));
    }
}
