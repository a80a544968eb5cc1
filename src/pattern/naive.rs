//! The obvious matcher: slow, short, and by definition right.
//!
//! It reads the data as a tree of values, lists every leaf with its path and array positions, and
//! tries all choices. With the compiled matcher it shares the parsed pattern and the test of one
//! value, nothing else. A tree of values cannot show a key that the event repeats; there alone the
//! two differ, and the compiled one sees more.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::condition::Leaf;
use super::number::Written;
use super::parse::Branch;
use super::parse::Clause;
use super::parse::Pattern;
use super::view::EventView;

/// Array number to element index.
type Positions = BTreeMap<usize, usize>;

/// Whether the pattern matches the event. Takes time exponential in the pattern at worst.
#[must_use]
pub fn matches(pattern: &Pattern, event: &EventView<'_>) -> bool {
    let data = event
        .data
        .and_then(|text| serde_json::from_slice::<Value>(text).ok());
    let mut flat = Flat::default();
    for &(name, value) in event.attributes {
        flat.leaves
            .push((name.to_owned(), value.into(), Positions::new()));
    }
    if let Some(data) = &data {
        flat.add_member("data", data, &Positions::new());
    }
    let mut branches = pattern.branches.iter();
    branches.any(|branch| met(&branch.clauses, &branch.nots, &flat.leaves, &Positions::new()))
}

fn met(
    clauses: &[Clause],
    nots: &[Branch],
    leaves: &[(String, Leaf<'_>, Positions)],
    chosen: &Positions,
) -> bool {
    let Some((clause, rest)) = clauses.split_first() else {
        return !nots
            .iter()
            .any(|not| met(&not.clauses, &not.nots, leaves, chosen));
    };
    let allowed: Vec<_> = leaves
        .iter()
        .filter(|(path, ..)| *path == clause.path)
        .filter(|(_, _, positions)| {
            positions
                .iter()
                .all(|(array, i)| chosen.get(array).is_none_or(|j| i == j))
        })
        .collect();
    let is_absent = clause
        .absence()
        .is_some_and(|absence| !allowed.iter().any(|(_, leaf, _)| absence.is_spoilt_by(leaf)));
    if is_absent && met(rest, nots, leaves, chosen) {
        return true;
    }
    allowed
        .into_iter()
        .filter(|(_, leaf, _)| clause.accepts(leaf))
        .any(|(_, _, positions)| {
            let mut chosen = chosen.clone();
            chosen.extend(positions);
            met(rest, nots, leaves, &chosen)
        })
}

#[derive(Default)]
struct Flat<'v> {
    leaves: Vec<(String, Leaf<'v>, Positions)>,
    arrays: usize,
}

impl<'v> Flat<'v> {
    /// Adds a value that is not an element of an array: what is nested is there itself as well.
    fn add_member(&mut self, path: &str, value: &'v Value, positions: &Positions) {
        if value.is_object() || value.is_array() {
            self.leaves
                .push((path.to_owned(), Leaf::Nested, positions.clone()));
        }
        self.add(path, value, positions);
    }

    fn add(&mut self, path: &str, value: &'v Value, positions: &Positions) {
        let leaf = match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let steps: Vec<_> = key.split('.').collect();
                    for len in 1..steps.len() {
                        let around = format!("{path}.{}", steps.get(..len).unwrap_or_default().join("."));
                        self.leaves.push((around, Leaf::Nested, positions.clone()));
                    }
                    self.add_member(&format!("{path}.{key}"), value, positions);
                }
                return;
            }
            Value::Array(elements) => {
                self.arrays += 1;
                let array = self.arrays;
                for (index, element) in elements.iter().enumerate() {
                    let mut positions = positions.clone();
                    if element.is_object() || element.is_array() {
                        positions.insert(array, index);
                    }
                    self.add(path, element, &positions);
                }
                return;
            }
            Value::Null => Leaf::Null,
            Value::Bool(value) => Leaf::Bool(*value),
            Value::Number(number) => Leaf::Number(Written::new(number.as_str())),
            Value::String(text) => Leaf::String(Cow::Borrowed(text)),
        };
        self.leaves.push((path.to_owned(), leaf, positions.clone()));
    }
}
