//! What is wrong with a `match`, and where.

use crate::cesql::ParseError;
use crate::pattern::PatternError;

/// One problem of a `match`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct MatchError {
    /// JSON pointer to the culprit inside the `match`; empty for itself.
    pub pointer: String,
    /// A stable name of the kind of problem, such as `unknown-dialect`.
    pub code: &'static str,
    /// The problem in words.
    pub detail: String,
    /// What to write instead, when that can be told.
    pub correction: Option<String>,
    /// Where in the text that the pointer names, in characters from 1.
    pub character: Option<usize>,
}

impl MatchError {
    /// A problem without a correction.
    pub(super) fn new(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
            correction: None,
            character: None,
        }
    }

    /// The same problem with what to write instead.
    pub(super) fn corrected(mut self, correction: impl Into<String>) -> Self {
        self.correction = Some(correction.into());
        self
    }

    /// The problem of an expression that stands at `pointer`.
    pub(super) fn of_sql(pointer: &str, error: ParseError) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code: error.code,
            detail: format!("character {}: {}", error.character, error.detail),
            correction: error.correction,
            character: Some(error.character),
        }
    }
}

impl From<PatternError> for MatchError {
    fn from(error: PatternError) -> Self {
        Self {
            pointer: error.pointer,
            code: error.code,
            detail: error.detail,
            correction: error.correction,
            character: None,
        }
    }
}

/// The pointer to a member of what `pointer` points to.
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
