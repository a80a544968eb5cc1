//! The list of fields.

use serde_json::json;

use crate::schema::paths::MAX_FIELDS;
use crate::schema::paths::fields;

#[test]
fn fields_are_listed_with_types_words_and_whether_they_are_required() {
    let schema = json!({
        "type": "object",
        "required": ["id", "lines"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "The order's id."},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
            "note": {"type": ["string", "null"], "title": "A note"}
        },
        "$defs": {"line": {
            "type": "object",
            "required": ["sku"],
            "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}}
        }}
    });
    let found: Vec<_> = fields(&schema)
        .into_iter()
        .map(|field| {
            let words = field.description.unwrap_or_default();
            format!("{} {} {} {words}", field.path, field.types, field.required)
        })
        .collect();
    assert_eq!(
        found,
        [
            "$.id string true The order's id.",
            "$.lines array true ",
            "$.lines[*].sku string true ",
            "$.lines[*].count integer false ",
            "$.note null or string false A note",
        ]
    );
}

#[test]
fn a_field_made_of_itself_is_listed_once() {
    let schema = json!({"properties": {"v": {}, "next": {"$ref": "#"}}});
    let found: Vec<_> = fields(&schema).into_iter().map(|field| field.path).collect();
    assert_eq!(found, ["$.v", "$.next"]);
    let tree = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"v": {}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}
    });
    let found: Vec<_> = fields(&tree).into_iter().map(|field| field.path).collect();
    assert_eq!(found, ["$.v", "$.kids"]);
}

#[test]
fn one_definition_in_two_places_is_listed_in_both() {
    let schema = json!({
        "properties": {"from": {"$ref": "#/$defs/a"}, "to": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"properties": {"zip": {}}}}
    });
    let found: Vec<_> = fields(&schema).into_iter().map(|field| field.path).collect();
    assert_eq!(found, ["$.from", "$.from.zip", "$.to", "$.to.zip"]);
}

#[test]
fn the_list_has_an_end() {
    let names = (0..3_000).map(|n| (format!("f{n}"), json!({})));
    let schema = json!({"properties": names.collect::<serde_json::Map<_, _>>()});
    assert_eq!(fields(&schema).len(), MAX_FIELDS);
}
