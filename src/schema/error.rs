//! What is wrong with a schema document.

/// One problem of a schema document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct SchemaError {
    /// JSON pointer to the culprit inside the document; empty for the document itself.
    pub pointer: String,
    /// A stable name of the kind of problem, such as `remote-reference`.
    pub code: &'static str,
    /// The problem in words.
    pub detail: String,
    /// What to write instead, when that can be told.
    pub correction: Option<String>,
}

impl SchemaError {
    /// A problem without a correction.
    pub(super) fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
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

/// At most `max` characters of a text, with a mark where it was cut.
pub(super) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
