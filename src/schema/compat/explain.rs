//! The reasons: which keyword of the reader refuses what the writer accepts, and where.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bench::Bench;
use super::check::Comparison;
use super::node::Id;
use super::node::Node;
use super::rules::rule;
use super::rules::undeclared;
use super::solve::Outcome;
use super::verdict::Reason;
use super::world::Part;
use super::world::Step;
use crate::schema::error::child;
use crate::schema::error::shortened;

/// Most reasons of one comparison.
const MAX_REASONS: usize = 30;
/// Most questions that are asked to find them.
const MAX_QUESTIONS: usize = 2_000;
/// Steps for one question.
const STEPS_PER_QUESTION: u64 = 20_000;
/// Deepest place in a document that is looked at.
const MAX_PLACES: usize = 24;
/// Longest quotation of a schema, in characters.
const MAX_QUOTED: usize = 200;

/// A walk through the reader's schema, and the writer's beside it.
struct Walk<'b, 'c, 'w, 'd> {
    bench: &'b mut Bench<'w, 'd>,
    comparison: &'c Comparison<'c>,
    reasons: Vec<Reason>,
    /// Steps that are left for all questions together.
    steps: u64,
    questions: usize,
    /// Pairs on the way here, so that recursion ends.
    seen: BTreeSet<(usize, BTreeSet<usize>)>,
}

/// Finds the reasons why the reader does not accept everything, those with counter-examples first told.
pub(super) fn explain(bench: &mut Bench<'_, '_>, comparison: &Comparison<'_>, steps: u64) -> Vec<Reason> {
    let (writer, reader) = (bench.writer, bench.reader);
    let mut walk = Walk {
        bench,
        comparison,
        reasons: Vec::new(),
        steps,
        questions: 0,
        seen: BTreeSet::new(),
    };
    walk.object(&mut Vec::new(), reader, &BTreeSet::from([writer]));
    walk.reasons
}

impl Walk<'_, '_, '_, '_> {
    /// Looks at one schema object of the reader; true if it explains something.
    fn object(&mut self, path: &mut Vec<Step>, reader: usize, writers: &BTreeSet<usize>) -> bool {
        let writers = self.bench.solver.world.in_place(writers);
        if path.len() > MAX_PLACES || !self.seen.insert((reader, writers.clone())) {
            return true;
        }
        let parts = self
            .bench
            .solver
            .world
            .schema(reader)
            .map(|schema| schema.parts.clone())
            .unwrap_or_default();
        let mut is_explained = false;
        for part in parts {
            if self.reasons.len() >= MAX_REASONS || self.questions >= MAX_QUESTIONS {
                break;
            }
            self.questions += 1;
            let demand = self.at(path, part.id);
            let refused = super::node::Literal::no(demand);
            let steps = self.steps.min(STEPS_PER_QUESTION);
            let outcome = self.bench.written_with(refused, steps);
            self.steps -= steps.saturating_sub(self.bench.solver.budget.left());
            if outcome == Outcome::Empty {
                continue;
            }
            is_explained =
                self.below(path, &part, &writers) || self.reason(path, reader, &part, &writers, outcome);
        }
        is_explained
    }

    /// Looks for the reason in the subschema of a part.
    fn below(&mut self, path: &mut Vec<Step>, part: &Part, writers: &BTreeSet<usize>) -> bool {
        let Some(child) = &part.child else { return false };
        if child.step == Step::Here {
            return self.object(path, child.schema, writers);
        }
        let below = self.beside(&child.step, writers);
        path.push(child.step.clone());
        let is_explained = self.object(path, child.schema, &below);
        path.pop();
        is_explained
    }

    /// The writer's schemas for the place to which a step leads.
    fn beside(&mut self, step: &Step, writers: &BTreeSet<usize>) -> BTreeSet<usize> {
        let world = &mut *self.bench.solver.world;
        let set = world.set(writers);
        match step {
            Step::ItemAt(index) | Step::ItemsFrom(index) => world.declared_item(set, *index),
            _ => {
                let speaks = |own: &Step| match (step, own) {
                    (Step::Member(name), Step::Matching(pattern)) => world.patterns.matches(*pattern, name),
                    (Step::Member(name), Step::Others(names)) => {
                        !names.names.contains(name)
                            && !names
                                .patterns
                                .iter()
                                .any(|pattern| world.patterns.matches(*pattern, name))
                    }
                    (Step::Others(_), Step::Others(_)) => true,
                    (step, own) => step == own,
                };
                world
                    .children_of(set)
                    .filter(|child| speaks(&child.step))
                    .map(|child| child.schema)
                    .collect()
            }
        }
    }

    /// The node that demands something at the end of a path.
    fn at(&mut self, path: &[Step], id: Id) -> Id {
        let forest = &mut self.bench.solver.world.forest;
        path.iter().rev().fold(id, |id, step| match step {
            Step::Member(name) => forest.add(Node::Property(name.clone(), id)),
            Step::Matching(pattern) => forest.add(Node::PatternProperty(*pattern, id)),
            Step::Others(names) => forest.add(Node::Additional(names.clone(), id)),
            Step::ItemAt(index) => forest.add(Node::ItemAt(*index, id)),
            Step::ItemsFrom(first) => forest.add(Node::ItemsFrom(*first, id)),
            Step::Here | Step::Unevaluated | Step::SomeItems | Step::Names => id,
        })
    }

    /// Tells a reason; always true.
    fn reason(
        &mut self,
        path: &[Step],
        reader: usize,
        part: &Part,
        writers: &BTreeSet<usize>,
        outcome: Outcome,
    ) -> bool {
        let counter_example = self.bench.refuting(outcome);
        let Some(schema) = self.bench.solver.world.schema(reader) else {
            return true;
        };
        let pointer = format!("{}{}", schema.pointer, part.suffix);
        let read = if part.suffix.is_empty() {
            Some(schema.value)
        } else {
            schema.value.pointer(&part.suffix)
        };
        let read = read.map(|value| quoted(part.keyword, value)).unwrap_or_default();
        let written = self.said(part.keyword, writers);
        let is_backward = self.comparison.is_backward;
        let is_undeclared = writers.is_empty() && matches!(path.last(), Some(Step::Member(_)));
        let complaint = counter_example
            .as_ref()
            .and_then(|document| self.bench.complaint(document));
        let place = instance_path(path);
        let detail = self
            .comparison
            .sentence(&place, &complaint.map(|(.., detail)| detail).unwrap_or_default());
        let (old, new) = if is_backward {
            (written, read)
        } else {
            (read, written)
        };
        self.reasons.push(Reason {
            direction: self.comparison.direction(),
            version: None,
            pointer,
            path: place,
            rule: if is_undeclared {
                undeclared(is_backward)
            } else {
                rule(part.keyword, is_backward)
            },
            old,
            new,
            detail,
            counter_example,
        });
        true
    }

    /// What the writer says of the same keyword at the same place.
    fn said(&self, keyword: &str, writers: &BTreeSet<usize>) -> String {
        let schemas = writers
            .iter()
            .filter_map(|number| self.bench.solver.world.schema(*number));
        let own: Vec<String> = schemas
            .filter_map(|schema| {
                if keyword == "false" {
                    Some(schema.value)
                } else {
                    schema.value.get(keyword)
                }
            })
            .map(|value| quoted(keyword, value))
            .collect();
        match own.as_slice() {
            [] if writers.is_empty() => "nothing is said of it".to_owned(),
            [] => format!("no `{keyword}`"),
            _ => shortened(&own.join(" and "), MAX_QUOTED),
        }
    }
}

fn quoted(keyword: &str, value: &Value) -> String {
    let text = shortened(&value.to_string(), MAX_QUOTED);
    if keyword == "false" {
        text
    } else {
        format!("{keyword}: {text}")
    }
}

fn instance_path(path: &[Step]) -> String {
    path.iter().fold(String::new(), |path, step| match step {
        Step::Member(name) => child(&path, name),
        Step::ItemAt(index) => format!("{path}/{index}"),
        Step::Here => path,
        _ => format!("{path}/*"),
    })
}
