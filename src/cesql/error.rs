//! What is wrong with an expression, and what went wrong in an evaluation.

use super::ast::Span;

/// Why a text is not an expression, or not one that can filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {}: {detail}", self.character)]
pub struct ParseError {
    /// Where the problem begins in the text, in characters from 1.
    pub character: usize,
    /// A stable name of the kind of problem, such as `invalid-sql`.
    pub code: &'static str,
    /// The problem in words.
    pub detail: String,
    /// What to write instead, when that can be told.
    pub correction: Option<String>,
}

/// A problem at a place of the text, before the place is counted in characters.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) at: usize,
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) correction: Option<String>,
}

impl Problem {
    /// A problem of syntax without a correction.
    pub(super) fn syntax(at: usize, detail: impl Into<String>) -> Self {
        Self::new(at, "invalid-sql", detail)
    }

    /// A problem of another kind without a correction.
    pub(super) fn new(at: usize, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            at,
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

    /// The problem for those who see the text.
    pub(super) fn within(self, text: &str) -> ParseError {
        let before = text.get(..self.at).unwrap_or(text);
        ParseError {
            character: before.chars().count() + 1,
            code: self.code,
            detail: self.detail,
            correction: self.correction,
        }
    }
}

/// The kinds of faults that the specification names, as far as an evaluation has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A division by zero, or a number beyond 32 bits.
    Math,
    /// A value that cannot be what it should be.
    Cast,
    /// The event lacks an attribute.
    MissingAttribute,
    /// There is no such function, or not with so many arguments.
    MissingFunction,
    /// A function cannot do what it is asked.
    FunctionEvaluation,
    /// The evaluation took more work than an event may cost.
    Generic,
}

impl FaultKind {
    /// The name of the kind in the specification and its conformance cases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Math => "math",
            Self::Cast => "cast",
            Self::MissingAttribute => "missingAttribute",
            Self::MissingFunction => "missingFunction",
            Self::FunctionEvaluation => "functionEvaluation",
            Self::Generic => "generic",
        }
    }
}

/// What went wrong in an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", self.kind.name())]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The problem in words; empty if nobody asked.
    pub detail: String,
    /// The part of the expression.
    pub(super) span: Span,
}
