//! The solver and both validators side by side: no document counts that they do not agree on.

use serde_json::Value;

use super::budget::Budget;
use super::node::Literal;
use super::solve::Outcome;
use super::solve::Solver;
use crate::schema::validator::Validator;

/// What a comparison works with once both documents are read.
pub(super) struct Bench<'w, 'd> {
    pub(super) solver: Solver<'w, 'd>,
    /// What every document of the writer meets.
    pub(super) written: Vec<Literal>,
    /// The root of the writer's document.
    pub(super) writer: usize,
    /// The root of the reader's document.
    pub(super) reader: usize,
    /// Set of what the writer declares, under the lenient policy.
    pub(super) declared: Option<usize>,
    pub(super) writes: Validator,
    pub(super) reads: Validator,
    /// Values that were worth a try but no proof.
    pub(super) hints: Vec<Value>,
}

impl Bench<'_, '_> {
    /// Whether the document refutes compatibility, by the word of both validators.
    pub(super) fn refutes(&mut self, document: &Value) -> bool {
        let is_written = self.writes.verdict(document) == Some(true)
            && match self.declared {
                Some(set) => self.solver.world.holds_only_declared(set, document),
                None => true,
            };
        is_written && self.reads.verdict(document) == Some(false)
    }

    /// The first of these answers' documents that refutes compatibility.
    pub(super) fn refuting(&mut self, outcome: Outcome) -> Option<Value> {
        let document = match outcome {
            Outcome::Empty | Outcome::Open(None) => return None,
            Outcome::Found(document) | Outcome::Open(Some(document)) => document,
        };
        if self.refutes(&document) {
            return Some(document);
        }
        self.hints.push(document);
        None
    }

    /// Why the reader refuses a document, in its words.
    pub(super) fn complaint(&self, document: &Value) -> Option<(String, String, String, String)> {
        let first = self.reads.validate(document).err()?.into_iter().next()?;
        Some((first.schema_pointer, first.pointer, first.keyword, first.detail))
    }

    /// Finds a document that meets literals besides what the writer's documents meet.
    pub(super) fn written_with(&mut self, literal: Literal, steps: u64) -> Outcome {
        self.solver.refill(Budget::new(steps));
        let all: Vec<Literal> = self.written.iter().copied().chain([literal]).collect();
        self.solver.solve(all)
    }
}
