//! One way to meet a state by a value of one kind: what is asserted, and the choices that are left.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::rc::Rc;

use super::MAX_FRAMES;
use super::Outcome;
use super::Solver;
use super::judge::Judgement;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::World;

/// What is asserted of a value of one kind.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) kind: Kind,
    /// Statements about values of this kind.
    pub(super) asserted: BTreeSet<Literal>,
    /// Of each of these, one literal has to hold.
    pub(super) clauses: Vec<Rc<[Literal]>>,
    /// Whether something is asserted that cannot be told.
    pub(super) is_open: bool,
}

impl Branch {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            asserted: BTreeSet::new(),
            clauses: Vec::new(),
            is_open: false,
        }
    }

    /// Asserts literals and what follows from them; false if they cannot hold together.
    pub(super) fn assert_all(&mut self, world: &World<'_>, literals: &[Literal]) -> bool {
        let mut waiting: Vec<Literal> = literals.to_vec();
        while let Some(literal) = waiting.pop() {
            let literal = world.plain(literal);
            let holds = literal.holds;
            match world.forest.node(literal.id) {
                Node::True if !holds => return false,
                Node::True => {}
                Node::Unknown(_) | Node::Schema(_) | Node::Late(_) | Node::Not(_) => self.is_open = true,
                Node::And(ids) if holds => waiting.extend(ids.iter().map(|id| literal.onto(*id))),
                Node::Or(ids) if !holds => waiting.extend(ids.iter().map(|id| literal.onto(*id))),
                Node::And(ids) | Node::Or(ids) => {
                    self.clauses
                        .push(ids.iter().map(|id| literal.onto(*id)).collect());
                }
                Node::Kinds(kinds) => {
                    if (kinds & self.kind.bit() != 0) != holds {
                        return false;
                    }
                }
                Node::Values(values) => {
                    let is_possible = values.iter().any(|value| value.kind() == self.kind);
                    if is_possible {
                        if !self.insert(literal) {
                            return false;
                        }
                    } else if holds {
                        return false;
                    }
                }
                Node::Declared(_) => {
                    if matches!(self.kind, Kind::Array | Kind::Object) && !self.insert(literal) {
                        return false;
                    }
                }
                node => {
                    if node.kind() == Some(self.kind) {
                        if !self.insert(literal) {
                            return false;
                        }
                    } else if !holds {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn insert(&mut self, literal: Literal) -> bool {
        self.asserted.insert(literal);
        !self.asserted.contains(&literal.negated())
    }
}

impl Solver<'_, '_> {
    /// Goes through the choices of a branch until a value is found.
    pub(super) fn explore(&mut self, mut branch: Branch) -> Outcome {
        if self.frames >= MAX_FRAMES || !self.budget.spend(1 + branch.clauses.len() as u64 / 8) {
            return Outcome::Open(None);
        }
        if !self.simplify(&mut branch) {
            return Outcome::Empty;
        }
        let smallest = branch
            .clauses
            .iter()
            .enumerate()
            .min_by_key(|(_, clause)| self.weight(clause));
        let Some(index) = smallest.map(|(index, _)| index) else {
            return self.leaf(&branch);
        };
        let clause = branch.clauses.swap_remove(index);
        let mut answer = Outcome::Empty;
        self.frames += 1;
        for literal in clause.iter().copied() {
            let mut chosen = branch.clone();
            if !chosen.assert_all(self.world, &[literal]) {
                continue;
            }
            let outcome = self.explore(chosen);
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) || self.budget.is_spent() {
                break;
            }
        }
        self.frames -= 1;
        if self.budget.is_spent() {
            answer.or(Outcome::Open(None))
        } else {
            answer
        }
    }

    /// How late a choice is made: those whose every way asserts much settle others.
    fn weight(&self, clause: &[Literal]) -> usize {
        let asserts_much = |literal: &Literal| {
            let literal = self.world.plain(*literal);
            literal.holds && matches!(self.world.forest.node(literal.id), Node::And(_))
        };
        if clause.iter().all(asserts_much) {
            clause.len().div_ceil(8)
        } else {
            clause.len()
        }
    }

    /// Takes out choices that are made already; false if one of them is left without a way.
    fn simplify(&mut self, branch: &mut Branch) -> bool {
        let mut judged: HashMap<Literal, Judgement> = HashMap::new();
        loop {
            let mut is_changed = false;
            for clause in std::mem::take(&mut branch.clauses) {
                let mut left = Vec::new();
                let mut is_met = false;
                for literal in clause.iter().copied() {
                    // What is settled stays so; what is open may be settled by what was asserted since.
                    let judgement = match judged.get(&literal) {
                        Some(judgement) => *judgement,
                        None => self.judge(branch, literal, 0),
                    };
                    judged.insert(literal, judgement);
                    match judgement {
                        Judgement::Holds => is_met = true,
                        Judgement::Open => left.push(literal),
                        Judgement::Fails => {}
                    }
                    if is_met {
                        break;
                    }
                }
                match left.as_slice() {
                    _ if is_met => {}
                    [] => return false,
                    [only] => {
                        if !branch.assert_all(self.world, &[*only]) {
                            return false;
                        }
                        judged.retain(|_, judgement| *judgement != Judgement::Open);
                        is_changed = true;
                    }
                    _ if left.len() == clause.len() => branch.clauses.push(clause),
                    _ => branch.clauses.push(left.into()),
                }
            }
            if !is_changed {
                return true;
            }
            if !self.budget.spend(1) {
                // Choices that are left open are explored, and end there.
                return true;
            }
        }
    }

    fn leaf(&mut self, branch: &Branch) -> Outcome {
        let outcome = match branch.kind {
            Kind::Null | Kind::Boolean | Kind::Number | Kind::String => self.scalar(branch),
            Kind::Array => self.array(branch),
            Kind::Object => self.object(branch),
        };
        match outcome {
            Outcome::Found(value) if branch.is_open => Outcome::Open(Some(value)),
            outcome => outcome,
        }
    }
}
