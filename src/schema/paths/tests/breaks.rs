//! What a new version breaks.

use serde_json::Value;
use serde_json::json;

use super::broken;
use super::used;
use crate::schema::paths::BreakReason;
use crate::schema::paths::TypeSet;
use crate::schema::paths::UsedPath;
use crate::schema::paths::breaks;

fn object(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[test]
fn a_path_that_the_old_version_did_not_have_cannot_break() {
    let old = object(&json!({"a": {"type": "string"}}));
    assert_eq!(broken(&old, &json!(false), &used("b")), "");
    assert_eq!(broken(&json!({}), &json!(false), &used("b")), "");
}

#[test]
fn a_property_that_is_gone_is_removed_whether_the_model_is_open_or_closed() {
    let old = object(&json!({"a": {"type": "string"}, "b": {}}));
    for new in [
        json!({"type": "object", "properties": {"b": {}}}),
        json!({"type": "object", "properties": {"b": {}}, "additionalProperties": false}),
        json!({"properties": {"a": false}}),
        json!({"type": "array"}),
        json!(true),
        json!(false),
    ] {
        assert_eq!(broken(&old, &new, &used("a")), "removed", "{new}");
    }
}

#[test]
fn a_property_that_is_declared_in_other_words_is_still_there() {
    let old = object(&json!({"a": {"type": "string"}}));
    let declared = json!({"properties": {"a": {"type": "string"}}});
    for new in [
        json!({"$ref": "#/$defs/x", "$defs": {"x": declared}}),
        json!({"allOf": [{"type": "object"}, declared]}),
        json!({"anyOf": [{"properties": {"z": {}}}, declared]}),
        json!({"oneOf": [{"type": "array"}, declared], "type": "object"}),
        json!({"if": {"required": ["k"]}, "then": declared}),
        json!({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": false}),
        json!({"additionalProperties": {"type": "string"}}),
        json!({"unevaluatedProperties": {"type": "string"}}),
        json!({"dependentSchemas": {"k": declared}}),
    ] {
        assert_eq!(broken(&old, &new, &used("a")), "", "{new}");
    }
}

#[test]
fn what_cannot_be_told_is_not_reported() {
    let old = object(&json!({"a": {"type": "string"}}));
    for new in [
        json!({"$ref": "https://elsewhere.example/x"}),
        json!({"patternProperties": {"(?=a)": {"type": "string"}}}),
        json!({"type": "object", "allOf": [{"$ref": "#/$defs/gone"}]}),
    ] {
        assert_eq!(broken(&old, &new, &used("a")), "", "{new}");
    }
    let old = object(&json!({"a": object(&json!({"b": {}}))}));
    let new = json!({"allOf": [{"$ref": "#/gone"}], "properties": {"a": {}}});
    assert_eq!(broken(&old, &new, &used("a.b")), "");
}

#[test]
fn another_type_breaks_those_who_need_the_old_one() {
    let old = object(&json!({"a": {"type": ["string", "integer"]}}));
    let new = |types: Value| object(&json!({"a": {"type": types}}));
    let wants = |types| UsedPath {
        wants: Some(types),
        ..used("a")
    };
    assert_eq!(broken(&old, &new(json!("boolean")), &used("a")), "retyped");
    assert_eq!(broken(&old, &new(json!("string")), &used("a")), "");
    assert_eq!(broken(&old, &new(json!("number")), &used("a")), "");
    assert_eq!(
        broken(&old, &new(json!("string")), &wants(TypeSet::NUMBER)),
        "retyped"
    );
    assert_eq!(broken(&old, &new(json!("string")), &wants(TypeSet::STRING)), "");
    // It never was a boolean.
    assert_eq!(broken(&old, &new(json!("string")), &wants(TypeSet::BOOLEAN)), "");
    assert_eq!(
        broken(
            &old,
            &json!({"properties": {"a": {"const": 5}}}),
            &wants(TypeSet::STRING)
        ),
        "retyped"
    );
    assert_eq!(
        broken(
            &old,
            &json!({"properties": {"a": {"enum": [5, "x"]}}}),
            &wants(TypeSet::STRING)
        ),
        ""
    );
}

#[test]
fn types_are_those_that_all_parts_of_a_schema_allow() {
    let old = object(&json!({"a": {"type": "string"}}));
    let both = json!({"allOf": [
        object(&json!({"a": {"type": ["string", "number"]}})),
        object(&json!({"a": {"type": ["number", "null"]}})),
    ]});
    assert_eq!(broken(&old, &both, &used("a")), "retyped");
    let one_of = json!({"anyOf": [object(&json!({"a": {"type": "number"}})), object(&json!({"b": {}}))]});
    assert_eq!(broken(&old, &one_of, &used("a")), "retyped");
    let kept = json!({"properties": {"a": {"type": "string"}}, "anyOf": [{"properties": {"a": {"type": "number"}}}, {}]});
    assert_eq!(broken(&old, &kept, &used("a")), "");
}

#[test]
fn what_was_always_there_may_be_missing_now() {
    let schema = |outer: bool, inner: bool| {
        let required = |is: bool, name: &str| if is { json!([name]) } else { json!([]) };
        json!({
            "type": "object",
            "required": required(outer, "a"),
            "properties": {"a": {"type": "object", "required": required(inner, "b"), "properties": {"b": {}}}}
        })
    };
    let old = schema(true, true);
    assert_eq!(broken(&old, &schema(true, true), &used("a.b")), "");
    assert_eq!(broken(&old, &schema(false, true), &used("a.b")), "may-be-missing");
    assert_eq!(broken(&old, &schema(true, false), &used("a.b")), "may-be-missing");
    assert_eq!(
        broken(&schema(false, true), &schema(false, false), &used("a.b")),
        ""
    );
}

#[test]
fn an_outer_value_that_need_not_be_an_object_may_lack_the_member() {
    let schema = |types: Value| {
        json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": types, "required": ["b"], "properties": {"b": {"type": "string"}}}
        }})
    };
    let (old, new) = (schema(json!("object")), schema(json!(["object", "null"])));
    assert_eq!(broken(&old, &new, &used("a.b")), "may-be-missing");
}

#[test]
fn elements_are_followed_whether_the_array_is_a_list_or_a_tuple() {
    let old = object(&json!({"l": {"type": "array", "items": {"properties": {"x": {"type": "string"}}}}}));
    let path = used("l[*].x");
    let inner = json!({"properties": {"x": {"type": "string"}}});
    for (items, expected) in [
        (json!({"items": inner}), ""),
        (json!({"prefixItems": [inner]}), ""),
        (json!({"prefixItems": [{"type": "integer"}], "items": inner}), ""),
        (json!({"unevaluatedItems": inner}), ""),
        (json!({"items": {"properties": {"y": {}}}}), "removed"),
        (json!({"items": false}), "removed"),
        (json!({"type": "string"}), "removed"),
        (
            json!({"items": {"properties": {"x": {"type": "null"}}}}),
            "retyped",
        ),
    ] {
        assert_eq!(
            broken(&old, &object(&json!({"l": items})), &path),
            expected,
            "{items}"
        );
    }
}

#[test]
fn a_pattern_looks_into_the_objects_of_arrays() {
    let list = |inner: Value| {
        object(&json!({"items": {"type": "array", "items": {"type": "array", "items": inner}}}))
    };
    let plain = used("items.sku");
    let flat = UsedPath {
        flatten: true,
        ..plain.clone()
    };
    let old = list(object(&json!({"sku": {"type": "string"}})));
    let new = list(object(&json!({"code": {"type": "string"}})));
    assert_eq!(broken(&old, &new, &flat), "removed");
    assert_eq!(broken(&old, &new, &plain), "", "it never led anywhere");
    let single = object(&json!({"items": object(&json!({"sku": {"type": "string"}}))}));
    assert_eq!(
        broken(&old, &single, &flat),
        "",
        "one object is as good as a list"
    );
}

#[test]
fn a_path_to_everywhere_is_broken_when_it_leads_nowhere() {
    let old =
        object(&json!({"a": object(&json!({"id": {"type": "string"}})), "b": object(&json!({"id": {}}))}));
    let moved = object(&json!({"c": {"type": "array", "items": object(&json!({"id": {"type": "string"}}))}}));
    assert_eq!(broken(&old, &moved, &used("..id")), "");
    assert_eq!(broken(&old, &object(&json!({"c": {}})), &used("..id")), "removed");
    let recursive = json!({"properties": {"id": {"type": "string"}, "next": {"$ref": "#"}}});
    assert_eq!(broken(&recursive, &recursive, &used("..id")), "");
    assert_eq!(
        broken(
            &recursive,
            &json!({"properties": {"next": {"$ref": "#"}}}),
            &used("..id")
        ),
        "removed"
    );
}

#[test]
fn a_break_says_which_path_and_why() {
    let old = object(&json!({"a b": {"type": "string"}, "c": {"type": "string"}}));
    let new = object(&json!({"c": {"type": "integer"}}));
    let paths = [
        used("a b"),
        UsedPath {
            wants: Some(TypeSet::STRING),
            ..used("c")
        },
        used("d"),
    ];
    let found = breaks(&old, &new, &paths);
    let short: Vec<_> = found
        .iter()
        .map(|one| (one.used, one.path.as_str(), one.reason))
        .collect();
    assert_eq!(
        short,
        [
            (0, "$['a b']", BreakReason::Removed),
            (1, "$.c", BreakReason::Retyped)
        ]
    );
    assert_eq!(
        found[1].detail,
        "`$.c` was string and is integer in the new version; the consumer needs string"
    );
    assert_eq!(
        serde_json::to_value(&found[0]).expect("JSON"),
        json!({"path": "$['a b']", "reason": "removed", "detail": "`$['a b']` is not in the new version"})
    );
}
