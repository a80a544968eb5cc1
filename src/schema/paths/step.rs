//! Paths through data, step by step.

use std::fmt;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the member of this name.
    Member(String),
    /// To one element, whichever it is.
    Index,
    /// To all elements.
    AnyElement,
    /// To the value itself and all values inside it, at every depth.
    Descend,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => f.write_str(&member(name)),
            Self::Index => f.write_str("[0]"),
            Self::AnyElement => f.write_str("[*]"),
            Self::Descend => f.write_str("."),
        }
    }
}

/// The path of these steps from the data, such as `$.items[*].sku`.
pub(in crate::schema) fn path(steps: &[Step]) -> String {
    let steps = steps.iter().map(ToString::to_string);
    std::iter::once("$".to_owned()).chain(steps).collect()
}

/// The step to a member, as `JSONPath` writes it.
#[must_use]
pub fn member(name: &str) -> String {
    let is_plain = name
        .chars()
        .enumerate()
        .all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
    if is_plain && !name.is_empty() {
        return format!(".{name}");
    }
    let mut text = String::from("['");
    for c in name.chars() {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text += &escaped(c),
            c => text.push(c),
        }
    }
    text + "']"
}

fn escaped(control: char) -> String {
    format!("\\u{:04x}", u32::from(control))
}
