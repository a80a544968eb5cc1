//! A schema compiled once, and what is wrong with a value by it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use jsonschema::PatternOptions;
use jsonschema::ValidationError;
use serde_json::Value;

use super::document::SchemaDocument;
use super::error::SchemaError;
use super::error::shortened;
use super::references::Known;

/// Most violations that are reported of one value: more help nobody.
pub const MAX_VIOLATIONS: usize = 100;

/// Longest detail of a violation, in characters: details quote the value, which may be large.
const MAX_DETAIL: usize = 300;

/// The keyword of a violation that is the library's fault.
pub const BREAKDOWN: &str = "breakdown";

/// One way in which a value violates a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer to the culprit inside the value; empty for the value itself.
    pub pointer: String,
    /// JSON pointer to the keyword inside the schema, references followed.
    pub schema_pointer: String,
    /// The keyword, such as `required`.
    pub keyword: String,
    /// The violation in words, at most some hundred characters.
    pub detail: String,
}

/// A compiled schema; cheap to share, needs no lock.
///
/// `format` is asserted as the draft says: drafts 4, 6 and 7 assert the formats that are known, 2019-09 and
/// 2020-12 take them for annotations. The same goes for `contentEncoding` and `contentMediaType` (6 and 7).
/// Numbers are compared exactly, however large; regular expressions take linear time.
pub struct Validator {
    inner: jsonschema::Validator,
}

impl Validator {
    /// Compiles a document.
    ///
    /// # Errors
    /// What the compiler refuses although the document was accepted, with its place (`not-compilable`).
    pub fn compile(document: &SchemaDocument) -> Result<Self, SchemaError> {
        let inner = jsonschema::options()
            .with_draft(document.draft())
            .with_retriever(Known(document.referenced()))
            .with_pattern_options(patterns())
            .build(document.value())
            .map_err(|error| {
                let detail = shortened(&error.masked().to_string(), MAX_DETAIL);
                SchemaError::new(error.instance_path().as_str(), "not-compilable", detail)
            })?;
        Ok(Self { inner })
    }

    /// Whether the value is valid; the quick question.
    #[must_use]
    pub fn is_valid(&self, value: &Value) -> bool {
        self.verdict(value).unwrap_or(false)
    }

    /// Whether the value is valid; none if the library broke down over it.
    pub(super) fn verdict(&self, value: &Value) -> Option<bool> {
        // The library holds no state that a panic could leave half-changed.
        catch_unwind(AssertUnwindSafe(|| self.inner.is_valid(value))).ok()
    }

    /// Validates a value.
    ///
    /// A value over which the library breaks down is invalid, with the keyword [`BREAKDOWN`].
    ///
    /// # Errors
    /// What is wrong with it, in the order of the schema, at most [`MAX_VIOLATIONS`].
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        let violations = catch_unwind(AssertUnwindSafe(|| self.violations(value))).unwrap_or_else(|_| {
            vec![Violation {
                pointer: String::new(),
                schema_pointer: String::new(),
                keyword: BREAKDOWN.to_owned(),
                detail: "the value could not be validated".to_owned(),
            }]
        });
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations)
        }
    }

    fn violations(&self, value: &Value) -> Vec<Violation> {
        let errors = self.inner.iter_errors(value).take(MAX_VIOLATIONS);
        errors.map(|error| violation(&error)).collect()
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    // A large value is not quoted: building the text would cost as much as the value.
    let is_small = match &**error.instance() {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MAX_DETAIL,
        _ => false,
    };
    let detail = if is_small {
        error.to_string()
    } else {
        error.masked().to_string()
    };
    Violation {
        pointer: error.instance_path().as_str().to_owned(),
        schema_pointer: error.evaluation_path().as_str().to_owned(),
        keyword: error.kind().keyword().to_owned(),
        detail: shortened(&detail, MAX_DETAIL),
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("draft", &self.inner.draft())
            .finish_non_exhaustive()
    }
}

/// The largest program that one regular expression may become, in bytes.
pub(super) const MAX_PATTERN_PROGRAM: usize = 1 << 20;

/// The linear-time engine, with bounds.
pub(super) fn patterns() -> PatternOptions<jsonschema::Regex> {
    PatternOptions::regex()
        .size_limit(MAX_PATTERN_PROGRAM)
        .dfa_size_limit(MAX_PATTERN_PROGRAM)
}
