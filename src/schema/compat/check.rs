//! The question put and the answer checked: every counter-example is shown to both validators.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bench::Bench;
use super::budget::Budget;
use super::explain::explain;
use super::node::Literal;
use super::node::Node;
use super::read::read;
use super::search::candidates;
use super::solve::Outcome;
use super::solve::Solver;
use super::verdict::Answer;
use super::verdict::Compatibility;
use super::verdict::Direction;
use super::verdict::Policy;
use super::verdict::Reason;
use super::verdict::Verdict;
use super::world::World;
use crate::schema::document::SchemaDocument;
use crate::schema::error::SchemaError;
use crate::schema::references::registry;
use crate::schema::references::unresolved;
use crate::schema::validator::Validator;

/// Steps for the question itself: some seconds at worst.
const STEPS: u64 = 300_000;
/// Steps for all reasons together.
const STEPS_FOR_REASONS: u64 = 150_000;
/// Most documents that are tried where nothing was proved.
const MAX_TRIED: usize = 4_000;
/// Longest counter-example that is shown, in bytes of JSON.
const MAX_SHOWN: usize = 64 * 1024;

/// Compares two versions.
///
/// Deterministic, bounded, and without panics for any two documents; at worst it takes some seconds, so call
/// it where blocking is allowed.
#[must_use]
pub fn check(old: &SchemaDocument, new: &SchemaDocument, direction: Direction, policy: Policy) -> Verdict {
    let backward = |verdict: Verdict| match direction {
        Direction::Forward => verdict,
        _ => verdict.and(
            Comparison {
                writer: old,
                reader: new,
                is_backward: true,
                policy,
            }
            .verdict(),
        ),
    };
    let forward = |verdict: Verdict| match direction {
        Direction::Backward => verdict,
        _ => verdict.and(
            Comparison {
                writer: new,
                reader: old,
                is_backward: false,
                policy,
            }
            .verdict(),
        ),
    };
    forward(backward(Verdict::compatible()))
}

/// Compares a new version with those before it, given with their numbers, oldest first.
///
/// Modes that are not transitive look at the last one only; `none` looks at nothing.
#[must_use]
pub fn check_against_versions(
    versions: &[(u32, SchemaDocument)],
    new: &SchemaDocument,
    mode: Compatibility,
    policy: Policy,
) -> Verdict {
    let Some(direction) = mode.direction() else {
        return Verdict::compatible();
    };
    let looked_at = if mode.is_transitive() { versions.len() } else { 1 };
    let last_first = versions.iter().rev().take(looked_at);
    last_first.fold(Verdict::compatible(), |verdict, (number, old)| {
        let mut own = check(old, new, direction, policy);
        own.reasons
            .iter_mut()
            .for_each(|reason| reason.version = Some(*number));
        verdict.and(own)
    })
}

/// Reads a document as a comparison would, for what is wrong with it.
///
/// # Errors
/// Patterns that do not compile, references that lead nowhere or round in circles.
pub(in crate::schema) fn survey(document: &SchemaDocument) -> Result<(), Vec<SchemaError>> {
    let others = document.referenced();
    let resources = registry(document.value(), document.draft(), others.clone())
        .map_err(|error| vec![unresolved(document.value(), &error)])?;
    let mut world = World::default();
    read(
        &mut world,
        &resources,
        document.value(),
        &others,
        document.draft(),
    )
    .map(|_| ())
}

/// One way of a comparison.
pub(super) struct Comparison<'a> {
    writer: &'a SchemaDocument,
    reader: &'a SchemaDocument,
    pub(super) is_backward: bool,
    policy: Policy,
}

impl Comparison<'_> {
    fn verdict(&self) -> Verdict {
        if self.writer.same_content(self.reader) {
            return Verdict::compatible();
        }
        self.compared().unwrap_or_else(|error| {
            let detail = format!("one of the versions could not be read again: {error}");
            self.undecided("not-decided", &detail)
        })
    }

    fn compared(&self) -> Result<Verdict, SchemaError> {
        let first = |mut errors: Vec<SchemaError>| errors.pop().unwrap_or_else(unreadable);
        let lost = |_| unreadable();
        let (written, read_by) = (self.writer.referenced(), self.reader.referenced());
        let writer_resources =
            registry(self.writer.value(), self.writer.draft(), written.clone()).map_err(lost)?;
        let reader_resources =
            registry(self.reader.value(), self.reader.draft(), read_by.clone()).map_err(lost)?;
        let mut world = World::default();
        let writer = read(
            &mut world,
            &writer_resources,
            self.writer.value(),
            &written,
            self.writer.draft(),
        );
        let writer = writer.map_err(first)?;
        let reader = read(
            &mut world,
            &reader_resources,
            self.reader.value(),
            &read_by,
            self.reader.draft(),
        );
        let reader = reader.map_err(first)?;
        let declared = (self.policy == Policy::Lenient).then(|| world.set(&BTreeSet::from([writer])));
        let mut all = vec![Literal::yes(world.forest.add(Node::Schema(writer)))];
        all.extend(declared.map(|set| Literal::yes(world.forest.add(Node::Declared(set)))));
        let refused = Literal::no(world.forest.add(Node::Schema(reader)));
        let mut bench = Bench {
            solver: Solver::new(&mut world, Budget::new(STEPS)),
            written: all,
            writer,
            reader,
            declared,
            writes: Validator::compile(self.writer)?,
            reads: Validator::compile(self.reader)?,
            hints: Vec::new(),
        };
        Ok(self.judged(&mut bench, refused))
    }

    fn judged(&self, bench: &mut Bench<'_, '_>, refused: Literal) -> Verdict {
        let outcome = bench.written_with(refused, STEPS);
        if outcome == Outcome::Empty {
            return Verdict::compatible();
        }
        let is_spent = bench.solver.budget.is_spent();
        let found = bench.refuting(outcome);
        let mut reasons = explain(bench, self, STEPS_FOR_REASONS);
        let is_refuted = found.is_some() || reasons.iter().any(|reason| reason.counter_example.is_some());
        if is_refuted {
            // What is not proved is no reason beside what is.
            reasons.retain(|reason| reason.counter_example.is_some());
            reasons.extend(
                found
                    .filter(|_| reasons.is_empty())
                    .map(|found| self.plain_reason(bench, found)),
            );
        } else if let Some(found) = self.tried(bench) {
            reasons = vec![self.plain_reason(bench, found)];
        } else {
            let rule = if is_spent { "too-complex" } else { "not-decided" };
            for reason in &mut reasons {
                reason.rule = rule;
            }
            if reasons.is_empty() {
                reasons = self
                    .undecided(rule, "neither a proof nor a counter-example was found")
                    .reasons;
            }
            return Verdict {
                answer: Answer::Undecided,
                reasons,
            };
        }
        for reason in &mut reasons {
            let is_short = |document: &Value| document.to_string().len() <= MAX_SHOWN;
            reason.counter_example = reason.counter_example.take().filter(is_short);
        }
        Verdict {
            answer: Answer::Incompatible,
            reasons,
        }
    }

    /// Looks for a counter-example by trying documents near the border.
    fn tried(&self, bench: &mut Bench<'_, '_>) -> Option<Value> {
        bench.solver.refill(Budget::new(STEPS));
        let written = bench.written.clone();
        if let Outcome::Found(document) | Outcome::Open(Some(document)) = bench.solver.solve(written) {
            bench.hints.push(document);
        }
        let hints = std::mem::take(&mut bench.hints);
        let documents = candidates(&hints, [self.writer.value(), self.reader.value()], MAX_TRIED);
        documents.into_iter().find(|document| bench.refutes(document))
    }

    /// A reason told by the reader's validator.
    fn plain_reason(&self, bench: &Bench<'_, '_>, document: Value) -> Reason {
        let (pointer, path, keyword, complaint) = bench.complaint(&document).unwrap_or_default();
        Reason {
            direction: self.direction(),
            version: None,
            rule: super::rules::rule(&keyword, self.is_backward),
            old: String::new(),
            new: String::new(),
            detail: self.sentence(&path, &complaint),
            pointer,
            path,
            counter_example: Some(document),
        }
    }

    fn undecided(&self, rule: &'static str, detail: &str) -> Verdict {
        let reason = Reason {
            direction: self.direction(),
            version: None,
            pointer: String::new(),
            path: String::new(),
            rule,
            old: String::new(),
            new: String::new(),
            detail: detail.to_owned(),
            counter_example: None,
        };
        Verdict {
            answer: Answer::Undecided,
            reasons: vec![reason],
        }
    }

    /// The direction in which this comparison goes.
    pub(super) fn direction(&self) -> Direction {
        if self.is_backward {
            Direction::Backward
        } else {
            Direction::Forward
        }
    }

    /// The reason in words.
    pub(super) fn sentence(&self, path: &str, complaint: &str) -> String {
        let (writer, reader) = if self.is_backward {
            ("old", "new")
        } else {
            ("new", "old")
        };
        let place = if path.is_empty() {
            "in a document".to_owned()
        } else {
            format!("at `{path}`")
        };
        if complaint.is_empty() {
            return format!("{place} the {reader} version may refuse what the {writer} one accepts");
        }
        format!("{place} the {reader} version refuses what the {writer} one accepts: {complaint}")
    }
}

fn unreadable() -> SchemaError {
    SchemaError::new("", "dangling-reference", "a reference leads nowhere")
}
