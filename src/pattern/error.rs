//! What is wrong with a pattern, and where.

/// One problem of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct PatternError {
    /// JSON pointer to the culprit inside the pattern; empty for the pattern itself.
    pub pointer: String,
    /// A stable name of the kind of problem, such as `unknown-operator`.
    pub code: &'static str,
    /// The problem in words.
    pub detail: String,
    /// What to write instead, when that can be told.
    pub correction: Option<String>,
}

impl PatternError {
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
