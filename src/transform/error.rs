//! What is wrong with a transform, and why one failed.

use serde_json::Value;

/// One problem of a transform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct TransformError {
    /// JSON pointer to the culprit inside the list of steps; empty for the list itself.
    pub pointer: String,
    /// A stable name of the kind of problem, such as `unknown-step`.
    pub code: &'static str,
    /// The problem in words.
    pub detail: String,
    /// What to write instead, when that can be told.
    pub correction: Option<String>,
}

/// Why a transform could not be applied to an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step}: {reason}")]
pub struct TransformFailure {
    /// The step, counted from 0.
    pub step: usize,
    /// The reason in words.
    pub reason: String,
}

/// Why a step could not be applied.
pub(super) type Reason = String;

impl TransformError {
    /// A problem without a correction.
    pub(super) fn new(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
            correction: None,
        }
    }

    /// The same problem with what to write instead.
    pub(super) fn corrected(mut self, correction: impl Into<String>) -> Self {
        self.correction = Some(correction.into());
        self
    }
}

/// The pointer to a member of what `pointer` points to.
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// "did you mean" for a word that is nearly one of these, else the list of them.
pub(super) fn suggestion(word: &str, known: &[&str], what: &str) -> String {
    /// From this likeness on (Jaro-Winkler, 0 to 1), one word is taken for a misspelling of another.
    const ALIKE: f64 = 0.8;
    let likeness = |known: &str| strsim::jaro_winkler(word, known);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|nearest| likeness(nearest) >= ALIKE) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the {what} are {}", known.join(", ")),
    }
}

/// The kind of a JSON value in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
