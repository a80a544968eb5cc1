//! Drift: what is reported, and what is not.

use serde_json::Value;
use serde_json::json;

use super::seen;
use crate::schema::infer::DriftKind;
use crate::schema::infer::Finding;
use crate::schema::infer::drift;

fn found(schema: &Value, data: &[Value]) -> Vec<Finding> {
    drift(schema, &seen(data).statistics())
}

/// Findings in short.
fn short(schema: &Value, data: &[Value]) -> Vec<String> {
    let all = found(schema, data).into_iter();
    all.map(|one| format!("{} {:?}", one.path, one.kind)).collect()
}

#[test]
fn a_field_that_is_not_in_the_schema_is_reported_with_its_share_of_events() {
    let schema = json!({"type": "object", "properties": {"a": {"properties": {"k": {}}}}});
    let data: Vec<_> = (0..100)
        .map(|n| {
            if n < 12 {
                json!({"a": {"b": {"deep": 1}}})
            } else {
                json!({"a": {"k": 1}})
            }
        })
        .collect();
    let found = found(&schema, &data);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].kind, DriftKind::NotInSchema);
    assert_eq!(found[0].share, Some(0.12));
    assert_eq!(
        found[0].detail,
        "field `$.a.b` seen in 12 % of events, not in the schema"
    );
    assert_eq!(
        serde_json::to_value(&found[0]).expect("JSON")["kind"],
        "not-in-schema"
    );
}

#[test]
fn what_the_schema_leaves_open_is_no_drift() {
    let data = [json!({"a": {"x": 1}, "l": [1, {"y": 2}]})];
    for schema in [
        json!({}),
        json!(true),
        json!({"type": "object"}),
        json!({"properties": {"a": {}, "l": {}}}),
        json!({"properties": {"a": true, "l": {"type": "array"}}}),
        json!({"properties": {"a": {"additionalProperties": {"type": "integer"}}, "l": {"prefixItems": [{"type": "integer"}]}}}),
        json!({"properties": {"l": {}}, "patternProperties": {"^a": {}}}),
        json!({"properties": {"z": {}}, "allOf": [{"$ref": "https://elsewhere.example/s"}]}),
        json!({"properties": {"l": {}}, "anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "object"}}}]}),
        json!({"$ref": "#/$defs/d", "$defs": {"d": {"properties": {"a": {}, "l": {}}}}}),
        json!({"properties": {"l": {}}, "if": {"required": ["a"]}, "then": {"properties": {"a": {"type": "object"}}}}),
    ] {
        assert_eq!(short(&schema, &data), Vec::<String>::new(), "{schema}");
    }
}

#[test]
fn a_closed_schema_without_the_field_is_drift_too() {
    let schema = json!({"additionalProperties": false});
    assert_eq!(short(&schema, &[json!({"a": 1})]), ["$.a NotInSchema"]);
}

#[test]
fn a_field_of_the_schema_that_enough_objects_lack_is_reported() {
    let schema = json!({"properties": {"a": {}, "b": {"properties": {"c": {}, "d": {}}}, "never": false}});
    let data: Vec<_> = (0..20).map(|_| json!({"b": {"c": 1}})).collect();
    assert_eq!(short(&schema, &data), ["$.a NeverSeen", "$.b.d NeverSeen"]);
    assert_eq!(short(&schema, &data[..19]), Vec::<String>::new());
}

#[test]
fn values_of_other_types_are_reported_with_their_share() {
    let schema = json!({"properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "number"}}});
    let data = [
        json!({"a": 1, "b": 1}),
        json!({"a": "x", "b": 1.5}),
        json!({"a": 1.5}),
        json!({"a": null}),
    ];
    let found = found(&schema, &data);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].share), (DriftKind::OtherType, Some(0.5)));
    assert_eq!(
        found[0].detail,
        "field `$.a` is number or string in 50 % of its values; the schema says null or integer"
    );
}

#[test]
fn limits_that_are_exceeded_are_reported() {
    let data = [json!({"a": 0, "s": "x"}), json!({"a": 10, "s": "xxxx"})];
    let check = |a: Value, s: Value| short(&json!({"properties": {"a": a, "s": s}}), &data);
    assert_eq!(
        check(
            json!({"minimum": 0, "maximum": 10}),
            json!({"minLength": 1, "maxLength": 4})
        )
        .len(),
        0
    );
    assert_eq!(
        check(
            json!({"exclusiveMinimum": 0, "exclusiveMaximum": 10.0}),
            json!({})
        )
        .len(),
        2
    );
    assert_eq!(
        check(
            json!({"minimum": 1, "maximum": 9}),
            json!({"minLength": 2, "maxLength": 3})
        )
        .len(),
        4
    );
    assert_eq!(
        check(json!({"allOf": [{"minimum": 1}, {"minimum": -1}]}), json!({})).len(),
        1
    );
    // One of the alternatives may allow it.
    assert_eq!(
        check(json!({"anyOf": [{"minimum": 1}, {"maximum": 9}]}), json!({})).len(),
        0
    );
    let draft_4 = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": {"minimum": 0, "exclusiveMinimum": true}, "s": {}}
    });
    assert_eq!(short(&draft_4, &data), ["$.a OutsideRange"]);
}

#[test]
fn strings_outside_a_choice_are_reported() {
    let schema = json!({"properties": {"c": {"enum": ["red", "green", 1]}, "k": {"const": "x"}}});
    let data = [
        json!({"c": "red", "k": "x"}),
        json!({"c": "blue", "k": "x"}),
        json!({"c": "green", "k": "y"}),
        json!({"c": "red", "k": "y"}),
    ];
    let found = found(&schema, &data);
    let short: Vec<_> = found
        .iter()
        .map(|one| (one.path.as_str(), one.kind, one.share))
        .collect();
    assert_eq!(
        short,
        [
            ("$.c", DriftKind::OutsideEnum, Some(0.25)),
            ("$.k", DriftKind::OutsideEnum, Some(0.5))
        ]
    );
}

#[test]
fn members_of_maps_are_judged_by_the_schema_of_all_members() {
    let data: Vec<_> = (0..100)
        .map(|n| json!({"m": {format!("k{n}"): {"v": n}}}))
        .collect();
    let schema = |v: Value| json!({"properties": {"m": {"additionalProperties": {"properties": {"v": v}}}}});
    assert_eq!(
        short(&schema(json!({"type": "integer"})), &data),
        Vec::<String>::new()
    );
    assert_eq!(
        short(&schema(json!({"type": "string"})), &data),
        ["$.m.*.v OtherType"]
    );
}
