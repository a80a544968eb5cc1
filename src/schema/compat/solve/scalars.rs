//! Values without members: null, booleans, numbers and strings.

use std::collections::BTreeSet;

use num_rational::BigRational;
use serde_json::Number;
use serde_json::Value;

use super::Outcome;
use super::Solver;
use super::branch::Branch;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;
use crate::schema::compat::node::Scalar;
use crate::schema::compat::numbers::Figure;
use crate::schema::compat::numbers::NumberQuery;
use crate::schema::compat::texts::Text;
use crate::schema::compat::texts::TextQuery;
use crate::schema::compat::texts::find;
use crate::schema::number::is_multiple;
use crate::schema::number::written;

impl Solver<'_, '_> {
    pub(super) fn scalar(&mut self, branch: &Branch) -> Outcome {
        let (allowed, excluded) = self.listed(branch);
        if let Some(allowed) = allowed {
            return self.among(branch, allowed.difference(&excluded));
        }
        match branch.kind {
            Kind::Boolean => {
                let both = [Scalar::Boolean(true), Scalar::Boolean(false)];
                self.among(branch, both.iter().filter(|value| !excluded.contains(value)))
            }
            Kind::Number => self.number(branch, excluded),
            Kind::String => self.text(branch, &excluded),
            _ => self.among(
                branch,
                [Scalar::Null].iter().filter(|value| !excluded.contains(value)),
            ),
        }
    }

    /// The only values that are allowed, if they are listed, and those that are not.
    fn listed(&self, branch: &Branch) -> (Option<BTreeSet<Scalar>>, BTreeSet<Scalar>) {
        let mut allowed: Option<BTreeSet<Scalar>> = None;
        let mut excluded = BTreeSet::new();
        for literal in &branch.asserted {
            let Node::Values(values) = self.world.forest.node(literal.id) else {
                continue;
            };
            let own = values.iter().filter(|value| value.kind() == branch.kind).cloned();
            if literal.holds {
                let own: BTreeSet<Scalar> = own.collect();
                allowed = Some(match allowed {
                    Some(allowed) => allowed.intersection(&own).cloned().collect(),
                    None => own,
                });
            } else {
                excluded.extend(own);
            }
        }
        (allowed, excluded)
    }

    /// The first of these values that meets the branch.
    fn among<'a>(&mut self, branch: &Branch, values: impl Iterator<Item = &'a Scalar>) -> Outcome {
        let mut answer = Outcome::Empty;
        for value in values {
            if !self.budget.spend(1) {
                return Outcome::Open(None);
            }
            if branch.asserted.iter().all(|literal| self.meets(*literal, value)) {
                match self.spelled(branch, value) {
                    Spelled::As(value) => return Outcome::Found(value),
                    Spelled::Never => {}
                    Spelled::Unknown => answer = Outcome::Open(None),
                }
            }
        }
        answer
    }

    /// Whether a scalar meets a statement about its kind.
    fn meets(&self, literal: Literal, value: &Scalar) -> bool {
        let node = self.world.forest.node(literal.id);
        let met = match (node, value) {
            (Node::Minimum { limit, open }, Scalar::Number(number)) => {
                number > limit || (!open && number == limit)
            }
            (Node::Maximum { limit, open }, Scalar::Number(number)) => {
                number < limit || (!open && number == limit)
            }
            (Node::MultipleOf(step), Scalar::Number(number)) => is_multiple(number, step),
            (Node::MinLength(min), Scalar::String(text)) => text.chars().count() as u64 >= *min,
            (Node::MaxLength(max), Scalar::String(text)) => text.chars().count() as u64 <= *max,
            (Node::Pattern(number), Scalar::String(text)) => self.world.patterns.matches(*number, text),
            (Node::Opaque(number), Scalar::String(text)) => self.passes(*number, text),
            // Lists of values are settled before; spelling after.
            _ => return true,
        };
        met == literal.holds
    }

    fn passes(&self, opaque: usize, text: &str) -> bool {
        let value = Value::String(text.to_owned());
        self.world
            .opaques
            .get(opaque)
            .is_some_and(|opaque| opaque.validator.is_valid(&value))
    }

    /// The value in JSON, written as the branch wants it.
    fn spelled(&self, branch: &Branch, value: &Scalar) -> Spelled {
        let number = match value {
            Scalar::Null => return Spelled::As(Value::Null),
            Scalar::Boolean(value) => return Spelled::As(Value::Bool(*value)),
            Scalar::String(text) => return Spelled::As(Value::String(text.clone())),
            Scalar::Number(number) => number,
        };
        let wants_whole = branch
            .asserted
            .iter()
            .find(|literal| *self.world.forest.node(literal.id) == Node::WrittenWhole)
            .map(|literal| literal.holds);
        match (wants_whole, number.is_integer()) {
            (Some(true), false) => Spelled::Never,
            (Some(false), true) => {
                let text = format!("{}.0", number.to_integer());
                serde_json::from_str::<Number>(&text)
                    .map_or(Spelled::Unknown, |number| Spelled::As(Value::Number(number)))
            }
            _ => written(number).map_or(Spelled::Unknown, |number| Spelled::As(Value::Number(number))),
        }
    }

    fn number(&mut self, branch: &Branch, excluded: BTreeSet<Scalar>) -> Outcome {
        let mut query = NumberQuery {
            excluded: excluded.into_iter().filter_map(number_in).collect(),
            ..NumberQuery::default()
        };
        for literal in &branch.asserted {
            match (self.world.forest.node(literal.id), literal.holds) {
                (Node::Minimum { limit, open }, true) => query.at_least(limit, *open),
                (Node::Minimum { limit, open }, false) => query.at_most(limit, !open),
                (Node::Maximum { limit, open }, true) => query.at_most(limit, *open),
                (Node::Maximum { limit, open }, false) => query.at_least(limit, !open),
                (Node::MultipleOf(step), true) => query.multiple_of(step),
                (Node::MultipleOf(step), false) => query.unlike.push(step.clone()),
                (Node::WrittenWhole, true) => query.multiple_of(&BigRational::from_integer(1.into())),
                _ => {}
            }
        }
        match query.find() {
            Figure::Nothing => Outcome::Empty,
            Figure::Unknown => Outcome::Open(None),
            Figure::Found(number) => match self.spelled(branch, &Scalar::Number(number)) {
                Spelled::As(value) => Outcome::Found(value),
                Spelled::Never | Spelled::Unknown => Outcome::Open(None),
            },
        }
    }

    fn text(&mut self, branch: &Branch, excluded: &BTreeSet<Scalar>) -> Outcome {
        let mut query = TextQuery::default();
        let mut opaque = Vec::new();
        for value in excluded {
            if let Scalar::String(text) = value {
                query.excluded.insert(text.clone());
            }
        }
        for literal in &branch.asserted {
            match (self.world.forest.node(literal.id), literal.holds) {
                (Node::MinLength(0) | Node::MaxLength(u64::MAX), false) => return Outcome::Empty,
                (Node::MinLength(min), true) => query.min = query.min.max(*min),
                (Node::MinLength(min), false) => query.at_most(min - 1),
                (Node::MaxLength(max), true) => query.at_most(*max),
                (Node::MaxLength(max), false) => query.min = query.min.max(max + 1),
                (Node::Pattern(number), holds) => {
                    query.patterns.insert((*number, holds));
                }
                (Node::Opaque(number), holds) => opaque.push((*number, holds)),
                _ => {}
            }
        }
        let found = find(&query, &self.world.patterns, &mut self.budget);
        match found {
            Text::Nothing => Outcome::Empty,
            Text::Found(text) if opaque.is_empty() => Outcome::Found(Value::String(text)),
            Text::Found(text) => self.tried(branch, &query, &opaque, Some(text)),
            Text::Unknown => self.tried(branch, &query, &opaque, None),
        }
    }

    /// Tries texts that people write, where the answer cannot be found by thinking.
    fn tried(
        &mut self,
        branch: &Branch,
        query: &TextQuery,
        opaque: &[(usize, bool)],
        text: Option<String>,
    ) -> Outcome {
        let examples = EXAMPLES.iter().map(|text| (*text).to_owned());
        for text in text.into_iter().chain(examples) {
            let value = Scalar::String(text.clone());
            let meets = branch.asserted.iter().all(|literal| self.meets(*literal, &value));
            let passes = opaque
                .iter()
                .all(|(number, holds)| self.passes(*number, &text) == *holds);
            if meets && passes && !query.excluded.contains(&text) {
                return Outcome::Found(Value::String(text));
            }
        }
        Outcome::Open(None)
    }
}

impl TextQuery {
    fn at_most(&mut self, max: u64) {
        self.max = Some(self.max.map_or(max, |own| own.min(max)));
    }
}

/// How a value is written.
enum Spelled {
    As(Value),
    Never,
    Unknown,
}

fn number_in(value: Scalar) -> Option<BigRational> {
    match value {
        Scalar::Number(number) => Some(number),
        _ => None,
    }
}

/// A text of each format that is known, and some of none.
const EXAMPLES: &[&str] = &[
    "a",
    "",
    "!",
    "{",
    "a b",
    "2026-01-31",
    "2026-01-31T12:30:00Z",
    "12:30:00Z",
    "P1D",
    "someone@example.com",
    "example.com",
    "192.0.2.1",
    "2001:db8::1",
    "https://example.com/a?b=c#d",
    "/a/b",
    "0/a",
    "https://example.com/{id}",
    "8c9b6f9e-3b1f-4a86-9b0c-5f2f6c1d2e3f",
    "[a-z]+",
    "(",
    "{}",
    "YQ==",
    "not*base64",
    "0",
];
