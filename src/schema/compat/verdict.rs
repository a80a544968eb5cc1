//! The words of an answer.

use serde_json::Value;

/// Which way two versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The new version reads what the old one wrote.
    Backward,
    /// The old version reads what the new one writes.
    Forward,
    /// Both.
    Full,
}

/// What a writer's documents hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Only properties that its schema declares.
    Lenient,
    /// Everything that its schema lets through.
    Strict,
}

/// The mode of a schema, as Confluent's registry defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compatibility {
    /// Anything goes.
    None,
    /// Backward, against the last version.
    Backward,
    /// Backward, against every version.
    BackwardTransitive,
    /// Forward, against the last version.
    Forward,
    /// Forward, against every version.
    ForwardTransitive,
    /// Both, against the last version.
    Full,
    /// Both, against every version.
    FullTransitive,
}

impl Compatibility {
    /// The way that the mode compares; none if it does not.
    #[must_use]
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::None => None,
            Self::Backward | Self::BackwardTransitive => Some(Direction::Backward),
            Self::Forward | Self::ForwardTransitive => Some(Direction::Forward),
            Self::Full | Self::FullTransitive => Some(Direction::Full),
        }
    }

    /// Whether the mode compares with every version, not only the last one.
    #[must_use]
    pub fn is_transitive(self) -> bool {
        matches!(
            self,
            Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive
        )
    }
}

/// The answer, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Proved: every document that the writer's version accepts is accepted by the reader's.
    Compatible,
    /// Neither proved nor refuted.
    Undecided,
    /// Refuted by a document.
    Incompatible,
}

/// Why versions are not compatible, or not known to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Never [`Direction::Full`].
    pub direction: Direction,
    /// The version that the new one was compared with, if versions were numbered.
    pub version: Option<u32>,
    /// JSON pointer to the keyword in the schema that refuses: the new one if backward, the old one if forward.
    pub pointer: String,
    /// JSON pointer to the culprit inside a document; `*` stands for any member or item.
    pub path: String,
    /// A stable name of what changed, such as `required-added`; `too-complex` and `not-decided` if nothing is sure.
    pub rule: &'static str,
    /// What the old version says there.
    pub old: String,
    /// What the new version says there.
    pub new: String,
    /// The reason as a sentence.
    pub detail: String,
    /// A document that the writer's version accepts (and, under the lenient policy, a writer would write)
    /// and the reader's refuses. Both validators were asked. Left out if it would be too long to show.
    pub counter_example: Option<Value>,
}

/// The answer with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The worst answer of all comparisons.
    pub answer: Answer,
    /// At least one unless compatible.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// Nothing to object to.
    pub(super) fn compatible() -> Self {
        Self {
            answer: Answer::Compatible,
            reasons: Vec::new(),
        }
    }

    /// Both together: the worse answer, all reasons.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.answer = self.answer.max(other.answer);
        self.reasons.extend(other.reasons);
        self
    }
}
