//! Whether a list meets the statements of a branch.

use std::collections::BTreeSet;

use serde_json::Value;

use super::MAX_FRAMES;
use super::Outcome;
use super::Solver;
use super::branch::Branch;
use super::list_query::ListQuery;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;
use crate::schema::compat::node::Scalar;
use crate::schema::compat::read::scalars::scalar;
use crate::schema::same::same_content;

/// Longest list that is made up.
pub(super) const MAX_ITEMS: u64 = 4_096;
/// Longest list of different items that is made up: each is set against each.
const MAX_UNIQUE: usize = 256;
/// Longest list of which each item is decided to be among the few or not: that doubles the work per item.
const MAX_SPLIT: usize = 12;

/// How far the decision is which items are among the few.
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    bound: usize,
    item: usize,
    count: u64,
}

/// What the items at each index must meet.
type Items = Vec<BTreeSet<Literal>>;

impl Solver<'_, '_> {
    pub(super) fn array(&mut self, branch: &Branch) -> Outcome {
        let Some(query) = self.list_query(branch) else {
            return Outcome::Empty;
        };
        let needed = query.some.iter().map(|wanted| wanted.from + 1).max();
        let low = query.min.max(needed.unwrap_or(0));
        let repeats = if query.has_repeated { 2 } else { 0 };
        let high = low.max(query.uniform) + query.some.len() as u64 + repeats;
        let high = query.max.map_or(high, |max| max.min(high));
        let mut answer = Outcome::Empty;
        for len in low..=high {
            if len > MAX_ITEMS || !self.budget.spend(1 + len) {
                return answer.or(Outcome::Open(None));
            }
            let items: Items = (0..len).map(|index| self.item(&query, index)).collect();
            let outcome = self.place(&query, &items, &mut Vec::new());
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                break;
            }
        }
        answer
    }

    /// What the item at an index must meet.
    fn item(&mut self, query: &ListQuery, index: u64) -> BTreeSet<Literal> {
        let every = query.every.iter();
        let own = every.filter(|(from, to, _)| index >= *from && to.is_none_or(|to| index < to));
        let mut item: BTreeSet<Literal> = own.map(|(_, _, literal)| *literal).collect();
        for set in &query.declared {
            let speaking = self.world.declared_item(*set, index);
            let below = self.world.set(&speaking);
            item.insert(Literal::yes(self.world.forest.add(Node::Declared(below))));
        }
        item
    }

    /// Chooses an item for each statement about some item; `taken` are the items chosen so far.
    fn place(&mut self, query: &ListQuery, items: &Items, taken: &mut Vec<usize>) -> Outcome {
        if self.frames >= MAX_FRAMES || !self.budget.spend(1) {
            return Outcome::Open(None);
        }
        let Some(wanted) = query.some.get(taken.len()) else {
            return if query.has_repeated {
                self.repeated(query, items)
            } else {
                self.filled(query, items)
            };
        };
        // Statements of one group are alike: their items may be taken in order.
        let before = query
            .some
            .iter()
            .zip(taken.iter())
            .filter(|(other, _)| other.group == wanted.group);
        let first = before.map(|(_, index)| index + 1).max().unwrap_or(0);
        let mut answer = Outcome::Empty;
        let mut tried = BTreeSet::new();
        for index in first..items.len() {
            let place = index as u64;
            if place < wanted.from || wanted.to.is_some_and(|to| place >= to) {
                continue;
            }
            let Some(item) = items.get(index) else { continue };
            // Among items under the same statements one is like the other.
            if place >= query.uniform && !tried.insert(item.clone()) {
                continue;
            }
            let mut chosen = items.clone();
            if let Some(item) = chosen.get_mut(index) {
                item.insert(wanted.literal);
                let item = item.clone();
                if self.solve(item) == Outcome::Empty {
                    continue;
                }
            }
            self.frames += 1;
            taken.push(index);
            let outcome = self.place(query, &chosen, taken);
            taken.pop();
            self.frames -= 1;
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                break;
            }
        }
        answer
    }

    /// Lists in which two items are the same value.
    fn repeated(&mut self, query: &ListQuery, items: &Items) -> Outcome {
        if query.is_unique {
            return Outcome::Empty;
        }
        let mut answer = Outcome::Empty;
        for (index, one) in items.iter().enumerate() {
            for (other_index, other) in items.iter().enumerate().skip(index + 1) {
                let joint: BTreeSet<Literal> = one.union(other).copied().collect();
                let outcome = match self.solve(joint) {
                    Outcome::Found(value) => match self.filled(query, items) {
                        Outcome::Found(Value::Array(mut list)) => {
                            for place in [index, other_index] {
                                if let Some(slot) = list.get_mut(place) {
                                    *slot = value.clone();
                                }
                            }
                            // Bounds on how many items meet something were met by the items before.
                            let list = Value::Array(list);
                            if query.at_most.is_empty() {
                                Outcome::Found(list)
                            } else {
                                Outcome::Open(Some(list))
                            }
                        }
                        outcome => outcome,
                    },
                    outcome => outcome.hidden(),
                };
                answer = answer.or(outcome);
                if matches!(answer, Outcome::Found(_)) {
                    return answer;
                }
            }
        }
        answer
    }

    /// A list whose items meet what is asked of each, and not too many meet what few may.
    fn filled(&mut self, query: &ListQuery, items: &Items) -> Outcome {
        if query.at_most.is_empty() {
            return self.each(query, items);
        }
        if items.len() > MAX_SPLIT {
            return self.each(query, items).hidden_found();
        }
        self.split(query, items.clone(), Split::default())
    }

    /// Decides, one item after another, whether it is among the few or not.
    fn split(&mut self, query: &ListQuery, items: Items, at: Split) -> Outcome {
        if self.frames >= MAX_FRAMES || !self.budget.spend(1) {
            return Outcome::Open(None);
        }
        let Some((most, literal)) = query.at_most.get(at.bound) else {
            return self.each(query, &items);
        };
        let Some(item) = items.get(at.item) else {
            return self.split(
                query,
                items,
                Split {
                    bound: at.bound + 1,
                    ..Split::default()
                },
            );
        };
        let mut answer = Outcome::Empty;
        for (literal, count) in [(literal.negated(), at.count), (*literal, at.count + 1)] {
            let mut item = item.clone();
            item.insert(literal);
            if count > *most || self.solve(item.iter().copied()) == Outcome::Empty {
                continue;
            }
            let mut chosen = items.clone();
            if let Some(slot) = chosen.get_mut(at.item) {
                *slot = item;
            }
            self.frames += 1;
            let outcome = self.split(
                query,
                chosen,
                Split {
                    item: at.item + 1,
                    count,
                    ..at
                },
            );
            self.frames -= 1;
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                break;
            }
        }
        answer
    }

    fn each(&mut self, query: &ListQuery, items: &Items) -> Outcome {
        let mut list: Vec<Value> = Vec::new();
        let mut is_open = false;
        for item in items {
            match self.solve(item.iter().copied()) {
                Outcome::Empty => return Outcome::Empty,
                Outcome::Found(value) => list.push(value),
                Outcome::Open(value) => {
                    is_open = true;
                    list.push(value.unwrap_or(Value::Null));
                }
            }
        }
        if is_open {
            return Outcome::Open(Some(Value::Array(list)));
        }
        if query.is_unique && list.len() > MAX_UNIQUE {
            return Outcome::Open(None);
        }
        if query.is_unique && !are_unique(&list) {
            return self.distinct(items);
        }
        Outcome::Found(Value::Array(list))
    }

    /// Items of which no two are the same, found one after another.
    fn distinct(&mut self, items: &Items) -> Outcome {
        let mut list: Vec<Value> = Vec::new();
        let mut excluded = BTreeSet::new();
        let is_uniform = items.iter().all(|item| Some(item) == items.first());
        for item in items {
            let scalars: Vec<Scalar> = list.iter().filter_map(scalar).collect();
            for scalar in scalars {
                let id: Id = self.world.forest.add(Node::Values(vec![scalar]));
                excluded.insert(Literal::no(id));
            }
            match self.solve(item.union(&excluded).copied()) {
                Outcome::Found(value) if !list.iter().any(|own| same_content(own, &value)) => {
                    list.push(value);
                }
                // With other values before it, this item might have had one.
                Outcome::Empty if is_uniform && list.iter().all(|value| scalar(value).is_some()) => {
                    return Outcome::Empty;
                }
                _ => return Outcome::Open(None),
            }
        }
        Outcome::Found(Value::Array(list))
    }
}

impl Outcome {
    /// Without the value, which is only a part.
    pub(super) fn hidden(self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            _ => Self::Open(None),
        }
    }

    /// As a value worth a try, if it is one at all.
    pub(super) fn hidden_found(self) -> Self {
        match self {
            Self::Found(value) => Self::Open(Some(value)),
            other => other,
        }
    }
}

fn are_unique(list: &[Value]) -> bool {
    list.iter()
        .enumerate()
        .all(|(index, item)| !list.iter().skip(index + 1).any(|other| same_content(item, other)))
}
