//! What was seen at one place of the data, and at the places inside it.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use super::numbers::Numbers;
use super::strings::Strings;

/// Most places of the data that are kept apart.
pub(super) const MAX_NODES: usize = 2_000;
/// Depth beyond which only the types of values are counted.
pub(super) const MAX_DEPTH: usize = 16;
/// Longest member name that is kept, in bytes.
const MAX_NAME: usize = 256;
/// Names of one object's members beyond which it is looked at whether they are names or keys of a map.
const MANY_NAMES: usize = 200;
/// Names beyond which they are keys of a map in any case.
const TOO_MANY_NAMES: usize = 500;

/// What was seen at a place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Node {
    /// Values.
    pub(super) seen: u64,
    /// Objects or arrays around that held at least one of them.
    pub(super) holders: u64,
    /// Events that held at least one of them.
    pub(super) events: u64,
    pub(super) nulls: u64,
    pub(super) booleans: u64,
    pub(super) numbers: Numbers,
    pub(super) strings: Strings,
    pub(super) arrays: u64,
    pub(super) objects: u64,
    /// Of all elements of the arrays.
    pub(super) elements: Option<Box<Node>>,
    pub(super) members: Members,
    /// The event in which one of them was seen last, and the holder, so that none is counted twice.
    last_event: u64,
    last_holder: u64,
}

/// What was seen of the members of objects.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Members {
    /// Each by its name; and how many members were not kept apart.
    Named(BTreeMap<String, Node>, u64),
    /// All together: their names are keys of a map.
    Keyed(Box<Node>),
}

impl Default for Members {
    fn default() -> Self {
        Self::Named(BTreeMap::new(), 0)
    }
}

/// What one event is seen with.
#[derive(Debug)]
pub(super) struct Pass<'p> {
    /// The number of the event, from 1.
    pub(super) event: u64,
    /// Numbers the objects and arrays.
    pub(super) holder: &'p mut u64,
    /// Places there are.
    pub(super) nodes: &'p mut usize,
    /// Whether something was not kept apart.
    pub(super) is_bounded: &'p mut bool,
}

impl Pass<'_> {
    /// Room for one more place.
    fn room(&mut self) -> bool {
        let is_free = *self.nodes < MAX_NODES;
        if is_free {
            *self.nodes += 1;
        } else {
            *self.is_bounded = true;
        }
        is_free
    }
}

impl Node {
    /// Takes in a value, which lies in this holder.
    pub(super) fn observe(&mut self, value: &Value, holder: u64, depth: usize, pass: &mut Pass<'_>) {
        self.seen += 1;
        if self.last_event != pass.event {
            self.last_event = pass.event;
            self.events += 1;
        }
        if self.last_holder != holder {
            self.last_holder = holder;
            self.holders += 1;
        }
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => self.booleans += 1,
            Value::Number(number) => self.numbers.observe(number),
            Value::String(text) => self.strings.observe(text),
            Value::Array(items) => {
                self.arrays += 1;
                self.observe_elements(items, depth, pass);
            }
            Value::Object(members) => {
                self.objects += 1;
                self.observe_members(members, depth, pass);
            }
        }
    }

    fn observe_elements(&mut self, items: &[Value], depth: usize, pass: &mut Pass<'_>) {
        if items.is_empty() {
            return;
        }
        if depth >= MAX_DEPTH || (self.elements.is_none() && !pass.room()) {
            *pass.is_bounded = true;
            return;
        }
        *pass.holder += 1;
        let holder = *pass.holder;
        let elements = self.elements.get_or_insert_default();
        for item in items {
            elements.observe(item, holder, depth + 1, pass);
        }
    }

    fn observe_members(&mut self, values: &Map<String, Value>, depth: usize, pass: &mut Pass<'_>) {
        if depth >= MAX_DEPTH {
            *pass.is_bounded |= !values.is_empty();
            return;
        }
        *pass.holder += 1;
        let holder = *pass.holder;
        for (name, value) in values {
            match &mut self.members {
                Members::Keyed(node) => node.observe(value, holder, depth + 1, pass),
                Members::Named(nodes, more) => {
                    if let Some(node) = nodes.get_mut(name) {
                        node.observe(value, holder, depth + 1, pass);
                    } else if name.len() <= MAX_NAME && pass.room() {
                        let node = nodes.entry(name.clone()).or_default();
                        node.observe(value, holder, depth + 1, pass);
                        self.watch(pass);
                    } else {
                        *pass.is_bounded = true;
                        *more += 1;
                    }
                }
            }
        }
    }

    /// Takes the names for keys of a map when they have become many.
    fn watch(&mut self, pass: &mut Pass<'_>) {
        let Members::Named(nodes, _) = &self.members else {
            return;
        };
        let names = nodes.len() as u64;
        let held: u64 = nodes.values().map(|node| node.holders).sum();
        let is_sparse = held.saturating_mul(2) < names.saturating_mul(self.objects);
        if nodes.len() > TOO_MANY_NAMES || (nodes.len() > MANY_NAMES && is_sparse) {
            let before = self.size();
            self.forget_names();
            *pass.nodes = (*pass.nodes + self.size()).saturating_sub(before);
            *pass.is_bounded = true;
        }
    }

    /// Puts what was seen of all members together.
    pub(super) fn forget_names(&mut self) {
        let Members::Named(nodes, _) = std::mem::take(&mut self.members) else {
            return;
        };
        let mut all = Self::default();
        for node in nodes.into_values() {
            all.merge(node);
        }
        all.holders = all.holders.min(self.objects);
        all.events = all.events.min(self.events);
        self.members = Members::Keyed(Box::new(all));
    }

    /// Takes in all that was seen at another place. Events and holders that held values of both count twice.
    fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        self.holders += other.holders;
        self.events += other.events;
        self.nulls += other.nulls;
        self.booleans += other.booleans;
        self.numbers.merge(other.numbers);
        self.strings.merge(other.strings);
        self.arrays += other.arrays;
        self.objects += other.objects;
        self.last_event = self.last_event.max(other.last_event);
        self.last_holder = self.last_holder.max(other.last_holder);
        if let Some(elements) = other.elements {
            self.elements.get_or_insert_default().merge(*elements);
        }
        match (&mut self.members, other.members) {
            (Members::Named(nodes, more), Members::Named(others, others_more)) => {
                *more += others_more;
                for (name, node) in others {
                    nodes.entry(name).or_default().merge(node);
                }
            }
            (Members::Keyed(node), Members::Keyed(other)) => node.merge(*other),
            (Members::Keyed(node), Members::Named(others, _)) => {
                for other in others.into_values() {
                    node.merge(other);
                }
            }
            (Members::Named(..), Members::Keyed(other)) => {
                self.forget_names();
                if let Members::Keyed(node) = &mut self.members {
                    node.merge(*other);
                }
            }
        }
    }

    /// Places inside, and this one.
    fn size(&self) -> usize {
        let elements = self.elements.as_ref().map_or(0, |node| node.size());
        let members: usize = match &self.members {
            Members::Named(nodes, _) => nodes.values().map(Self::size).sum(),
            Members::Keyed(node) => node.size(),
        };
        1 + elements + members
    }
}
