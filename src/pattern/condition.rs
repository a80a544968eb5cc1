//! The scalar test: one alternative of a field against one value of an event.

use std::borrow::Cow;
use std::fmt;

use super::number::Bound;
use super::number::Number;
use super::number::within;

/// A scalar value found in an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
}

/// One alternative of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The value is `null`.
    Null,
    /// The value is this boolean.
    Bool(bool),
    /// The value is this number, however it is written.
    Number(Number),
    /// The value is this string.
    String(String),
    /// The value is a string that starts so.
    Prefix(String),
    /// The value is a string that ends so.
    Suffix(String),
    /// The value is a number within all these bounds.
    Numeric(Vec<Bound>),
    /// There is a value, and it meets none of these.
    AnythingBut(Vec<Condition>),
    /// There is a value.
    Exists,
    /// There is no value.
    Absent,
}

impl Condition {
    /// Whether a value that is there meets the condition.
    pub(super) fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Exists, _) | (Self::Null, Leaf::Null) => true,
            (Self::Bool(wanted), Leaf::Bool(found)) => wanted == found,
            (Self::Number(wanted), Leaf::Number(found)) => wanted.equals(found),
            (Self::String(wanted), Leaf::String(found)) => wanted == found,
            (Self::Prefix(prefix), Leaf::String(found)) => found.starts_with(prefix.as_str()),
            (Self::Suffix(suffix), Leaf::String(found)) => found.ends_with(suffix.as_str()),
            (Self::Numeric(bounds), Leaf::Number(found)) => within(bounds, found),
            (Self::AnythingBut(excluded), leaf) => !excluded.iter().any(|one| one.accepts(leaf)),
            _ => false,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => write!(f, "{}", quoted(text)),
            Self::Prefix(text) => write!(f, "a string that starts with {}", quoted(text)),
            Self::Suffix(text) => write!(f, "a string that ends with {}", quoted(text)),
            Self::Numeric(bounds) => write!(f, "a number {}", list(bounds, " and ")),
            Self::AnythingBut(excluded) => write!(f, "anything but {}", list(excluded, " or ")),
            Self::Exists => f.write_str("any value"),
            Self::Absent => f.write_str("no value"),
        }
    }
}

impl fmt::Display for Leaf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => write!(f, "{}", quoted(text)),
        }
    }
}

/// The items in words, `separator` between them.
pub(super) fn list<T: fmt::Display>(items: &[T], separator: &str) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(separator)
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}
