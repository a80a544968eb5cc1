//! YAML text to JSON values that remember where they came from.
//!
//! Numbers keep their spelling where JSON allows it, so `1.50` and `12345678901234567890123` pass
//! through as written. Booleans are `true` and `false` only (YAML 1.2): `circuit: off` is a text.
//! Anchors, aliases and merge keys work, within bounds.

mod tree;

use serde_json::Value;

use super::issue::Issue;
use super::issue::Place;
use tree::Node;

/// Deepest nesting, as for JSON bodies.
const MAX_DEPTH: usize = 64;
/// Most scalars, lists and maps in one text: enough for 100,000 rules of 100 nodes.
const MAX_NODES: usize = 10_000_000;
/// Most documents in one text.
const MAX_DOCUMENTS: usize = 100_000;

/// One YAML document.
#[derive(Debug)]
pub(super) struct Document {
    /// The document as JSON.
    pub(super) value: Value,
    root: Node,
}

impl Document {
    /// Line and column of what `issue` is about: the key if the key is wrong, else the value; of
    /// something that is missing, the nearest thing around it that is there. `text` is what the
    /// document was read from.
    pub(super) fn locate(&self, issue: &Issue, text: &str) -> (u32, u32) {
        let inside = issue
            .character
            .and_then(|character| self.root.locate_character(text, &issue.pointer, character));
        if let Some(spot) = inside {
            return spot;
        }
        let of_key = matches!(
            issue.code,
            "unknown-key" | "unknown-operator" | "unknown-dialect" | "unsupported" | "invalid-header"
        );
        self.root.locate(&issue.pointer, of_key)
    }
}

/// Reads all documents of a text; empty ones are left out.
///
/// # Errors
/// The first error of syntax, or every duplicate key and every number that JSON cannot hold.
pub(super) fn read(file: Option<&str>, text: &str) -> Result<Vec<Document>, Vec<Issue>> {
    let roots = serde_saphyr::from_multiple_with_options::<Node>(text, options())
        .map_err(|error| vec![syntax_issue(&error, file, text)])?;
    let mut issues = Vec::new();
    let mut documents = Vec::with_capacity(roots.len());
    for root in roots {
        let mut found = Vec::new();
        let value = root.to_json(text, "", &mut found);
        for (mut issue, (line, column)) in found {
            issue.place = Some(Place::in_text(text, file, line, column));
            issues.push(issue);
        }
        documents.push(Document { value, root });
    }
    if issues.is_empty() {
        Ok(documents)
    } else {
        Err(issues)
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: MAX_NODES * 3,
            max_documents: MAX_DOCUMENTS,
            // One anchor used by thousands of rules is the point of anchors; replays are bounded.
            enforce_alias_anchor_ratio: false,
        },
        // Reported by us, all of them, with both places.
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        emit_comments: false,
    }
}

fn syntax_issue(error: &serde_saphyr::Error, file: Option<&str>, text: &str) -> Issue {
    let error = error.without_snippet();
    let mut issue = Issue::new("", "invalid-yaml", error.to_string());
    let location = error.location();
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    let (line, column) = location.map_or((1, 1), |at| (number(at.line()), number(at.column())));
    issue.place = Some(Place::in_text(text, file, line, column));
    issue
}

#[cfg(test)]
mod tests;
