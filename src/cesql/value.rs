//! Values, their types, and how one becomes the other.

use std::borrow::Cow;
use std::fmt;

use crate::pattern::Scalar;

/// The result of an expression or of a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string.
    String(Cow<'a, str>),
    /// An integer.
    Integer(i32),
    /// A boolean.
    Boolean(bool),
}

/// The types of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Unicode text; URIs and times among it.
    String,
    /// 32 bits, signed.
    Integer,
    /// True or false.
    Boolean,
}

/// A value written in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    String(String),
    Integer(i32),
    Boolean(bool),
}

impl Literal {
    /// The value as one of an evaluation.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::String(text) => Value::String(Cow::Borrowed(text)),
            Self::Integer(number) => Value::Integer(*number),
            Self::Boolean(truth) => Value::Boolean(*truth),
        }
    }

    /// Its type.
    pub(super) const fn kind(&self) -> Type {
        match self {
            Self::String(_) => Type::String,
            Self::Integer(_) => Type::Integer,
            Self::Boolean(_) => Type::Boolean,
        }
    }
}

impl<'a> Value<'a> {
    /// The value's type.
    #[must_use]
    pub const fn kind(&self) -> Type {
        match self {
            Self::String(_) => Type::String,
            Self::Integer(_) => Type::Integer,
            Self::Boolean(_) => Type::Boolean,
        }
    }

    /// The value as a string; every value can be one.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::String(text) => text,
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        }
    }

    /// The value as an integer; of strings only those that spell one of 32 bits.
    pub(super) fn integer(&self) -> Option<i32> {
        match self {
            Self::String(text) => text.parse().ok(),
            Self::Integer(number) => Some(*number),
            Self::Boolean(truth) => Some(i32::from(*truth)),
        }
    }

    /// The value as a boolean; of strings only `true` and `false` in any case.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self {
            Self::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Self::String(_) => None,
            Self::Integer(number) => Some(*number != 0),
            Self::Boolean(truth) => Some(*truth),
        }
    }

    /// The value as one of `kind`, if it can be.
    pub(super) fn cast(self, kind: Type) -> Option<Self> {
        match kind {
            Type::String => Some(Self::String(self.into_text())),
            Type::Integer => self.integer().map(Self::Integer),
            Type::Boolean => self.boolean().map(Self::Boolean),
        }
    }
}

impl<'a> From<Scalar<'a>> for Value<'a> {
    fn from(scalar: Scalar<'a>) -> Self {
        match scalar {
            Scalar::String(text) => Self::String(Cow::Borrowed(text)),
            Scalar::Integer(number) => Self::Integer(number),
            Scalar::Boolean(truth) => Self::Boolean(truth),
        }
    }
}

impl Type {
    /// What an operator or function of this type yields where it cannot do its work.
    pub(super) const fn zero(self) -> Value<'static> {
        match self {
            Self::String => Value::String(Cow::Borrowed("")),
            Self::Integer => Value::Integer(0),
            Self::Boolean => Value::Boolean(false),
        }
    }
}

/// As it would be written in an expression.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "'{}'", text.replace('\'', "\\'")),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

/// With its article, for sentences.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a String",
            Self::Integer => "an Integer",
            Self::Boolean => "a Boolean",
        })
    }
}
