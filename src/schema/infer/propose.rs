//! The schema that is proposed for what was seen.

use serde_json::Map;
use serde_json::Value;

use super::node::Members;
use super::node::Node;

/// Objects that must be seen before a member that all have counts as required.
pub(super) const MIN_FOR_REQUIRED: u64 = 20;

/// A schema that accepts everything that was seen.
///
/// It says what is likely to stay: types, the members that all objects have, formats, choices between a few
/// strings. It sets no limits to numbers and lengths, and allows members that were not seen.
pub(super) fn schema(node: &Node) -> Value {
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    schema.extend(keywords(node));
    Value::Object(schema)
}

/// How the types of the values are called, and how often each was seen.
pub(super) fn types(node: &Node) -> Vec<(&'static str, u64)> {
    let counts = [
        ("null", node.nulls),
        ("boolean", node.booleans),
        ("integer", node.numbers.whole),
        ("number", node.numbers.fractions),
        ("string", node.strings.count),
        ("array", node.arrays),
        ("object", node.objects),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn keywords(node: &Node) -> Map<String, Value> {
    let mut schema = Map::new();
    if let Some(types) = type_keyword(node) {
        schema.insert("type".to_owned(), types);
    }
    if let Some(values) = choice(node) {
        schema.insert("enum".to_owned(), values.into());
    } else if let Some(format) = node.strings.format() {
        schema.insert("format".to_owned(), format.name().into());
    }
    if let Some(elements) = &node.elements {
        schema.insert("items".to_owned(), keywords(elements).into());
    }
    match &node.members {
        Members::Named(nodes, _) if nodes.is_empty() => {}
        Members::Named(nodes, _) => {
            let properties = nodes
                .iter()
                .map(|(name, node)| (name.clone(), keywords(node).into()));
            schema.insert("properties".to_owned(), Value::Object(properties.collect()));
            let is_required =
                |inner: &Node| node.objects >= MIN_FOR_REQUIRED && inner.holders == node.objects;
            let required = nodes.iter().filter(|(_, inner)| is_required(inner));
            let required: Vec<Value> = required.map(|(name, _)| name.clone().into()).collect();
            if !required.is_empty() {
                schema.insert("required".to_owned(), required.into());
            }
        }
        Members::Keyed(node) => {
            schema.insert("additionalProperties".to_owned(), keywords(node).into());
        }
    }
    schema
}

fn type_keyword(node: &Node) -> Option<Value> {
    let is_number = node.numbers.fractions > 0 || node.numbers.is_odd;
    let mut names: Vec<Value> = Vec::new();
    for (name, _) in types(node) {
        let name = if name == "integer" && is_number {
            "number"
        } else {
            name
        };
        if names.last().is_none_or(|last| last != name) {
            names.push(name.into());
        }
    }
    match names.len() {
        0 => None,
        1 => names.pop(),
        _ => Some(names.into()),
    }
}

/// The few strings that there are, with `null` if it is there too; nothing if there are other values.
fn choice(node: &Node) -> Option<Vec<Value>> {
    if node.strings.count + node.nulls != node.seen {
        return None;
    }
    let values = node.strings.choice()?.map(Value::from);
    let null = (node.nulls > 0).then_some(Value::Null);
    Some(values.chain(null).collect())
}
