//! What a verdict says, and which versions it is about.

use serde_json::Value;
use serde_json::json;

use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::compat::Answer;
use crate::schema::compat::Compatibility;
use crate::schema::compat::Direction;
use crate::schema::compat::Policy;
use crate::schema::compat::Reason;
use crate::schema::compat::check;
use crate::schema::compat::check_against_versions;

fn read(schema: &Value) -> SchemaDocument {
    SchemaDocument::from_value(schema.clone(), &NoReferences).unwrap()
}

fn reasons(old: &Value, new: &Value, direction: Direction, policy: Policy) -> Vec<Reason> {
    check(&read(old), &read(new), direction, policy).reasons
}

#[test]
fn a_reason_names_place_rule_words_and_a_document() {
    let old = json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "properties": { "sku": { "type": "string", "maxLength": 20 } } } } } });
    let new = json!({ "type": "object", "properties": { "items": { "type": "array", "items": { "properties": { "sku": { "type": "string", "maxLength": 10 } } } } } });
    let found = reasons(&old, &new, Direction::Backward, Policy::Lenient);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].rule, "max-length-lowered");
    assert_eq!(
        found[0].pointer,
        "/properties/items/items/properties/sku/maxLength"
    );
    assert_eq!(found[0].path, "/items/*/sku");
    assert_eq!(
        (found[0].old.as_str(), found[0].new.as_str()),
        ("maxLength: 20", "maxLength: 10")
    );
    assert_eq!(
        found[0].counter_example,
        Some(json!({ "items": [{ "sku": "aaaaaaaaaaa" }] }))
    );
    assert!(found[0].detail.contains("/items/*/sku"), "{}", found[0].detail);
}

#[test]
fn every_change_has_its_reason() {
    let old = json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "enum": ["x", "y"] }, "c": { "type": "string" } } });
    let new = json!({ "type": "object", "required": ["c"], "properties": { "a": { "type": "string" }, "b": { "enum": ["x"] }, "c": { "type": "string" } } });
    let found = reasons(&old, &new, Direction::Backward, Policy::Lenient);
    let mut rules: Vec<_> = found
        .iter()
        .map(|reason| (reason.rule, reason.path.as_str()))
        .collect();
    rules.sort_unstable();
    assert_eq!(
        rules,
        [
            ("enum-value-removed", "/b"),
            ("required-added", ""),
            ("type-narrowed", "/a")
        ]
    );
}

#[test]
fn a_change_behind_a_reference_is_told_where_it_is_written() {
    let schema = |kind: &str| json!({ "$defs": { "money": { "type": kind } }, "properties": { "total": { "$ref": "#/$defs/money" } } });
    let found = reasons(
        &schema("number"),
        &schema("integer"),
        Direction::Backward,
        Policy::Strict,
    );
    assert_eq!(found[0].pointer, "/$defs/money/type");
    assert_eq!(found[0].path, "/total");
}

#[test]
fn forward_reasons_point_into_the_old_version() {
    let old = json!({ "type": "object", "required": ["a"], "properties": { "a": true } });
    let new = json!({ "type": "object", "properties": { "a": true } });
    let found = reasons(&old, &new, Direction::Forward, Policy::Lenient);
    assert_eq!(
        (found[0].rule, found[0].pointer.as_str()),
        ("required-removed", "/required/0")
    );
    assert_eq!(found[0].direction, Direction::Forward);
}

#[test]
fn a_property_added_to_an_open_model_is_called_that_under_the_strict_policy() {
    let old = json!({ "type": "object", "properties": { "a": true } });
    let new = json!({ "type": "object", "properties": { "a": true, "b": { "type": "string" } } });
    assert!(reasons(&old, &new, Direction::Backward, Policy::Lenient).is_empty());
    let found = reasons(&old, &new, Direction::Backward, Policy::Strict);
    assert_eq!(
        (found[0].rule, found[0].path.as_str()),
        ("property-added-to-open-model", "/b")
    );
}

#[test]
fn the_same_question_has_the_same_answer() {
    let old = json!({ "oneOf": [{ "type": "string" }, { "type": "integer" }], "$defs": { "a": {} } });
    let new =
        json!({ "oneOf": [{ "type": "string", "pattern": "^a" }, { "type": "number" }, { "minLength": 2 }] });
    let ask = || check(&read(&old), &read(&new), Direction::Full, Policy::Strict);
    assert_eq!(ask(), ask());
}

/// One, two and three are each compatible with the next, the first is not with the third.
#[test]
fn the_seven_modes_look_at_the_versions_that_they_name() {
    let versions = [
        (
            1,
            read(
                &json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": false }),
            ),
        ),
        (
            2,
            read(&json!({ "type": "object", "additionalProperties": false })),
        ),
    ];
    let new = read(
        &json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "additionalProperties": false }),
    );
    let answer = |mode| check_against_versions(&versions, &new, mode, Policy::Lenient);
    assert_eq!(answer(Compatibility::None).answer, Answer::Compatible);
    assert_eq!(answer(Compatibility::Backward).answer, Answer::Compatible);
    let transitive = answer(Compatibility::BackwardTransitive);
    assert_eq!(transitive.answer, Answer::Incompatible);
    assert!(transitive.reasons.iter().all(|reason| reason.version == Some(1)));
    let forward = answer(Compatibility::Forward);
    assert_eq!(forward.answer, Answer::Incompatible);
    assert!(forward.reasons.iter().all(|reason| reason.version == Some(2)));
    let forward = answer(Compatibility::ForwardTransitive);
    assert!(forward.reasons.iter().any(|reason| reason.version == Some(1)));
    assert_eq!(answer(Compatibility::Full).answer, Answer::Incompatible);
    let full = answer(Compatibility::FullTransitive);
    assert!(
        full.reasons
            .iter()
            .any(|reason| reason.direction == Direction::Backward)
    );
    assert!(
        full.reasons
            .iter()
            .any(|reason| reason.direction == Direction::Forward)
    );
    assert_eq!(
        check_against_versions(&[], &new, Compatibility::FullTransitive, Policy::Strict).answer,
        Answer::Compatible
    );
}
