//! What is accepted as a schema document, and what is said of the rest.

use std::sync::Arc;

use jsonschema::Draft;
use serde_json::Value;
use serde_json::json;

use super::document;
use super::problems;
use super::registered;
use crate::schema::MAX_DEPTH;
use crate::schema::MAX_LEN;
use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::Validator;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Policy;
use crate::schema::compat::check;
use crate::schema::same_content;

/// Pointer and code of the first problem.
fn first(schema: &Value) -> (String, &'static str) {
    let problems = problems(schema);
    problems
        .first()
        .map(|error| (error.pointer.clone(), error.code))
        .unwrap()
}

#[test]
fn the_draft_is_what_schema_says_and_2020_12_without() {
    let draft = |schema| document(&schema).draft();
    assert_eq!(draft(json!({})), Draft::Draft202012);
    assert_eq!(draft(json!(true)), Draft::Draft202012);
    assert_eq!(
        draft(json!({ "$schema": "http://json-schema.org/draft-04/schema#" })),
        Draft::Draft4
    );
    assert_eq!(
        draft(json!({ "$schema": "http://json-schema.org/draft-06/schema" })),
        Draft::Draft6
    );
    assert_eq!(
        draft(json!({ "$schema": "https://json-schema.org/draft-07/schema#" })),
        Draft::Draft7
    );
    assert_eq!(
        draft(json!({ "$schema": "https://json-schema.org/draft/2019-09/schema" })),
        Draft::Draft201909
    );
}

#[test]
fn an_unknown_draft_is_refused_with_what_to_write() {
    let problems = problems(&json!({ "$schema": "https://example.com/my-own" }));
    assert_eq!(problems[0].code, "unknown-draft");
    assert_eq!(problems[0].pointer, "/$schema");
    assert!(problems[0].correction.is_some());
}

#[test]
fn what_is_no_schema_is_refused() {
    assert_eq!(first(&json!([])), (String::new(), "not-a-schema"));
    assert_eq!(
        first(&json!({ "properties": { "a": { "type": "text" } } })),
        ("/properties/a/type".to_owned(), "invalid-schema")
    );
    assert_eq!(first(&json!({ "minLength": -1 })).1, "invalid-schema");
    let text = SchemaDocument::parse(b"{", &NoReferences).unwrap_err();
    assert_eq!(text[0].code, "not-json");
}

#[test]
fn size_and_depth_are_bounded() {
    let long = format!("{{\"description\":\"{}\"}}", "x".repeat(MAX_LEN));
    assert_eq!(
        SchemaDocument::parse(long.as_bytes(), &NoReferences).unwrap_err()[0].code,
        "too-large"
    );
    let mut deep = json!({});
    for _ in 0..MAX_DEPTH {
        deep = json!({ "not": deep });
    }
    assert_eq!(first(&deep).1, "too-deep");
    let allowed = deep.get("not").unwrap();
    assert!(Validator::compile(&document(allowed)).is_ok());
}

#[test]
fn remote_and_file_references_are_refused_where_they_stand() {
    for target in [
        "https://example.com/other.json",
        "file:///etc/passwd",
        "other.json#/a",
        "//example.com/x",
    ] {
        let found = first(&json!({ "properties": { "a": { "$ref": target } } }));
        assert_eq!(
            found,
            ("/properties/a/$ref".to_owned(), "remote-reference"),
            "{target}"
        );
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    for target in ["#/$defs/none", "#none", "#/properties/a/enum/0/x"] {
        let (pointer, code) = first(&json!({ "properties": { "a": { "$ref": target } } }));
        assert_eq!(
            (pointer.as_str(), code),
            ("/properties/a/$ref", "dangling-reference"),
            "{target}"
        );
    }
    let number = first(&json!({ "$ref": "#/x", "x": 1 }));
    assert_eq!(number.1, "dangling-reference");
}

#[test]
fn a_registered_schema_may_be_referred_to() {
    let schema =
        json!({ "properties": { "total": { "$ref": "https://bus.example/v1/schemas/money/versions/1" } } });
    assert_eq!(first(&schema).1, "remote-reference");
    let document = SchemaDocument::from_value(schema, &registered).unwrap();
    let validator = Validator::compile(&document).unwrap();
    assert!(validator.is_valid(&json!({ "total": { "amount": 1 } })));
    assert!(!validator.is_valid(&json!({ "total": {} })));
}

#[test]
fn a_registered_schema_is_read_by_its_own_draft() {
    let tuple = |_: &str| Some(Arc::new(json!({ "prefixItems": [{ "type": "string" }] })));
    let schema =
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "https://bus.example/tuple" });
    let document = SchemaDocument::from_value(schema, &tuple).unwrap();
    let validator = Validator::compile(&document).unwrap();
    assert!(validator.is_valid(&json!(["a"])));
    assert!(!validator.is_valid(&json!([1])));
    let other =
        SchemaDocument::from_value(json!({ "prefixItems": [{ "type": "string" }] }), &NoReferences).unwrap();
    assert_eq!(
        check(&document, &other, Direction::Full, Policy::Strict).answer,
        Answer::Compatible
    );
}

#[test]
fn places_inside_the_document_may_be_referred_to_by_identifier_and_anchor() {
    let schema = json!({
        "$id": "https://example.com/root",
        "$defs": { "a": { "$id": "part", "$anchor": "here", "type": "string" } },
        "properties": { "x": { "$ref": "part" }, "y": { "$ref": "part#here" }, "z": { "$ref": "#/$defs/a" } },
    });
    let validator = Validator::compile(&document(&schema)).unwrap();
    assert!(validator.is_valid(&json!({ "x": "", "y": "", "z": "" })));
    assert!(!validator.is_valid(&json!({ "y": 1 })));
}

#[test]
fn a_schema_that_asks_itself_about_the_same_value_is_refused() {
    assert_eq!(first(&json!({ "$ref": "#" })).1, "endless-reference");
    let between = json!({ "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } }, "$ref": "#/$defs/a" });
    assert_eq!(first(&between).1, "endless-reference");
    assert!(problems(&json!({ "properties": { "next": { "$ref": "#" } } })).is_empty());
}

#[test]
fn the_recursion_over_which_the_validator_breaks_down_is_refused() {
    let schema = json!({ "unevaluatedProperties": false, "$ref": "#/$defs/q", "$defs": { "q": { "patternProperties": { "^a": { "$ref": "#" } } } } });
    assert_eq!(
        first(&schema),
        ("/unevaluatedProperties".to_owned(), "unsupported-recursion")
    );
    let other = json!({ "unevaluatedProperties": false, "$ref": "#/$defs/q", "$defs": { "q": { "properties": { "a": { "$ref": "#" } } } } });
    assert!(problems(&other).is_empty());
}

#[test]
fn patterns_of_unbounded_cost_are_refused_where_they_stand() {
    for pattern in ["(?=a)b", "(a)\\1", "(?<!a)b", "((a{1000}){1000}){1000}"] {
        let (pointer, code) = first(&json!({ "properties": { "a": { "pattern": pattern } } }));
        assert_eq!(
            (pointer.as_str(), code),
            ("/properties/a/pattern", "invalid-pattern"),
            "{pattern}"
        );
    }
    assert_eq!(
        first(&json!({ "patternProperties": { "(?=a)": {} } })),
        ("/patternProperties/(?=a)".to_owned(), "invalid-pattern")
    );
}

#[test]
fn same_content_is_the_same_json_with_numbers_by_value() {
    assert!(same_content(
        &json!({ "a": 1, "b": [1.0, 1e2] }),
        &json!({ "b": [1, 100], "a": 1.0 })
    ));
    assert!(!same_content(&json!([1, 2]), &json!([2, 1])));
    assert!(!same_content(&json!({ "a": null }), &json!({})));
    let large = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(same_content(&large("1e400"), &large("10e399")));
    assert!(same_content(&large("1e999999999"), &large("1e999999999")));
    assert!(!same_content(&large("1e999999999"), &large("1")));
    assert!(!same_content(
        &large("9007199254740993"),
        &large("9007199254740992")
    ));
}

#[test]
fn a_relative_reference_is_looked_up_by_its_whole_url() {
    let known = |url: &str| -> Option<Arc<Value>> {
        match url {
            "json-schema:///v1/a" => Some(Arc::new(json!({ "$ref": "b" }))),
            "json-schema:///v1/b" => Some(Arc::new(json!({ "type": "integer" }))),
            _ => None,
        }
    };
    let document = SchemaDocument::from_value(json!({ "items": { "$ref": "/v1/a" } }), &known).unwrap();
    let validator = Validator::compile(&document).unwrap();
    assert!(validator.is_valid(&json!([1])));
    assert!(!validator.is_valid(&json!(["x"])));
    let errors = SchemaDocument::from_value(json!({ "items": { "$ref": "/v1/c" } }), &known).unwrap_err();
    assert_eq!(
        (errors[0].pointer.as_str(), errors[0].code),
        ("/items/$ref", "remote-reference")
    );
}
