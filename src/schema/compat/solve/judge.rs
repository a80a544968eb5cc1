//! Whether a literal is settled by what a branch asserts, seen without going through choices.

use super::Outcome;
use super::Solver;
use super::branch::Branch;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;

/// How deeply a literal is looked into.
const MAX_LOOK: usize = 8;

/// Judgements that cost as much as one step.
const JUDGEMENTS_PER_STEP: u64 = 16;

/// Whether a literal is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Holds,
    Fails,
    Open,
}

impl Judgement {
    fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

impl Solver<'_, '_> {
    /// Judges a literal. Sound: `Holds` and `Fails` are so for every value of the branch.
    pub(super) fn judge(&mut self, branch: &Branch, literal: Literal, depth: usize) -> Judgement {
        self.judgements += 1;
        if self.judgements.is_multiple_of(JUDGEMENTS_PER_STEP) && !self.budget.spend(1) {
            return Judgement::Open;
        }
        let literal = self.world.plain(literal);
        if branch.asserted.contains(&literal) {
            return Judgement::Holds;
        }
        if branch.asserted.contains(&literal.negated()) {
            return Judgement::Fails;
        }
        let holds = literal.holds;
        match self.world.forest.node(literal.id).clone() {
            Node::True => Judgement::of(holds),
            Node::Kinds(kinds) => Judgement::of((kinds & branch.kind.bit() != 0) == holds),
            Node::And(ids) if depth < MAX_LOOK => self.judge_all(branch, literal, &ids, holds, depth),
            Node::Or(ids) if depth < MAX_LOOK => self.judge_all(branch, literal, &ids, !holds, depth),
            Node::Values(values) => {
                let is_possible = values.iter().any(|value| value.kind() == branch.kind);
                if is_possible {
                    Judgement::Open
                } else {
                    Judgement::of(!holds)
                }
            }
            Node::Property(name, schema) if branch.kind == Kind::Object => {
                self.judge_member(branch, &name, literal.onto(schema))
            }
            node => match node.kind() {
                Some(kind) if kind != branch.kind => Judgement::of(holds),
                _ => Judgement::Open,
            },
        }
    }

    /// All of them (`all`) or any of them has to hold.
    fn judge_all(
        &mut self,
        branch: &Branch,
        literal: Literal,
        ids: &[u32],
        all: bool,
        depth: usize,
    ) -> Judgement {
        let (end, rest) = if all {
            (Judgement::Fails, Judgement::Holds)
        } else {
            (Judgement::Holds, Judgement::Fails)
        };
        let mut answer = rest;
        for id in ids {
            let judged = self.judge(branch, literal.onto(*id), depth + 1);
            if judged == end {
                return end;
            }
            if judged != rest {
                answer = Judgement::Open;
            }
        }
        answer
    }

    /// A member that meets the schema or is absent; or one that is there and violates it (`value` is negated).
    fn judge_member(&mut self, branch: &Branch, name: &str, value: Literal) -> Judgement {
        let required = self.world.forest.add(Node::Required(name.to_owned()));
        if branch.asserted.contains(&Literal::no(required)) {
            return Judgement::of(value.holds);
        }
        let is_there = branch.asserted.contains(&Literal::yes(required));
        let mut known = Vec::new();
        for asserted in branch.asserted.iter().filter(|asserted| asserted.holds) {
            if let Node::Property(own, schema) = self.world.forest.node(asserted.id)
                && own == name
            {
                known.push(Literal::yes(*schema));
            }
        }
        if known.is_empty() {
            return Judgement::Open;
        }
        // A member that is there must meet the literal, or cannot; one that may be absent can only be known to meet it.
        let cannot = |solver: &mut Self, literal: Literal| {
            let literals = known.iter().copied().chain([literal]);
            solver.solve(literals) == Outcome::Empty
        };
        if (is_there || !value.holds) && cannot(self, value) {
            return Judgement::Fails;
        }
        if (is_there || value.holds) && cannot(self, value.negated()) {
            return Judgement::Holds;
        }
        Judgement::Open
    }
}
