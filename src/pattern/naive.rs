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
        flat.add("data", data, &Positions::new());
    }
    let mut branches = pattern.branches.iter();
    branches.any(|branch| met(&branch.clauses, &flat.leaves, &Positions::new()))
}

fn met(clauses: &[Clause], leaves: &[(String, Leaf<'_>, Positions)], chosen: &Positions) -> bool {
    let Some((clause, rest)) = clauses.split_first() else {
        return true;
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
    if clause.accepts_absence() && allowed.is_empty() && met(rest, leaves, chosen) {
        return true;
    }
    allowed
        .into_iter()
        .filter(|(_, leaf, _)| clause.accepts(leaf))
        .any(|(_, _, positions)| {
            let mut chosen = chosen.clone();
            chosen.extend(positions);
            met(rest, leaves, &chosen)
        })
}

#[derive(Default)]
struct Flat<'v> {
    leaves: Vec<(String, Leaf<'v>, Positions)>,
    arrays: usize,
}

impl<'v> Flat<'v> {
    fn add(&mut self, path: &str, value: &'v Value, positions: &Positions) {
        let leaf = match value {
            Value::Object(members) => {
                for (key, value) in members {
                    self.add(&format!("{path}.{key}"), value, positions);
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
            Value::Number(number) => Leaf::Number(Cow::Owned(number.to_string())),
            Value::String(text) => Leaf::String(Cow::Borrowed(text)),
        };
        self.leaves.push((path.to_owned(), leaf, positions.clone()));
    }
}
