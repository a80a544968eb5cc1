//! One thing wrong with what somebody wrote: code, place, and what to write instead.

use std::fmt::Write;

/// A reason to refuse a document, said so that its author can repair it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// JSON pointer into the document, such as `/rules/0/match/data/total/0`.
    pub pointer: String,
    /// Stable code, such as `unknown-key`; programs may rely on it.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
    /// What to write instead, where we can know it.
    pub correction: Option<String>,
    /// Where in the text that the pointer names, in characters from 1, when that is known.
    pub character: Option<usize>,
    /// Where in the text, when the document came as text.
    pub place: Option<Place>,
}

/// Where in a text an issue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the file, when there is one.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// The source line, unless it is too long to show.
    pub snippet: Option<String>,
}

/// Longest source line shown, in bytes: JSON on one line would repeat the whole file per issue.
const MAX_SNIPPET_LEN: usize = 400;

impl Issue {
    /// An issue with neither correction nor place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
            correction: None,
            character: None,
            place: None,
        }
    }

    /// The same issue with what to write instead.
    #[must_use]
    pub fn with_correction(mut self, correction: impl Into<String>) -> Self {
        self.correction = Some(correction.into());
        self
    }

    /// The issue for a terminal: place and code, the line with a caret, the correction.
    ///
    /// ```text
    /// rules/x.yaml:12:9 error[unknown-key]: `taregts` is not a key of a rule
    ///    12 |         taregts: []
    ///       |         ^
    ///       = help: did you mean `targets`?
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out)
            .map_or_else(|_| self.detail.clone(), |()| out)
    }

    /// The reports of all issues, one below the other.
    #[must_use]
    pub fn render_all(issues: &[Self]) -> String {
        issues.iter().map(Self::render).collect::<Vec<_>>().join("\n")
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        match &self.place {
            Some(Place {
                file, line, column, ..
            }) => {
                write!(out, "{}:{line}:{column}", file.as_deref().unwrap_or("<input>"))?;
            }
            None if self.pointer.is_empty() => write!(out, "<input>")?,
            None => write!(out, "{}", self.pointer)?,
        }
        write!(out, " error[{}]: {}", self.code, self.detail)?;
        if let Some(Place {
            line,
            column,
            snippet: Some(snippet),
            ..
        }) = &self.place
        {
            let before = usize::try_from(*column).unwrap_or(1).saturating_sub(1);
            // Tabs stay tabs, so the caret stands below its character at any tab width.
            let padding: String = snippet
                .chars()
                .take(before)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            write!(out, "\n{line:>6} | {snippet}\n       | {padding}^")?;
        }
        if let Some(correction) = &self.correction {
            write!(out, "\n       = help: {correction}")?;
        }
        Ok(())
    }
}

impl Place {
    /// A place in `text`, with its line as snippet.
    pub(super) fn in_text(text: &str, file: Option<&str>, line: u32, column: u32) -> Self {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let snippet = text
            .lines()
            .nth(index)
            .filter(|line| line.len() <= MAX_SNIPPET_LEN);
        Self {
            file: file.map(str::to_owned),
            line,
            column,
            snippet: snippet.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_shown_with_its_line_and_a_caret_below_the_character() {
        let mut issue = Issue::new(
            "/rules/0/taregts",
            "unknown-key",
            "`taregts` is not a key of a rule",
        )
        .with_correction("did you mean `targets`?");
        issue.place = Some(Place::in_text("rules:\n\t- ä: 1\n", Some("rules/x.yaml"), 2, 5));
        assert_eq!(
            issue.render(),
            "rules/x.yaml:2:5 error[unknown-key]: `taregts` is not a key of a rule\n     \
             2 | \t- ä: 1\n       | \t   ^\n       = help: did you mean `targets`?"
        );
    }

    #[test]
    fn without_a_text_the_pointer_is_the_place() {
        assert_eq!(
            Issue::new("/bus", "invalid-name", "no").render(),
            "/bus error[invalid-name]: no"
        );
    }

    #[test]
    fn a_huge_line_is_not_repeated() {
        assert_eq!(Place::in_text(&"x".repeat(1_000_000), None, 1, 1).snippet, None);
    }
}
