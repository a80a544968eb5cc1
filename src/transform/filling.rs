//! How a value is written into a hole of a template: as what parsing and writing it again would give.

use std::borrow::Cow;

use serde_json::Value;

use super::limits::nests_deeper;

/// What goes into a hole.
pub(super) enum Filling<'a> {
    /// JSON as the event has it.
    Written(&'a str),
    /// A value that has to be written.
    Value(Cow<'a, Value>),
}

impl<'a> Filling<'a> {
    /// Adds the value as JSON, unless it nests too deep.
    pub(super) fn write(self, levels: usize, out: &mut String) -> Option<()> {
        if let Some(json) = self.compact() {
            out.push_str(json);
            return Some(());
        }
        let value = self.value()?;
        if nests_deeper(&value, levels) {
            return None;
        }
        out.push_str(&value.to_string());
        Some(())
    }

    /// Adds the value as text.
    pub(super) fn write_inside_string(self, out: &mut String) -> Option<()> {
        if let Some(json) = self.compact() {
            // Without a backslash, the only quotes are those around a string.
            out.push_str(json.trim_matches('"'));
            return Some(());
        }
        let text = match self.value()?.as_ref() {
            Value::String(text) => inside_string(text)?,
            value => inside_string(&value.to_string())?,
        };
        out.push_str(&text);
        Some(())
    }

    /// The JSON of a value that would not be written otherwise.
    fn compact(&self) -> Option<&'a str> {
        let &Self::Written(json) = self else { return None };
        let is_compact = match json.as_bytes().first()? {
            b'{' | b'[' => false,
            b'"' => !json.contains('\\'),
            b'-' | b'0'..=b'9' => !json.contains(['e', 'E']),
            _ => true,
        };
        is_compact.then_some(json)
    }

    fn value(self) -> Option<Cow<'a, Value>> {
        match self {
            Self::Written(json) => serde_json::from_str(json).ok().map(Cow::Owned),
            Self::Value(value) => Some(value),
        }
    }
}

/// Text as it stands between the quotes of a JSON string.
pub(super) fn inside_string(text: &str) -> Option<String> {
    let quoted = serde_json::to_string(text).ok()?;
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}
