//! Names and values of context attributes, and the rules they obey (CloudEvents 1.0.2, 3).

use std::borrow::Cow;
use std::fmt;

use iri_string::types::UriReferenceStr;
use iri_string::types::UriStr;

use super::EventError;
use super::media::is_media_type;

/// Longest attribute name; the specification only recommends 20.
const MAX_NAME_LEN: usize = 64;
/// Most attributes of one event: far more than anyone writes, and as headers of a request still
/// fewer than a server could take.
const MAX_ATTRIBUTES: usize = 256;

/// The attributes that CloudEvents itself defines, without `specversion`.
const CONTEXT: [&str; 7] = [
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
];

/// Whether CloudEvents itself defines this attribute.
pub(super) fn is_context(name: &str) -> bool {
    CONTEXT.contains(&name)
}

/// The name of a context attribute: `[a-z0-9]{1,64}`, and not one that means the data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributeName(Cow<'static, str>);

impl AttributeName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`EventError::InvalidName`].
    pub fn parse(name: &str) -> Result<Self, EventError> {
        if let Some(known) = CONTEXT.iter().find(|known| **known == name) {
            return Ok(Self(Cow::Borrowed(known)));
        }
        let is_legal = (1..=MAX_NAME_LEN).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if name == "data" || !is_legal {
            let hint = if name == "data" {
                "; the payload is not an attribute"
            } else {
                ""
            };
            return Err(EventError::InvalidName {
                name: name.to_owned(),
                hint,
            });
        }
        Ok(Self(Cow::Owned(name.to_owned())))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of a context attribute. URIs, times and binary values travel as strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Text without control characters or noncharacters.
    String(String),
    /// A number of 32 bits.
    Integer(i32),
    /// A truth value.
    Boolean(bool),
}

impl AttributeValue {
    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Integer(_) | Self::Boolean(_) => None,
        }
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
        }
    }
}

/// Checks everything that CloudEvents asks of a set of attributes.
pub(super) fn check_all(attributes: &[(AttributeName, AttributeValue)]) -> Result<(), EventError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(EventError::TooManyAttributes { max: MAX_ATTRIBUTES });
    }
    // Events have few attributes, and never many: comparing them costs less than hashing.
    for (index, (name, value)) in attributes.iter().enumerate() {
        if attributes.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(EventError::Duplicate {
                attribute: name.to_string(),
            });
        }
        check(name.as_str(), value).map_err(|reason| EventError::Invalid {
            attribute: name.to_string(),
            reason,
        })?;
    }
    for required in ["id", "source", "type"] {
        if !attributes.iter().any(|(name, _)| name.as_str() == required) {
            return Err(EventError::Missing { attribute: required });
        }
    }
    Ok(())
}

fn check(name: &str, value: &AttributeValue) -> Result<(), &'static str> {
    let AttributeValue::String(text) = value else {
        return if is_context(name) {
            Err("must be a string")
        } else {
            Ok(())
        };
    };
    if !text.chars().all(is_allowed) {
        return Err("holds a control character or a noncharacter");
    }
    if is_context(name) && text.is_empty() {
        return Err("must not be empty");
    }
    match name {
        "source" if UriReferenceStr::new(text).is_err() => Err("must be a URI-reference (RFC 3986)"),
        "dataschema" if UriStr::new(text).is_err() => Err("must be an absolute URI (RFC 3986)"),
        "time" if chrono::DateTime::parse_from_rfc3339(text).is_err() => {
            Err("must be a time such as 2026-01-31T12:00:00Z (RFC 3339)")
        }
        "datacontenttype" if !is_media_type(text) => {
            Err("must be a media type such as application/json (RFC 2046)")
        }
        _ => Ok(()),
    }
}

/// CloudEvents 3.1, String: no control characters, no noncharacters.
fn is_allowed(c: char) -> bool {
    let code = u32::from(c);
    !(code <= 0x1f
        || (0x7f..=0x9f).contains(&code)
        || (0xfdd0..=0xfdef).contains(&code)
        || code & 0xfffe == 0xfffe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<(), EventError> {
        let mut all = vec![("id", "1"), ("source", "/s"), ("type", "t")];
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
        let all: Vec<_> = all
            .into_iter()
            .map(|(name, value)| {
                (
                    AttributeName::parse(name).unwrap(),
                    AttributeValue::String(value.into()),
                )
            })
            .collect();
        check_all(&all)
    }

    #[test]
    fn values_are_held_to_their_types() {
        for (name, bad) in [
            ("source", "a b"),
            ("source", ""),
            ("dataschema", "/relative"),
            ("time", "yesterday"),
            ("datacontenttype", "json"),
            ("subject", ""),
            ("ext", "a\u{7}"),
            ("ext", "\u{fffe}"),
        ] {
            assert!(
                matches!(with(name, bad), Err(EventError::Invalid { .. })),
                "{name}={bad:?}"
            );
        }
        for (name, good) in [
            ("source", "https://a.example/b?c#d"),
            ("source", "urn:x:y"),
            ("dataschema", "https://a.example/s#v1"),
            ("time", "2026-02-03T04:05:06.789+02:00"),
            ("ext", ""),
        ] {
            assert_eq!(with(name, good), Ok(()), "{name}={good:?}");
        }
    }

    #[test]
    fn the_number_of_attributes_is_bounded() {
        let event = |count: usize| {
            let names = ["id", "source", "type"].map(str::to_owned).into_iter();
            let names = names.chain((3..count).map(|n| format!("a{n}")));
            let all: Vec<_> = names
                .map(|name| {
                    (
                        AttributeName::parse(&name).unwrap(),
                        AttributeValue::String("x".into()),
                    )
                })
                .collect();
            check_all(&all)
        };
        assert_eq!(event(256), Ok(()));
        assert_eq!(event(257), Err(EventError::TooManyAttributes { max: 256 }));
    }

    #[test]
    fn a_name_is_short_lower_case_and_not_data() {
        let longest = "a".repeat(64);
        assert!(AttributeName::parse(&longest).is_ok());
        for bad in [
            "",
            "Foo",
            "foo_bar",
            "data",
            "data_base64",
            &format!("{longest}a"),
            "ü",
        ] {
            assert!(
                matches!(AttributeName::parse(bad), Err(EventError::InvalidName { .. })),
                "{bad}"
            );
        }
    }
}
