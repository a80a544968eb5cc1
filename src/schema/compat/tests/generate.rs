//! Random schemas and documents over a small alphabet, so that they meet often.

use jsonschema::Draft;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Names of members.
const NAMES: &[&str] = &["a", "b", "xa"];
/// Patterns on names and texts.
const PATTERNS: &[&str] = &["^a", "^x", "b$", "^[ab]+$", "a"];

/// A schema in the words of 2020-12, with two definitions to refer to.
pub(super) fn schema() -> impl Strategy<Value = Value> {
    (subschema(), subschema(), subschema()).prop_map(|(root, first, second)| {
        let mut root = match root {
            Value::Object(members) => members,
            Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
            _ => Map::new(),
        };
        root.insert("$defs".to_owned(), json!({ "p": first, "q": second }));
        Value::Object(root)
    })
}

/// A schema without definitions of its own.
pub(super) fn subschema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![8 => scalars(), 1 => any::<bool>().prop_map(Value::Bool), 1 => reference()];
    leaf.prop_recursive(3, 24, 3, |inner| {
        vec(prop_oneof![2 => scalars(), 5 => objects(inner.clone()), 3 => arrays(inner.clone()), 3 => logic(inner)], 1..4)
            .prop_map(merged)
    })
}

/// A value from a small world.
pub(super) fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((select(NAMES), inner), 0..4).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// The schema with one change somewhere, or none.
pub(super) fn changed(schema: &Value, place: usize, how: usize, other: &Value) -> Value {
    let mut places = Vec::new();
    collect(schema, "", &mut places);
    let mut schema = schema.clone();
    let Some(target) = places
        .get(place % places.len())
        .and_then(|pointer| schema.pointer_mut(pointer))
    else {
        return schema;
    };
    match (how % 3, target) {
        (0, Value::Object(members)) if !members.is_empty() => {
            let keys: Vec<String> = members.keys().filter(|key| *key != "$defs").cloned().collect();
            if let Some(key) = keys.get(how / 3 % keys.len().max(1)) {
                members.shift_remove(key);
            }
        }
        (1, Value::Object(members)) => {
            members.extend(
                other
                    .as_object()
                    .cloned()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| key != "$defs"),
            );
        }
        (_, target) if !place.is_multiple_of(places.len()) => *target = other.clone(),
        _ => {}
    }
    schema
}

/// Pointers to all subschemas, the root first.
fn collect(schema: &Value, pointer: &str, places: &mut Vec<String>) {
    places.push(pointer.to_owned());
    let Value::Object(members) = schema else { return };
    for (key, member) in members {
        match (key.as_str(), member) {
            ("properties" | "patternProperties" | "dependentSchemas" | "$defs", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    collect(schema, &format!("{pointer}/{key}/{name}"), places);
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                for (index, schema) in schemas.iter().enumerate() {
                    collect(schema, &format!("{pointer}/{key}/{index}"), places);
                }
            }
            (
                "not"
                | "if"
                | "then"
                | "else"
                | "items"
                | "contains"
                | "additionalProperties"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems",
                schema,
            ) => collect(schema, &format!("{pointer}/{key}"), places),
            _ => {}
        }
    }
}

/// The schema in the words of an older draft, as far as it has them.
pub(super) fn lowered(schema: &Value, draft: Draft) -> Value {
    let name = match draft {
        Draft::Draft4 => "http://json-schema.org/draft-04/schema#",
        Draft::Draft6 => "http://json-schema.org/draft-06/schema#",
        Draft::Draft7 => "http://json-schema.org/draft-07/schema#",
        Draft::Draft201909 => "https://json-schema.org/draft/2019-09/schema",
        _ => return schema.clone(),
    };
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let mut lowered = members.clone();
    lowered.insert("$schema".to_owned(), json!(name));
    inner(&mut lowered, draft);
    Value::Object(lowered)
}

fn inner(members: &mut Map<String, Value>, draft: Draft) {
    let mut made = Map::new();
    let has_prefix = members.contains_key("prefixItems");
    for (key, mut value) in std::mem::take(members) {
        lower_value(&mut value, draft);
        let key = match key.as_str() {
            "items" if has_prefix => "additionalItems".to_owned(),
            "prefixItems" => "items".to_owned(),
            "dependentRequired" | "dependentSchemas" if draft != Draft::Draft201909 => {
                "dependencies".to_owned()
            }
            "exclusiveMinimum" if draft == Draft::Draft4 => {
                made.insert("minimum".to_owned(), value);
                value = json!(true);
                key
            }
            "exclusiveMaximum" if draft == Draft::Draft4 => {
                made.insert("maximum".to_owned(), value);
                value = json!(true);
                key
            }
            _ => key,
        };
        made.insert(key, value);
    }
    *members = made;
}

fn lower_value(value: &mut Value, draft: Draft) {
    match value {
        Value::Object(members) => inner(members, draft),
        Value::Array(items) => items.iter_mut().for_each(|item| lower_value(item, draft)),
        _ => {}
    }
}

fn merged(parts: Vec<Value>) -> Value {
    let members = parts.into_iter().filter_map(|part| match part {
        Value::Object(members) => Some(members),
        _ => None,
    });
    Value::Object(members.flatten().collect())
}

fn reference() -> impl Strategy<Value = Value> {
    select(vec!["#/$defs/p", "#/$defs/q", "#"]).prop_map(|target| json!({ "$ref": target }))
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![8 => (-1_i64..5).prop_map(|number| json!(number)), 1 => Just(json!(0.5)), 1 => Just(json!(1.0)), 1 => Just(json!(2.5))]
}

fn text() -> impl Strategy<Value = Value> {
    select(vec!["", "a", "b", "ab", "xa", "ba", "xab"]).prop_map(Value::from)
}

fn scalar() -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 1 => any::<bool>().prop_map(Value::Bool), 4 => number(), 4 => text()]
        .boxed()
}

fn small() -> impl Strategy<Value = u64> {
    0_u64..4
}

fn scalars() -> BoxedStrategy<Value> {
    let kinds = vec![
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    let listed = prop_oneof![4 => scalar(), 1 => value()];
    prop_oneof![
        4 => select(kinds.clone()).prop_map(|kind| json!({ "type": kind })),
        1 => (select(kinds.clone()), select(kinds)).prop_map(|(one, other)| {
            if one == other { json!({ "type": one }) } else { json!({ "type": [one, other] }) }
        }),
        2 => vec(listed.clone(), 1..4).prop_map(|values| {
            let mut unique: Vec<Value> = Vec::new();
            for value in values {
                if !unique.iter().any(|own| crate::schema::same_content(own, &value)) {
                    unique.push(value);
                }
            }
            json!({ "enum": unique })
        }),
        1 => listed.prop_map(|value| json!({ "const": value })),
        1 => number().prop_map(|limit| json!({ "minimum": limit })),
        1 => number().prop_map(|limit| json!({ "maximum": limit })),
        1 => number().prop_map(|limit| json!({ "exclusiveMinimum": limit })),
        1 => number().prop_map(|limit| json!({ "exclusiveMaximum": limit })),
        1 => select(vec![1.0, 2.0, 3.0, 0.5, 1.5]).prop_map(|step| json!({ "multipleOf": step })),
        1 => small().prop_map(|limit| json!({ "minLength": limit })),
        1 => small().prop_map(|limit| json!({ "maxLength": limit })),
        2 => select(PATTERNS).prop_map(|pattern| json!({ "pattern": pattern })),
        1 => select(vec!["date", "email", "ipv4", "unknown"]).prop_map(|format| json!({ "format": format })),
    ]
    .boxed()
}

fn objects(inner: impl Strategy<Value = Value> + Clone + 'static) -> BoxedStrategy<Value> {
    let names = || {
        vec(select(NAMES), 1..3).prop_map(|mut names| {
            names.sort_unstable();
            names.dedup();
            names
        })
    };
    let members = |names: &'static [&'static str], inner: BoxedStrategy<Value>| {
        vec((select(names), inner), 1..4).prop_map(|members| {
            members
                .into_iter()
                .map(|(name, schema)| (name.to_owned(), schema))
                .collect::<Value>()
        })
    };
    let inner = inner.boxed();
    prop_oneof![
        6 => members(NAMES, inner.clone()).prop_map(|members| json!({ "type": "object", "properties": members })),
        2 => members(NAMES, inner.clone()).prop_map(|members| json!({ "properties": members })),
        3 => names().prop_map(|names| json!({ "required": names })),
        2 => members(PATTERNS, inner.clone()).prop_map(|members| json!({ "patternProperties": members })),
        2 => inner.clone().prop_map(|schema| json!({ "additionalProperties": schema })),
        3 => any::<bool>().prop_map(|open| json!({ "additionalProperties": open })),
        1 => inner.clone().prop_map(|schema| json!({ "unevaluatedProperties": schema })),
        1 => any::<bool>().prop_map(|open| json!({ "unevaluatedProperties": open })),
        1 => inner.clone().prop_map(|schema| json!({ "propertyNames": schema })),
        1 => small().prop_map(|limit| json!({ "minProperties": limit })),
        1 => small().prop_map(|limit| json!({ "maxProperties": limit })),
        1 => (select(NAMES), names()).prop_map(|(name, names)| json!({ "dependentRequired": { name: names } })),
        1 => (select(NAMES), inner).prop_map(|(name, schema)| json!({ "dependentSchemas": { name: schema } })),
    ]
    .boxed()
}

fn arrays(inner: impl Strategy<Value = Value> + Clone + 'static) -> BoxedStrategy<Value> {
    let inner = inner.boxed();
    prop_oneof![
        3 => inner.clone().prop_map(|schema| json!({ "type": "array", "items": schema })),
        2 => inner.clone().prop_map(|schema| json!({ "items": schema })),
        2 => vec(inner.clone(), 1..3).prop_map(|schemas| json!({ "prefixItems": schemas })),
        2 => inner.clone().prop_map(|schema| json!({ "contains": schema })),
        1 => (inner.clone(), small()).prop_map(|(schema, limit)| json!({ "contains": schema, "minContains": limit })),
        1 => (inner.clone(), small()).prop_map(|(schema, limit)| json!({ "contains": schema, "maxContains": limit })),
        1 => small().prop_map(|limit| json!({ "minItems": limit })),
        1 => small().prop_map(|limit| json!({ "maxItems": limit })),
        1 => Just(json!({ "uniqueItems": true })),
        1 => inner.prop_map(|schema| json!({ "unevaluatedItems": schema })),
    ]
    .boxed()
}

fn logic(inner: impl Strategy<Value = Value> + Clone + 'static) -> BoxedStrategy<Value> {
    let inner = inner.boxed();
    let several = || vec(inner.clone(), 1..4);
    prop_oneof![
        2 => several().prop_map(|schemas| json!({ "allOf": schemas })),
        2 => several().prop_map(|schemas| json!({ "anyOf": schemas })),
        2 => several().prop_map(|schemas| json!({ "oneOf": schemas })),
        2 => inner.clone().prop_map(|schema| json!({ "not": schema })),
        2 => (inner.clone(), inner.clone(), inner.clone())
            .prop_map(|(condition, then, otherwise)| json!({ "if": condition, "then": then, "else": otherwise })),
        1 => (inner.clone(), inner.clone()).prop_map(|(condition, then)| json!({ "if": condition, "then": then })),
        2 => reference(),
    ]
    .boxed()
}
