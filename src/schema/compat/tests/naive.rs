//! The lenient policy said plainly, on the JSON of a schema of 2020-12 that refers to `#` and `#/$defs/…`.

use serde_json::Map;
use serde_json::Value;

/// Whether the document holds only what the schema declares, at every depth.
pub(super) fn holds_only_declared(root: &Value, document: &Value) -> bool {
    declared(root, &[root], document)
}

fn declared(root: &Value, schemas: &[&Value], document: &Value) -> bool {
    let mut all = Vec::new();
    for schema in schemas {
        gather(root, schema, &mut all);
    }
    match document {
        Value::Object(members) => members.iter().all(|(name, member)| {
            let below: Vec<Option<&Value>> = all.iter().flat_map(|schema| declaring(schema, name)).collect();
            let schemas: Vec<&Value> = below.iter().copied().flatten().collect();
            !below.is_empty() && declared(root, &schemas, member)
        }),
        Value::Array(items) => items.iter().enumerate().all(|(index, item)| {
            let schemas: Vec<&Value> = all.iter().flat_map(|schema| speaking(schema, index)).collect();
            declared(root, &schemas, item)
        }),
        _ => true,
    }
}

/// The schema and all that it applies to the same value.
fn gather<'a>(root: &'a Value, schema: &'a Value, all: &mut Vec<&'a Map<String, Value>>) {
    let Value::Object(members) = schema else { return };
    if all.iter().any(|known| std::ptr::eq(*known, members)) {
        return;
    }
    all.push(members);
    for key in ["allOf", "anyOf", "oneOf"] {
        let branches = members.get(key).and_then(Value::as_array);
        branches
            .into_iter()
            .flatten()
            .for_each(|schema| gather(root, schema, all));
    }
    let condition: &[&str] = if members.contains_key("if") {
        &["if", "then", "else"]
    } else {
        &[]
    };
    for key in ["not"].iter().chain(condition) {
        members
            .get(*key)
            .into_iter()
            .for_each(|schema| gather(root, schema, all));
    }
    for key in ["dependentSchemas", "dependencies"] {
        let dependent = members.get(key).and_then(Value::as_object);
        dependent
            .into_iter()
            .flat_map(Map::values)
            .for_each(|schema| gather(root, schema, all));
    }
    if let Some(target) = members.get("$ref").and_then(Value::as_str) {
        root.pointer(target.trim_start_matches('#'))
            .into_iter()
            .for_each(|schema| gather(root, schema, all));
    }
}

/// A schema for each keyword that declares the name.
fn declaring<'a>(members: &'a Map<String, Value>, name: &str) -> Vec<Option<&'a Value>> {
    let mut found = Vec::new();
    let properties = members
        .get("properties")
        .and_then(|properties| properties.get(name));
    found.extend(properties.map(Some));
    let patterns = members.get("patternProperties").and_then(Value::as_object);
    for (pattern, schema) in patterns.into_iter().flatten() {
        if regex::Regex::new(pattern).unwrap().is_match(name) {
            found.push(Some(schema));
        }
    }
    let rest = members
        .get("additionalProperties")
        .filter(|rest| found.is_empty() && **rest != Value::Bool(true));
    let left = members
        .get("unevaluatedProperties")
        .filter(|rest| **rest != Value::Bool(true));
    found.extend(rest.map(Some));
    found.extend(left.map(Some));
    found
}

/// The schemas for an item.
fn speaking(members: &Map<String, Value>, index: usize) -> Vec<&Value> {
    let mut found = Vec::new();
    let prefix = members.get("prefixItems").and_then(Value::as_array);
    match prefix.and_then(|prefix| prefix.get(index)) {
        Some(schema) => found.push(schema),
        None => found.extend(members.get("items")),
    }
    found.extend(members.get("contains"));
    found.extend(members.get("unevaluatedItems"));
    found
}
