//! References are followed as each draft says.

use serde_json::Value;
use serde_json::json;

use crate::schema::paths::fields;

fn paths(schema: &Value) -> Vec<String> {
    fields(schema).into_iter().map(|field| field.path).collect()
}

#[test]
fn before_2019_09_what_stands_beside_a_reference_is_ignored() {
    let schema = |draft: &str| {
        json!({
            "$schema": draft,
            "$ref": "#/definitions/A",
            "properties": {"beside": {}},
            "definitions": {"A": {"properties": {"a": {}}}}
        })
    };
    assert_eq!(paths(&schema("http://json-schema.org/draft-07/schema#")), ["$.a"]);
    let mut found = paths(&schema("https://json-schema.org/draft/2019-09/schema"));
    found.sort();
    assert_eq!(found, ["$.a", "$.beside"]);
}

#[test]
fn references_are_read_from_the_resource_they_stand_in() {
    let schema = json!({
        "$id": "https://example.com/root",
        "properties": {"part": {"$ref": "part"}},
        "$defs": {
            "T": {"properties": {"wrong": {}}},
            "P": {"$id": "part", "$ref": "#/$defs/T", "$defs": {"T": {"properties": {"right": {}}}}}
        }
    });
    assert_eq!(paths(&schema), ["$.part", "$.part.right"]);
}

#[test]
fn anchors_pointers_and_escapes_lead_to_their_places() {
    let schema = json!({
        "properties": {
            "a": {"$ref": "#here"},
            "b": {"$ref": "#/$defs/x~1y%25"},
            "c": {"$ref": "#/x-odd/0"},
            "d": {"$dynamicRef": "#here"}
        },
        "$defs": {"h": {"$anchor": "here", "properties": {"h": {}}}, "x/y%": {"properties": {"xy": {}}}},
        "x-odd": [{"properties": {"odd": {}}}]
    });
    let expected = ["$.a", "$.a.h", "$.b", "$.b.xy", "$.c", "$.c.odd", "$.d", "$.d.h"];
    assert_eq!(paths(&schema), expected);
}

#[test]
fn tuples_are_lists_of_items_in_old_drafts() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "items": [{"properties": {"a": {}}}],
        "additionalItems": {"properties": {"b": {}}}
    });
    let mut found = paths(&schema);
    found.sort();
    assert_eq!(found, ["$[*].a", "$[*].b"]);
}
