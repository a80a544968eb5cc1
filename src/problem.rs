//! The one shape of every error over HTTP: RFC 9457 problem details.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// An error as the outside sees it: what happened, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable relative URI of the kind of problem, `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// The kind of problem in words.
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and how to mend it.
    pub detail: String,
    /// Stable code to branch on.
    pub code: String,
    /// Each single fault, when the request had several parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Seconds after which a retry makes sense; sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// One fault inside a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Entry of a batch, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// JSON pointer into the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Stable code.
    pub code: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// Line in the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl Problem {
    /// A problem of a stable code; the title is the code in words.
    #[must_use]
    pub fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let code = code.into();
        Self {
            kind: format!("/problems/{code}").into(),
            title: title(&code),
            status,
            detail: clipped(detail.into()),
            code,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The same with the single faults.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors.into_iter().map(Fault::clipped).collect();
        self
    }

    /// The same with a hint when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl Fault {
    /// The same with texts of a bounded length.
    #[must_use]
    pub fn clipped(mut self) -> Self {
        self.detail = clipped(self.detail);
        self.pointer = self.pointer.map(clipped);
        self
    }
}

/// An error with all its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Longest text about one fault. Texts quote their input, and that may be megabytes long.
const MAX_TEXT: usize = 500;

fn clipped(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

fn title(code: &str) -> Box<str> {
    let words = code.replace('-', " ");
    let mut chars = words.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_input_is_not_repeated_at_length() {
        let long = "é".repeat(100_000);
        let fault = Fault {
            pointer: Some(long.clone()),
            detail: long.clone(),
            ..Fault::default()
        };
        let problem = Problem::new(400, "x", long).with_errors(vec![fault]);
        let short = format!("{}…", "é".repeat(250));
        assert_eq!((&problem.detail, &problem.errors[0].detail), (&short, &short));
        assert_eq!(problem.errors[0].pointer, Some(short));
    }

    #[test]
    fn the_code_gives_the_type_and_the_title() {
        let problem = Problem::new(404, "no-such-bus", "there is no bus `x`");
        assert_eq!(
            (&*problem.kind, &*problem.title),
            ("/problems/no-such-bus", "No such bus")
        );
    }
}
