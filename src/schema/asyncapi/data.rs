//! What tools of `AsyncAPI` would take for a reference although it is none.
//!
//! They look for `$ref` in the whole document, in `const` and among the names of `properties` too, and report an
//! error where it leads nowhere or is no string.

use jsonschema::Draft;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// The member that a reference has.
const REFERENCE: &str = "$ref";
/// A pattern that matches just this name.
const REFERENCE_PATTERN: &str = "^\\$ref$";

/// Whether there is a member `$ref` anywhere in a value.
pub(super) fn looks_like_reference(value: &Value) -> bool {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) if members.contains_key(REFERENCE) => return true,
            Value::Object(members) => waiting.extend(members.values()),
            _ => {}
        }
    }
    false
}

/// A schema that accepts just this value, and in which nothing looks like a reference.
///
/// It is inside two `not`, so that it does not count as speaking of the members (`unevaluatedProperties`).
pub(super) fn exactly(value: &Value, draft: Draft) -> Value {
    json!({"not": {"not": spelled_out(value, draft)}})
}

fn spelled_out(value: &Value, draft: Draft) -> Value {
    if !looks_like_reference(value) {
        return json!({"enum": [value]});
    }
    match value {
        Value::Array(items) => {
            let all: Vec<_> = items.iter().map(|item| spelled_out(item, draft)).collect();
            let keyword = if draft >= Draft::Draft202012 {
                "prefixItems"
            } else {
                "items"
            };
            json!({"type": "array", "minItems": items.len(), "maxItems": items.len(), keyword: all})
        }
        Value::Object(members) => {
            let properties = members
                .iter()
                .map(|(name, member)| (name.clone(), spelled_out(member, draft)));
            let properties: Map<String, Value> = properties.collect();
            let required: Vec<_> = members.keys().collect();
            let mut schema = Map::new();
            schema.insert("type".to_owned(), "object".into());
            schema.insert("required".to_owned(), json!(required));
            schema.insert("additionalProperties".to_owned(), false.into());
            insert(&mut schema, "properties", Value::Object(properties));
            Value::Object(schema)
        }
        value => json!({"enum": [value]}),
    }
}

/// Sets a keyword, in other words if its names would look like a reference.
pub(super) fn insert(schema: &mut Map<String, Value>, keyword: &str, mut value: Value) {
    let odd = match (keyword, &mut value) {
        (
            "dependencies" | "dependentRequired" | "dependentSchemas" | "patternProperties" | "properties",
            Value::Object(members),
        ) => members.shift_remove(REFERENCE),
        _ => None,
    };
    match (keyword, schema.get_mut(keyword), value) {
        ("allOf", Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
        ("patternProperties", Some(Value::Object(all)), Value::Object(more)) => {
            for (pattern, member) in more {
                add_pattern(all, &pattern, member);
            }
        }
        (_, _, value) => {
            schema.insert(keyword.to_owned(), value);
        }
    }
    match (keyword, odd) {
        ("properties", Some(property)) => {
            let patterns = schema
                .entry("patternProperties")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(patterns) = patterns {
                add_pattern(patterns, REFERENCE_PATTERN, property);
            }
        }
        // As a pattern it says that something follows the end of the name, which is never so.
        (_, None) | ("patternProperties", _) => {}
        (_, Some(dependent)) => {
            let then = match dependent {
                Value::Array(names) => json!({"required": names}),
                schema => schema,
            };
            also(
                schema,
                json!({"anyOf": [{"not": {"required": [REFERENCE]}}, then]}),
            );
        }
    }
}

fn add_pattern(patterns: &mut Map<String, Value>, pattern: &str, schema: Value) {
    match patterns.get_mut(pattern) {
        Some(there) => *there = json!({"allOf": [there.take(), schema]}),
        None => {
            patterns.insert(pattern.to_owned(), schema);
        }
    }
}

/// Adds a schema that applies as well.
pub(super) fn also(schema: &mut Map<String, Value>, one: Value) {
    if let Value::Array(all) = schema.entry("allOf").or_insert_with(|| json!([])) {
        all.push(one);
    }
}
