//! Reading JSON objects key by key while collecting everything that is wrong.
//!
//! Not serde: it stops at the first error, knows no pointers, and buffers numbers in ways that
//! lose their spelling.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;

use super::issue::Issue;
use super::suggest;
use crate::config::duration;
use crate::transform::Transform;

/// Most issues kept of one document, so that a hostile one cannot make an endless answer.
const MAX_ISSUES: usize = 1_000;

/// The issues found so far.
#[derive(Debug, Default)]
pub(super) struct Issues {
    found: Vec<Issue>,
    more: bool,
}

impl Issues {
    /// Adds an issue, or only remembers that there was one beyond the bound.
    pub(super) fn push(&mut self, issue: Issue) {
        if self.found.len() < MAX_ISSUES {
            self.found.push(issue);
        } else {
            self.more = true;
        }
    }

    /// Adds all of them.
    pub(super) fn extend(&mut self, issues: Vec<Issue>) {
        for issue in issues {
            self.push(issue);
        }
    }

    /// How many were found: a decoder that sees the number unchanged has a valid value.
    pub(super) fn count(&self) -> usize {
        self.found.len() + usize::from(self.more)
    }

    /// The value if nothing was found, else all issues.
    pub(super) fn or<T>(mut self, value: Option<T>) -> Result<T, Vec<Issue>> {
        if self.more {
            self.found.push(Issue::new(
                "",
                "too-many-issues",
                "there are more issues than shown here",
            ));
        }
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }
}

/// One JSON object being read, with its pointer and what it is called in messages.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
    what: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which must be an object.
    pub(super) fn of(
        value: &'a Value,
        pointer: &str,
        what: &'static str,
        issues: &mut Issues,
    ) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self {
                object,
                pointer: pointer.to_owned(),
                what,
            }),
            other => {
                issues.push(wrong_type(pointer, &format!("{what} is an object"), other));
                None
            }
        }
    }

    /// Refuses every key that is neither in `known` nor in `later` (known, not available yet).
    pub(super) fn only(&self, known: &[&str], later: &[&str], issues: &mut Issues) {
        for key in self.object.keys() {
            if known.contains(&key.as_str()) {
                continue;
            }
            if later.contains(&key.as_str()) {
                issues.push(unsupported(self.at(key), key));
                continue;
            }
            let detail = format!("`{key}` is not a key of {}", self.what);
            let issue = Issue::new(self.at(key), "unknown-key", detail);
            issues.push(match suggest::nearest(key, known.iter().chain(later).copied()) {
                Some(near) => issue.with_correction(format!("did you mean `{near}`?")),
                None if known.is_empty() => issue,
                None => issue.with_correction(format!("known keys: {}", known.join(", "))),
            });
        }
    }

    /// The value of `key`, if it is there.
    pub(super) fn find(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key)
    }

    /// The pointer of `key`.
    pub(super) fn at(&self, key: &str) -> String {
        join(&self.pointer, key)
    }

    /// The value of `key`, which must be there; `example` is the correction.
    pub(super) fn required(&self, key: &str, example: &str, issues: &mut Issues) -> Option<&'a Value> {
        let found = self.find(key);
        if found.is_none() {
            let detail = format!("{} needs `{key}`", self.what);
            issues.push(
                Issue::new(self.pointer.clone(), "missing-field", detail)
                    .with_correction(format!("add `{example}`")),
            );
        }
        found
    }

    /// The text of `key`; absent is `None` without an issue.
    pub(super) fn text(&self, key: &str, issues: &mut Issues) -> Option<&'a str> {
        text(self.find(key)?, &self.at(key), key, issues)
    }

    /// The truth value of `key`, false when absent.
    pub(super) fn flag(&self, key: &str, issues: &mut Issues) -> bool {
        match self.find(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                issues.push(wrong_type(
                    &self.at(key),
                    &format!("`{key}` is true or false"),
                    other,
                ));
                false
            }
        }
    }

    /// The whole number of `key` within `range`; absent is `None` without an issue.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<u32>, issues: &mut Issues) -> Option<u32> {
        let value = self.find(key)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        if let Some(number) = number.filter(|n| range.contains(n)) {
            return Some(number);
        }
        let wanted = format!(
            "`{key}` is a whole number from {} to {}",
            range.start(),
            range.end()
        );
        issues.push(if value.is_number() {
            Issue::new(self.at(key), "invalid-value", format!("{wanted}, not {value}"))
        } else {
            wrong_type(&self.at(key), &wanted, value)
        });
        None
    }

    /// The duration of `key` within `range`; absent is `None` without an issue.
    pub(super) fn duration(
        &self,
        key: &str,
        range: RangeInclusive<Duration>,
        issues: &mut Issues,
    ) -> Option<Duration> {
        duration_value(self.find(key)?, &self.at(key), key, range, issues)
    }

    /// The word of `key`, one of `known`; a word in `later` is refused as not available yet.
    pub(super) fn word(
        &self,
        key: &str,
        known: &[&'static str],
        later: &[&str],
        issues: &mut Issues,
    ) -> Option<&'static str> {
        let text = self.text(key, issues)?;
        let word = known.iter().find(|word| **word == text).copied();
        if word.is_none() && later.contains(&text) {
            issues.push(unsupported(self.at(key), &format!("{key}: {text}")));
        } else if word.is_none() {
            let detail = format!("`{key}` is one of {}, not `{text}`", known.join(", "));
            let issue = Issue::new(self.at(key), "invalid-value", detail);
            issues.push(match suggest::nearest(text, known.iter().copied()) {
                Some(near) => issue.with_correction(format!("did you mean `{near}`?")),
                None => issue,
            });
        }
        word
    }

    /// The elements of the list `key` with their pointers; absent is empty without an issue.
    pub(super) fn list(&self, key: &str, issues: &mut Issues) -> Vec<(String, &'a Value)> {
        match self.find(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let at = self.at(key);
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| (format!("{at}/{i}"), item))
                    .collect()
            }
            Some(other) => {
                issues.push(wrong_type(&self.at(key), &format!("`{key}` is a list"), other));
                Vec::new()
            }
        }
    }
}

/// The text `value`; anything else is an issue, with the quotes as correction where they help.
pub(super) fn text<'a>(value: &'a Value, pointer: &str, key: &str, issues: &mut Issues) -> Option<&'a str> {
    if let Value::String(text) = value {
        return Some(text);
    }
    let issue = wrong_type(pointer, &format!("`{key}` is a text"), value);
    issues.push(match value {
        Value::Number(_) | Value::Bool(_) => issue.with_correction(format!("quote it: \"{value}\"")),
        _ => issue,
    });
    None
}

/// The duration `value` within `range`.
pub(super) fn duration_value(
    value: &Value,
    pointer: &str,
    key: &str,
    range: RangeInclusive<Duration>,
    issues: &mut Issues,
) -> Option<Duration> {
    let Some(duration) = value.as_str().and_then(duration::parse) else {
        let detail = format!("`{key}` is a duration, not {value}");
        issues.push(
            Issue::new(pointer, "invalid-duration", detail)
                .with_correction("a whole number and a unit: `100ms`, `5s`, `10m`, `24h`"),
        );
        return None;
    };
    if range.contains(&duration) {
        return Some(duration);
    }
    let (from, to) = (duration::format(*range.start()), duration::format(*range.end()));
    let detail = format!(
        "`{key}` is from {from} to {to}, not {}",
        duration::format(duration)
    );
    issues.push(Issue::new(pointer, "invalid-value", detail));
    None
}

/// The transform under `transform`, if there is one.
pub(super) fn transform(fields: &Fields<'_>, issues: &mut Issues) -> Option<Transform> {
    let value = fields.find("transform")?;
    match Transform::parse(value) {
        Ok(transform) => Some(transform),
        Err(errors) => {
            let at = fields.at("transform");
            for error in errors {
                let mut issue = Issue::new(format!("{at}{}", error.pointer), error.code, error.detail);
                issue.correction = error.correction;
                issues.push(issue);
            }
            None
        }
    }
}

/// The issue of a value of the wrong JSON type.
pub(super) fn wrong_type(pointer: &str, wanted: &str, found: &Value) -> Issue {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Issue::new(pointer, "invalid-type", format!("{wanted}, not {kind}"))
}

/// The issue of something that is documented and not part of this version.
pub(super) fn unsupported(pointer: impl Into<String>, what: &str) -> Issue {
    Issue::new(
        pointer,
        "unsupported",
        format!("`{what}` is not available in this version"),
    )
}

/// `pointer` with one more step, escaped as RFC 6901 has it.
pub(super) fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_document_cannot_make_an_endless_answer() {
        let mut issues = Issues::default();
        for _ in 0..5_000 {
            issues.push(Issue::new("", "x", "x"));
        }
        let found = issues.or(Some(())).unwrap_err();
        assert_eq!(found.len(), MAX_ISSUES + 1);
        assert_eq!(found.last().unwrap().code, "too-many-issues");
    }

    #[test]
    fn steps_of_a_pointer_are_escaped() {
        assert_eq!(join("/a", "b/c~d"), "/a/b~1c~0d");
    }
}
