//! What a validator says of a value.

use serde_json::Value;
use serde_json::json;

use super::document;
use crate::schema::MAX_VIOLATIONS;
use crate::schema::Validator;
use crate::schema::Violation;

fn violations(schema: &Value, value: &Value) -> Vec<Violation> {
    Validator::compile(&document(schema))
        .unwrap()
        .validate(value)
        .err()
        .unwrap_or_default()
}

#[test]
fn all_violations_are_told_with_their_places() {
    let schema = json!({ "$defs": { "n": { "type": "integer" } }, "required": ["b"], "properties": { "a/b": { "$ref": "#/$defs/n" } } });
    let found = violations(&schema, &json!({ "a/b": "x" }));
    let places: Vec<_> = found
        .iter()
        .map(|one| (one.pointer.as_str(), one.keyword.as_str()))
        .collect();
    assert!(places.contains(&("", "required")), "{places:?}");
    assert!(places.contains(&("/a~1b", "type")), "{places:?}");
    assert!(
        found
            .iter()
            .all(|one| !one.schema_pointer.is_empty() && !one.detail.is_empty())
    );
}

#[test]
fn the_number_of_violations_and_their_length_are_bounded() {
    let many: Vec<Value> = (0..1_000).map(Value::from).collect();
    let found = violations(
        &json!({ "items": { "type": "string" } }),
        &Value::Array(many.clone()),
    );
    assert_eq!(found.len(), MAX_VIOLATIONS);
    let text = "x".repeat(100_000);
    for value in [json!(text), json!([text]), json!({ "a": many })] {
        let found = violations(&json!({ "type": "integer" }), &value);
        assert!(
            found[0].detail.chars().count() <= 301,
            "{}",
            found[0].detail.len()
        );
    }
}

#[test]
fn numbers_of_any_size_are_judged_without_panic() {
    let schemas = [
        json!({ "type": "integer" }),
        json!({ "minimum": 0, "maximum": 10 }),
        json!({ "multipleOf": 3 }),
        json!({ "multipleOf": 0.01 }),
        json!({ "enum": [1] }),
        json!({ "uniqueItems": true }),
        json!({ "const": 1.0 }),
    ];
    for text in [
        "1e400",
        "-1e400",
        "1e-400",
        "1e999999999",
        "-1e-999999999",
        "123456789012345678901234567890",
        "0.1e1",
        "[1e400,10e399]",
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        for schema in &schemas {
            let _: Vec<Violation> = violations(schema, &value);
        }
    }
    assert_eq!(
        violations(&json!({ "maximum": 10 }), &serde_json::from_str("1e400").unwrap()).len(),
        1
    );
    assert_eq!(
        violations(&json!({ "const": 1 }), &serde_json::from_str("1.0").unwrap()).len(),
        0
    );
}

#[test]
fn formats_are_asserted_by_the_older_drafts_only() {
    let old = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "format": "date" });
    assert_eq!(violations(&old, &json!("no date"))[0].keyword, "format");
    assert!(violations(&json!({ "format": "date" }), &json!("no date")).is_empty());
}

#[test]
fn a_validator_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Validator::compile(&document(&json!({}))).unwrap());
}
