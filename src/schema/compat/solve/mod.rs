//! Whether any value meets some literals: a proof that none does, a value that does, or neither.
//!
//! Values are finite, so a state that can only be met by a value that holds another value meeting the same
//! state is met by none: a state that comes up again below itself is taken to be empty. What was found on
//! such an assumption is kept only once the state itself has proved empty.

mod arrays;
mod branch;
mod filling;
mod judge;
mod list_query;
mod object_query;
mod objects;
mod scalars;

use std::collections::BTreeSet;
use std::collections::HashMap;

use serde_json::Value;

use super::budget::Budget;
use super::node::Kind;
use super::node::Literal;
use super::node::Node;
use super::world::World;
use branch::Branch;

/// Deepest recursion, counted over all functions that call one another: it bounds the stack.
const MAX_FRAMES: usize = 160;

/// The answer about one state.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// No value meets it; proved.
    Empty,
    /// This value meets it.
    Found(Value),
    /// Not decided; a value worth a try if there is one.
    Open(Option<Value>),
}

impl Outcome {
    /// The answer for either of two states, the first one asked first.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Found(value), _) | (_, Self::Found(value)) => Self::Found(value),
            (Self::Open(value), Self::Open(other)) => Self::Open(value.or(other)),
            (Self::Open(value), Self::Empty) | (Self::Empty, Self::Open(value)) => Self::Open(value),
            (Self::Empty, Self::Empty) => Self::Empty,
        }
    }
}

/// What an unproved answer rests on.
#[derive(Debug, Clone, Copy)]
struct Assumed {
    /// The lowest running state that must prove empty.
    low: usize,
    /// When it was assumed, so that it goes with the states that it may rest on.
    serial: u64,
}

/// Literals that one value must meet, sorted.
pub(super) type State = Vec<Literal>;

/// Answers questions about states, and remembers the answers.
pub(super) struct Solver<'w, 'd> {
    pub(super) world: &'w mut World<'d>,
    pub(super) budget: Budget,
    known: HashMap<State, Outcome>,
    /// States being worked on, with their depth.
    running: HashMap<State, usize>,
    /// States empty if certain running states are.
    assumed: HashMap<State, Assumed>,
    /// How many states were ever assumed.
    assumptions: u64,
    /// The lowest running state on which the current answer rests.
    low: usize,
    frames: usize,
    judgements: u64,
}

impl<'w, 'd> Solver<'w, 'd> {
    pub(super) fn new(world: &'w mut World<'d>, budget: Budget) -> Self {
        Self {
            world,
            budget,
            known: HashMap::new(),
            running: HashMap::new(),
            assumed: HashMap::new(),
            assumptions: 0,
            low: usize::MAX,
            frames: 0,
            judgements: 0,
        }
    }

    /// Gives the solver new steps; what it knows stays.
    pub(super) fn refill(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// Finds a value that meets all literals.
    pub(super) fn solve(&mut self, literals: impl IntoIterator<Item = Literal>) -> Outcome {
        let Some(state) = self.normal(literals) else {
            return Outcome::Empty;
        };
        if let Some(known) = self.known.get(&state) {
            return known.clone();
        }
        let assumed = self.assumed.get(&state).map(|assumed| assumed.low);
        if let Some(depth) = self.running.get(&state).copied().or(assumed) {
            self.low = self.low.min(depth);
            return Outcome::Empty;
        }
        if self.frames >= MAX_FRAMES || !self.budget.spend(1 + state.len() as u64 / 8) {
            return Outcome::Open(None);
        }
        let depth = self.running.len();
        self.running.insert(state.clone(), depth);
        let outer = std::mem::replace(&mut self.low, usize::MAX);
        let serial = self.assumptions;
        self.frames += 1;
        let outcome = self.any_kind(&state);
        self.frames -= 1;
        self.running.remove(&state);
        let low = std::mem::replace(&mut self.low, outer);
        self.conclude(state, depth, low, serial, &outcome);
        outcome
    }

    /// Keeps the answer, and what rested on it; `serial` is the count of assumptions before the work began.
    fn conclude(&mut self, state: State, depth: usize, low: usize, serial: u64, outcome: &Outcome) {
        if low < depth {
            self.low = self.low.min(low);
        }
        if *outcome != Outcome::Empty {
            // Whatever was assumed meanwhile may rest on this state being empty.
            self.assumed.retain(|_, assumed| assumed.serial < serial);
            if !self.budget.is_spent() {
                self.known.insert(state, outcome.clone());
            }
        } else if low < depth {
            self.assumed
                .values_mut()
                .filter(|assumed| assumed.low >= depth)
                .for_each(|assumed| assumed.low = low);
            self.assumed.insert(
                state,
                Assumed {
                    low,
                    serial: self.assumptions,
                },
            );
            self.assumptions += 1;
        } else {
            let (proved, open): (Vec<_>, Vec<_>) = self
                .assumed
                .drain()
                .partition(|(_, assumed)| assumed.low >= depth);
            self.assumed.extend(open);
            self.known
                .extend(proved.into_iter().map(|(state, _)| (state, Outcome::Empty)));
            self.known.insert(state, Outcome::Empty);
        }
    }

    /// The literals with references followed, sorted; none if two contradict each other.
    fn normal(&self, literals: impl IntoIterator<Item = Literal>) -> Option<State> {
        let mut state = BTreeSet::new();
        for literal in literals {
            let literal = self.world.plain(literal);
            if *self.world.forest.node(literal.id) == Node::True {
                if literal.holds {
                    continue;
                }
                return None;
            }
            if state.contains(&literal.negated()) {
                return None;
            }
            state.insert(literal);
        }
        Some(state.into_iter().collect())
    }

    fn any_kind(&mut self, state: &[Literal]) -> Outcome {
        let mut answer = Outcome::Empty;
        for kind in Kind::ALL {
            let mut branch = Branch::new(kind);
            let outcome = if branch.assert_all(self.world, state) {
                self.explore(branch)
            } else {
                Outcome::Empty
            };
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                break;
            }
        }
        answer
    }
}
