//! What a pattern sees of an event.

use std::borrow::Cow;

use super::condition::Leaf;

/// An event as borrowed from wherever it lies: parsed attributes, raw data.
#[derive(Debug, Clone, Copy)]
pub struct EventView<'a> {
    /// The `CloudEvents` attributes by name, extensions among them.
    pub attributes: &'a [(&'a str, Scalar<'a>)],
    /// JSON text, valid and at most 64 levels deep; `None` when absent or not JSON.
    ///
    /// Text that breaks this promise is read up to the place where it does.
    pub data: Option<&'a [u8]>,
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, or any type that `CloudEvents` writes as one.
    String(&'a str),
    /// An integer.
    Integer(i32),
    /// A boolean.
    Boolean(bool),
}

impl<'a> From<Scalar<'a>> for Leaf<'a> {
    fn from(scalar: Scalar<'a>) -> Self {
        match scalar {
            Scalar::String(text) => Self::String(Cow::Borrowed(text)),
            Scalar::Integer(number) => Self::Number(number.into()),
            Scalar::Boolean(value) => Self::Bool(value),
        }
    }
}
