//! What was seen of each field, as a list.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use super::node::Members;
use super::node::Node;
use super::propose;
use crate::schema::paths::step;

/// What was seen of the data of some events.
#[derive(Debug, Clone, Serialize)]
pub struct Statistics {
    /// Events whose data was taken in.
    pub events: u64,
    /// Events whose data was no JSON.
    pub unreadable: u64,
    /// Whether there were more fields, or deeper ones, than are kept apart.
    pub bounded: bool,
    /// The fields, each after the one that it lies in; the first is the data itself.
    pub fields: Vec<Field>,
}

/// What was seen of one field.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    /// Where it is in the data, such as `$.items[*].sku`; `*` stands for all keys of a map.
    pub path: String,
    /// Values that were seen.
    pub seen: u64,
    /// The share of the objects around that hold it, or of the arrays around that are not empty; from 0 to 1.
    pub share: f64,
    /// The share of all events in which it was seen, from 0 to 1.
    pub share_of_events: f64,
    /// How many of the values were of each type; `integer` are the whole numbers, `number` the others.
    pub types: BTreeMap<&'static str, u64>,
    /// The share of the values that are `null`.
    pub null_share: f64,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// The length of the shortest string, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The length of the longest string, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The format that all strings have, if there were enough of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
    /// The first different strings, by name; long ones are not kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<SeenValue>,
    /// Strings that are none of `values`.
    pub more: u64,
    /// Whether `values` are all that there are to choose from, by the evidence.
    pub is_enum: bool,
    /// The field that it lies in; none for the data itself.
    #[serde(skip)]
    pub(super) parent: Option<usize>,
    /// How it lies in that field.
    #[serde(skip)]
    pub(super) part: Part,
    /// Whether all its members are in the list, each by its name.
    #[serde(skip)]
    pub(super) is_complete: bool,
}

/// A string that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenValue {
    /// The string.
    pub value: String,
    /// How often.
    pub seen: u64,
}

/// How a field lies in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// It is the data itself.
    Whole,
    /// As the member of this name.
    Member(String),
    /// As any member.
    AnyMember,
    /// As an element.
    Element,
}

impl Field {
    /// How many of the values were of this type.
    pub(super) fn of_type(&self, name: &str) -> u64 {
        self.types.get(name).copied().unwrap_or(0)
    }
}

/// Lists the fields.
pub(super) fn fields(root: &Node, events: u64) -> Vec<Field> {
    let mut list = List {
        fields: Vec::new(),
        events,
    };
    list.add(root, "$", Part::Whole, None, events);
    list.fields
}

struct List {
    fields: Vec<Field>,
    events: u64,
}

impl List {
    /// Adds a field and what lies in it; recursion is as deep as what was seen is kept.
    fn add(&mut self, node: &Node, path: &str, part: Part, parent: Option<usize>, holders: u64) {
        let index = self.fields.len();
        let field = self.field(node, path.to_owned(), part, parent, holders);
        self.fields.push(field);
        match &node.members {
            Members::Named(nodes, _) => {
                for (name, inner) in nodes {
                    let path = format!("{path}{}", step::member(name));
                    self.add(
                        inner,
                        &path,
                        Part::Member(name.clone()),
                        Some(index),
                        node.objects,
                    );
                }
            }
            Members::Keyed(inner) => {
                self.add(
                    inner,
                    &format!("{path}.*"),
                    Part::AnyMember,
                    Some(index),
                    node.objects,
                );
            }
        }
        if let Some(inner) = &node.elements {
            self.add(
                inner,
                &format!("{path}[*]"),
                Part::Element,
                Some(index),
                inner.holders,
            );
        }
    }

    fn field(&self, node: &Node, path: String, part: Part, parent: Option<usize>, holders: u64) -> Field {
        let strings = &node.strings;
        let limits = node.numbers.limits();
        let values = strings.values.iter().map(|(value, seen)| SeenValue {
            value: value.clone(),
            seen: *seen,
        });
        Field {
            path,
            seen: node.seen,
            share: share(node.holders, holders),
            share_of_events: share(node.events, self.events),
            types: propose::types(node).into_iter().collect(),
            null_share: share(node.nulls, node.seen),
            min: limits.map(|(min, _)| min.clone()),
            max: limits.map(|(_, max)| max.clone()),
            min_length: strings.lengths.map(|(min, _)| min),
            max_length: strings.lengths.map(|(_, max)| max),
            format: strings.format().map(super::formats::Format::name),
            values: values.collect(),
            more: strings.more,
            is_enum: strings.choice().is_some(),
            parent,
            part,
            is_complete: matches!(node.members, Members::Named(_, 0)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share is not exact anyway")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
