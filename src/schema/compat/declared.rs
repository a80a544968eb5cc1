//! The lenient policy: which members a writer's schema declares, and whether a value holds only those.
//!
//! Declared for an object are the names in `properties`, what matches `patternProperties`, and everything where
//! `additionalProperties` or `unevaluatedProperties` is a schema other than `true`; taken over every schema
//! that is applied to the object in place, whether its branch is the one that holds or not. That is the
//! larger reading: what it proves compatible is so by any narrower one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::world::Child;
use super::world::Step;
use super::world::World;

impl World<'_> {
    /// The schemas that declare a member of this name; none if no schema does.
    pub(super) fn declared_member(&self, set: usize, name: &str) -> Option<BTreeSet<usize>> {
        let mut declaring = BTreeSet::new();
        let mut is_declared = false;
        for child in self.children_of(set) {
            let declares = match &child.step {
                Step::Member(own) => own == name,
                Step::Matching(pattern) => self.patterns.matches(*pattern, name),
                Step::Others(names) => {
                    self.is_no_true(child)
                        && !names.names.contains(name)
                        && !names
                            .patterns
                            .iter()
                            .any(|pattern| self.patterns.matches(*pattern, name))
                }
                Step::Unevaluated => child.keyword() == "unevaluatedProperties" && self.is_no_true(child),
                _ => false,
            };
            if declares {
                is_declared = true;
                declaring.insert(child.schema);
            }
        }
        is_declared.then_some(declaring)
    }

    /// The schemas that speak of the item at this index.
    pub(super) fn declared_item(&self, set: usize, index: u64) -> BTreeSet<usize> {
        let speaks = |child: &&Child| match &child.step {
            Step::ItemAt(own) => *own == index,
            Step::ItemsFrom(first) => index >= *first,
            Step::SomeItems => true,
            Step::Unevaluated => child.keyword() == "unevaluatedItems",
            _ => false,
        };
        self.children_of(set)
            .filter(speaks)
            .map(|child| child.schema)
            .collect()
    }

    /// The children of all schemas of a set.
    pub(super) fn children_of(&self, set: usize) -> impl Iterator<Item = &Child> {
        let schemas = self.sets.get(set).into_iter().flatten();
        schemas
            .filter_map(|number| self.schema(*number))
            .flat_map(|schema| &schema.children)
    }

    fn is_no_true(&self, child: &Child) -> bool {
        self.schema(child.schema)
            .is_some_and(|schema| *schema.value != Value::Bool(true))
    }

    /// Whether the value holds only declared members, at every depth.
    pub(super) fn holds_only_declared(&mut self, set: usize, value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().all(|(name, member)| {
                let Some(declaring) = self.declared_member(set, name) else {
                    return false;
                };
                let below = self.set(&declaring);
                self.holds_only_declared(below, member)
            }),
            Value::Array(items) => (0..).zip(items).all(|(index, item)| {
                let speaking = self.declared_item(set, index);
                let below = self.set(&speaking);
                self.holds_only_declared(below, item)
            }),
            _ => true,
        }
    }
}
