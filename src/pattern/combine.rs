//! Patterns made of patterns: `$or`, `$and`, `$not`, and what they multiply to.

use serde_json::Map;
use serde_json::Value;

use super::complexity;
use super::operators::OPERATORS;
use super::parse::Branch;
use super::parse::Clause;

/// Words that are operators elsewhere in this family of languages: a list of objects that begin
/// with one is a list of alternatives, not of patterns.
const FOREIGN_OPERATORS: [&str; 12] = [
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "not-wildcard",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "date-in-range",
    "ip-address-in-range",
];

/// A key that combines patterns; it does so only if its value has the form.
#[derive(Clone, Copy)]
pub(super) enum Combinator<'v> {
    /// One of two or more patterns must hold.
    Or(&'v [Value]),
    /// All must hold.
    And(&'v [Value]),
    /// It must not hold.
    Not(&'v Map<String, Value>),
}

impl<'v> Combinator<'v> {
    /// The combinator that key and value are; otherwise they are a field.
    pub(super) fn of(key: &str, value: &'v Value) -> Option<Self> {
        let is_pattern = |one: &Value| {
            one.as_object()
                .is_some_and(|fields| !fields.keys().any(|key| is_operator(key)))
        };
        match (key, value) {
            ("$or", Value::Array(list)) if list.len() >= 2 && list.iter().all(is_pattern) => {
                Some(Self::Or(list))
            }
            ("$and", Value::Array(list)) if !list.is_empty() && list.iter().all(is_pattern) => {
                Some(Self::And(list))
            }
            ("$not", Value::Object(fields)) => Some(Self::Not(fields)),
            _ => None,
        }
    }

    /// The form that the value of a key must have to combine patterns.
    pub(super) fn form(key: &str) -> Option<&'static str> {
        Some(match key {
            "$or" => "$or takes a list of two or more patterns whose fields are not named like operators",
            "$and" => "$and takes a list of patterns whose fields are not named like operators",
            "$not" => "$not takes a pattern",
            _ => return None,
        })
    }
}

fn is_operator(key: &str) -> bool {
    OPERATORS.contains(&key) || FOREIGN_OPERATORS.contains(&key)
}

/// A pattern as it was written.
pub(super) enum Combination {
    /// A field holds.
    Field(Clause),
    /// All hold, of one object: a field that is named again replaces the one named before.
    Object(Vec<Self>),
    /// All hold.
    All(Vec<Self>),
    /// One holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
}

impl Combination {
    /// The points of all branches together.
    pub(super) fn complexity(&self) -> u64 {
        self.weight().points
    }

    /// Counts what [`branches`](Self::branches) would make, without making it.
    fn weight(&self) -> Weight {
        match self {
            Self::Field(clause) => Weight {
                branches: 1,
                points: complexity::of_clause(clause),
            },
            Self::Object(parts) | Self::All(parts) => parts.iter().map(Self::weight).fold(
                Weight {
                    branches: 1,
                    points: 0,
                },
                Weight::and,
            ),
            Self::Any(parts) => parts.iter().map(Self::weight).fold(
                Weight {
                    branches: 0,
                    points: 0,
                },
                Weight::or,
            ),
            Self::Not(inner) => Weight {
                branches: 1,
                points: inner.weight().points.saturating_add(1),
            },
        }
    }

    /// The pattern as alternatives of clauses. Takes memory in proportion to the complexity.
    pub(super) fn branches(self) -> Vec<Branch> {
        match self {
            Self::Field(clause) => vec![Branch {
                clauses: vec![clause],
                nots: Vec::new(),
            }],
            Self::Object(parts) => parts.into_iter().fold(vec![Branch::default()], |all, part| {
                let join = match part {
                    Self::All(_) | Self::Not(_) => Branch::and,
                    _ => Branch::replaced_by,
                };
                multiplied(all, part.branches(), join)
            }),
            Self::All(parts) => parts.into_iter().fold(vec![Branch::default()], |all, part| {
                multiplied(all, part.branches(), Branch::and)
            }),
            Self::Any(parts) => parts.into_iter().flat_map(Self::branches).collect(),
            Self::Not(inner) => vec![Branch {
                clauses: Vec::new(),
                nots: inner.branches(),
            }],
        }
    }
}

/// Every branch of one together with every branch of the other.
fn multiplied(
    mut all: Vec<Branch>,
    mut other: Vec<Branch>,
    join: fn(Branch, Branch) -> Branch,
) -> Vec<Branch> {
    if let (1, 1) = (all.len(), other.len()) {
        let both = all.pop().zip(other.pop());
        return both.map(|(one, two)| join(one, two)).into_iter().collect();
    }
    let with_each = |one: &Branch| {
        let together = |two: &Branch| join(one.clone(), two.clone());
        other.iter().map(together).collect::<Vec<_>>()
    };
    all.iter().flat_map(with_each).collect()
}

/// How many branches, and their points together.
#[derive(Clone, Copy)]
struct Weight {
    branches: u64,
    points: u64,
}

impl Weight {
    fn and(self, other: Self) -> Self {
        let mine = self.points.saturating_mul(other.branches);
        let theirs = other.points.saturating_mul(self.branches);
        Self {
            branches: self.branches.saturating_mul(other.branches),
            points: mine.saturating_add(theirs),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            branches: self.branches.saturating_add(other.branches),
            points: self.points.saturating_add(other.points),
        }
    }
}
