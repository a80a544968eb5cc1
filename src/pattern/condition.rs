//! The scalar test: one alternative of a field against one value of an event.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::address::Network;
use super::address::address;
use super::expression::Expression;
use super::fold;
use super::glob::Glob;
use super::number::Bound;
use super::number::Number;
use super::number::Written;
use super::number::within;

/// A value found in an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Written<'a>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An object or a list: no value, but there.
    Nested,
}

/// One alternative of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Condition {
    /// The value is `null`.
    Null,
    /// The value is this boolean.
    Bool(bool),
    /// The value is this number, however it is written.
    Number(Number),
    /// The value is this string.
    String(String),
    /// The value is this string, or another spelling of the address that it spells.
    Address(String, IpAddr),
    /// The value is a string that starts so.
    Prefix(String),
    /// The value is a string that ends so.
    Suffix(String),
    /// The value is this string but for case; the text is folded.
    EqualsIgnoreCase(String),
    /// The value is a string that starts so but for case; the text is folded.
    PrefixIgnoreCase(String),
    /// The value is a string that ends so but for case; the text is folded.
    SuffixIgnoreCase(String),
    /// The value is a string of this form.
    Wildcard(Glob),
    /// The value is a string in which this expression matches.
    Regex(Expression),
    /// The value is a string that spells an address of this network.
    Cidr(Network),
    /// The value is a number within all these bounds.
    Numeric(Vec<Bound>),
    /// There is a value, and it meets none of these.
    AnythingBut(Vec<Condition>),
    /// There is a value.
    Exists,
    /// There is no value.
    Absent,
    /// There is a value, an object or a list.
    Present,
    /// There is neither a value nor an object nor a list.
    Missing,
}

impl Condition {
    /// Whether what is there meets the condition.
    pub(super) fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Present, _) => true,
            (_, Leaf::Nested) => false,
            (Self::Exists, _) | (Self::Null, Leaf::Null) => true,
            (Self::Bool(wanted), Leaf::Bool(found)) => wanted == found,
            (Self::Number(wanted), Leaf::Number(found)) => wanted.equals(*found),
            (Self::Numeric(bounds), Leaf::Number(found)) => within(bounds, *found),
            (Self::AnythingBut(excluded), leaf) => !excluded.iter().any(|one| one.accepts(leaf)),
            (condition, Leaf::String(found)) => condition.accepts_text(found),
            _ => false,
        }
    }

    fn accepts_text(&self, found: &str) -> bool {
        match self {
            Self::String(wanted) => wanted == found,
            Self::Address(text, wanted) => text == found || address(found) == Some(*wanted),
            Self::Prefix(prefix) => found.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => found.ends_with(suffix.as_str()),
            Self::EqualsIgnoreCase(wanted) => fold::equals(found, wanted),
            Self::PrefixIgnoreCase(prefix) => fold::starts_with(found, prefix),
            Self::SuffixIgnoreCase(suffix) => fold::ends_with(found, suffix),
            Self::Wildcard(glob) => glob.matches(found),
            Self::Regex(expression) => expression.matches(found),
            Self::Cidr(network) => address(found).is_some_and(|found| network.contains(found)),
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
            Self::String(text) | Self::Address(text, _) => write!(f, "{}", quoted(text)),
            Self::Prefix(text) => write!(f, "a string that starts with {}", quoted(text)),
            Self::Suffix(text) => write!(f, "a string that ends with {}", quoted(text)),
            Self::EqualsIgnoreCase(text) => write!(f, "{} in any case", quoted(text)),
            Self::PrefixIgnoreCase(text) => {
                write!(f, "a string that starts with {} in any case", quoted(text))
            }
            Self::SuffixIgnoreCase(text) => write!(f, "a string that ends with {} in any case", quoted(text)),
            Self::Wildcard(glob) => write!(f, "a string of the form {}", quoted(glob.source())),
            Self::Regex(expression) => write!(f, "a string that matches {}", quoted(expression.source())),
            Self::Cidr(network) => write!(f, "an address in {network}"),
            Self::Numeric(bounds) if bounds.is_empty() => f.write_str("a number"),
            Self::Numeric(bounds) => write!(f, "a number {}", list(bounds, " and ")),
            Self::AnythingBut(excluded) => write!(f, "anything but {}", list(excluded, " or ")),
            Self::Exists => f.write_str("any value"),
            Self::Absent => f.write_str("no value"),
            Self::Present => f.write_str("anything"),
            Self::Missing => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Leaf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => write!(f, "{}", quoted(text)),
            Self::Nested => f.write_str("an object or a list"),
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
