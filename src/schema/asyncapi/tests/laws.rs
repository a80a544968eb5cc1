//! Random schemas with references: the exported one judges as the original.

use std::collections::HashSet;

use jsonschema::Draft;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::corpus::exported;
use crate::schema::asyncapi::PayloadSchema;

/// Where a reference of the random schemas may lead; some lead nowhere.
const TARGETS: [&str; 12] = [
    "#",
    "#/$defs/a",
    "#/$defs/b",
    "#/$defs/a/properties/x",
    "#/properties/x",
    "#/allOf/0",
    "#/properties/y/items",
    "#here",
    "part",
    "part#/properties/x",
    "part#/$defs/a",
    "https://example.com/root#/$defs/b",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => prop::sample::select(&TARGETS[..]).prop_map(|target| json!({"$ref": target})),
        1 => Just(json!({"type": "integer"})),
        1 => Just(json!({"type": "string"})),
        1 => Just(json!({"type": "object"})),
        1 => Just(json!({"const": {"$ref": "#/$defs/a"}})),
        1 => Just(json!({"minimum": 1})),
        1 => Just(json!({"$dynamicRef": "#node"})),
        1 => Just(json!(true)),
        1 => Just(json!(false)),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let some = |inner: &BoxedStrategy<Value>| prop::option::weighted(0.4, inner.clone());
        let inner = inner.boxed();
        let all = (
            (some(&inner), some(&inner), some(&inner), some(&inner)),
            (some(&inner), some(&inner), some(&inner), some(&inner)),
            prop::option::weighted(0.4, prop::sample::select(&TARGETS[..])),
            (any::<bool>(), 0..8_u8, any::<bool>()),
        );
        all.prop_map(
            |((x, y, a, b), (all, any, not, rest), reference, (is_closed, name, is_dynamic))| {
                let mut schema = Map::new();
                let mut properties = Map::new();
                properties.extend(x.map(|x| ("x".to_owned(), x)));
                properties.extend(y.map(|y| ("y".to_owned(), json!({"type": "array", "items": y}))));
                let mut definitions = Map::new();
                definitions.extend(a.map(|a| ("a".to_owned(), a)));
                definitions.extend(b.map(|b| ("b".to_owned(), b)));
                let mut set =
                    |key: &str, value: Option<Value>| schema.extend(value.map(|v| (key.to_owned(), v)));
                set("properties", Some(Value::Object(properties)));
                set("$defs", Some(Value::Object(definitions)));
                set("allOf", all.map(|one| json!([one])));
                set("anyOf", any.map(|one| json!([one, {"type": "object"}])));
                set("not", not);
                set("additionalProperties", rest);
                set("unevaluatedProperties", is_closed.then_some(json!(false)));
                set("$ref", reference.map(Value::from));
                set("$anchor", (name == 1).then_some(json!("here")));
                set("$id", (name == 2).then_some(json!("part")));
                set("$dynamicAnchor", is_dynamic.then_some(json!("node")));
                Value::Object(schema)
            },
        )
    })
}

/// Each name once, in the order of the text: what a name means that is given twice is not defined.
/// Only the document has the dynamic anchor: the validator follows a dynamic reference to one of several
/// resources rightly in plain cases (`corpus.json`), and not inside `not` and the like.
fn tidied(value: &mut Value, is_root: bool, seen: &mut HashSet<&'static str>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tidied(item, false, seen)),
        Value::Object(members) => {
            for keyword in ["$anchor", "$id"] {
                if !is_root && members.contains_key(keyword) && !seen.insert(keyword) {
                    members.remove(keyword);
                }
            }
            if !is_root {
                members.remove("$dynamicAnchor");
            }
            members
                .values_mut()
                .for_each(|member| tidied(member, false, seen));
        }
        _ => {}
    }
}

/// Whether judging one value needs the same judgement of it, which then means nothing.
fn is_bottomless(exported: &Value) -> bool {
    let mut places: Vec<(String, u8)> = Vec::new();
    let components = exported["components"]["schemas"].as_object().expect("components");
    // The headers have no schema format.
    let schemas = components
        .iter()
        .filter(|(_, component)| component.get("schemaFormat").is_some());
    let mut addresses = schemas.map(|(name, _)| format!("#/components/schemas/{name}/schema"));
    addresses.any(|address| visit(exported, &address, &mut places))
}

/// Goes on from a schema to those that judge the same value; 1 marks those on the way, 2 those done.
fn visit(exported: &Value, place: &str, places: &mut Vec<(String, u8)>) -> bool {
    if let Some((_, state)) = places.iter().find(|(known, _)| known == place) {
        return *state == 1;
    }
    places.push((place.to_owned(), 1));
    let schema = exported.pointer(&place[1..]).expect("a schema");
    let mut waiting = vec![schema];
    while let Some(schema) = waiting.pop() {
        if schema["$ref"]
            .as_str()
            .is_some_and(|next| visit(exported, next, places))
        {
            return true;
        }
        waiting.extend(
            ["allOf", "anyOf"]
                .iter()
                .filter_map(|word| schema[word].as_array())
                .flatten(),
        );
        waiting.extend(schema.get("not"));
    }
    places
        .iter_mut()
        .filter(|(known, _)| known == place)
        .for_each(|(_, state)| *state = 2);
    false
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(0)),
        Just(json!(5)),
        Just(json!("s")),
        Just(json!({"$ref": "#/$defs/a"})),
        Just(json!({}))
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let key = prop::sample::select(&["x", "y", "z"][..]);
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => prop::collection::vec((key, inner), 0..3)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// Taking a schema apart changes nothing about what it accepts.
    #[test]
    fn an_exported_schema_judges_as_its_original(
        mut schema in schema(),
        documents in prop::collection::vec(document(), 1..12),
    ) {
        if let Value::Object(schema) = &mut schema {
            schema.insert("$id".to_owned(), json!("https://example.com/root"));
        }
        tidied(&mut schema, true, &mut HashSet::new());
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let original = options.build(&schema);
        prop_assume!(original.is_ok());
        let original = original.expect("a validator");
        let payload = PayloadSchema { value: &schema, draft: Draft::Draft202012, others: &[] };
        let exported = match exported(&payload) {
            Ok(exported) => exported,
            Err(error) => return Err(TestCaseError::fail(error)),
        };
        prop_assume!(!is_bottomless(&exported.0));
        let exported = exported.1;
        for document in documents {
            prop_assert_eq!(exported.is_valid(&document), original.is_valid(&document), "{}", document);
        }
    }
}
