//! What the document of a bus holds.

use jsonschema::Draft;
use serde_json::Value;
use serde_json::json;

use crate::schema::asyncapi::Info;
use crate::schema::asyncapi::MessageInfo;
use crate::schema::asyncapi::PayloadSchema;
use crate::schema::asyncapi::document;
use crate::schema::asyncapi::schema_format;

const INFO: Info<'_> = Info {
    title: "Orders",
    version: "7",
    bus: "orders",
    description: Some("All about orders."),
    server: Some("https://bus.example:8080/api/"),
};

fn message<'a>(event_type: &'a str, schema: &'a Value) -> MessageInfo<'a> {
    MessageInfo {
        event_type,
        schema: Some(PayloadSchema {
            value: schema,
            draft: Draft::Draft7,
            others: &[],
        }),
        version: Some(3),
        description: Some("An order was placed."),
        example: None,
        sources: &["/shop/berlin"],
    }
}

/// Every `$ref` of a document.
fn references(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => found.push(text.clone()),
                    member => references(member, found),
                }
            }
        }
        _ => {}
    }
}

fn assert_no_dead_reference(document: &Value) {
    let mut found = Vec::new();
    references(document, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere in {document}"
        );
    }
}

#[test]
fn a_bus_is_one_channel_with_a_message_for_each_type() {
    let schema = json!({
        "$ref": "#/definitions/Order",
        "definitions": {"Order": {"type": "object", "properties": {"lines": {"type": "array"}}}, "Unused": {}}
    });
    let document = document(&INFO, &[message("com.example.order.placed", &schema)]);
    assert_no_dead_reference(&document);
    assert_eq!(
        document["channels"]["orders"]["address"],
        "/v1/buses/orders/events"
    );
    assert_eq!(document["servers"]["tramline"]["host"], "bus.example:8080");
    assert_eq!(document["servers"]["tramline"]["pathname"], "/api");
    let message = &document["components"]["messages"]["com.example.order.placed"];
    assert_eq!(message["x-tramline-sources"], json!(["/shop/berlin"]));
    assert_eq!(
        document["components"]["schemas"]["com.example.order.placed"],
        json!({
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": {"$ref": "#/components/schemas/com.example.order.placed.Order/schema"}
        })
    );
    let names: Vec<_> = document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
        .collect();
    assert_eq!(
        names,
        [
            "CloudEventsHeaders",
            "com.example.order.placed",
            "com.example.order.placed.Order"
        ]
    );
}

#[test]
fn names_that_would_be_the_same_are_told_apart() {
    let schema =
        json!({"properties": {"a": {"$ref": "#/definitions/b"}}, "definitions": {"b": {"type": "integer"}}});
    let messages = [
        message("a.b", &schema),
        message("a:b", &schema),
        message("a", &schema),
        message("CloudEventsHeaders", &schema),
    ];
    let document = document(&INFO, &messages);
    assert_no_dead_reference(&document);
    assert_eq!(
        document["components"]["messages"]
            .as_object()
            .expect("messages")
            .len(),
        4
    );
    assert_eq!(
        document["components"]["schemas"]
            .as_object()
            .expect("schemas")
            .len(),
        9
    );
}

#[test]
fn an_example_that_looks_like_a_reference_is_left_out() {
    let (plain, odd) = (json!({"a": 1}), json!({"a": {"$ref": "x"}}));
    let schema = json!({});
    for (example, is_shown) in [(&plain, true), (&odd, false)] {
        let mut message = message("t", &schema);
        message.example = Some(example);
        let document = document(&INFO, &[message]);
        assert_eq!(
            document["components"]["messages"]["t"].get("examples").is_some(),
            is_shown
        );
    }
}

#[test]
fn a_schema_that_refers_to_what_is_not_there_is_left_out_with_the_reason() {
    let schema = json!({"$ref": "https://elsewhere.example/s.json"});
    let document = document(&INFO, &[message("t", &schema)]);
    let message = &document["components"]["messages"]["t"];
    assert!(message.get("payload").is_none());
    let reason = "the reference `https://elsewhere.example/s.json` leads nowhere";
    assert_eq!(message["x-tramline-schema-left-out"], reason);
}

#[test]
fn every_draft_has_its_own_format() {
    let drafts = [
        Draft::Draft4,
        Draft::Draft6,
        Draft::Draft7,
        Draft::Draft201909,
        Draft::Draft202012,
    ];
    let formats: std::collections::HashSet<_> = drafts.into_iter().map(schema_format).collect();
    assert_eq!(formats.len(), drafts.len());
    assert!(formats.contains("application/schema+json;version=draft-07"));
}
