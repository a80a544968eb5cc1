//! Schemas that ask for more work than anyone will do.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Policy;
use crate::schema::compat::check;

fn answer(old: &Value, new: &Value) -> Answer {
    let read = |schema: &Value| SchemaDocument::from_value(schema.clone(), &NoReferences).unwrap();
    let verdict = check(&read(old), &read(new), Direction::Backward, Policy::Strict);
    if verdict.answer != Answer::Compatible {
        assert!(!verdict.reasons.is_empty());
    }
    verdict.answer
}

#[test]
fn a_long_chain_of_references_is_followed() {
    let chain = |last: &Value| {
        let link = |index: usize| {
            (
                format!("d{index}"),
                json!({ "$ref": format!("#/$defs/d{}", index + 1) }),
            )
        };
        let mut links: serde_json::Map<String, Value> = (0..90).map(link).collect();
        links.insert("d90".to_owned(), last.clone());
        json!({ "$defs": links, "$ref": "#/$defs/d0" })
    };
    let (old, new) = (
        chain(&json!({ "type": "integer" })),
        chain(&json!({ "type": "number" })),
    );
    assert_eq!(answer(&old, &new), Answer::Compatible);
    assert_eq!(answer(&new, &old), Answer::Incompatible);
}

#[test]
fn a_chain_of_references_that_is_too_long_is_refused() {
    let link = |index: usize| {
        (
            format!("d{index}"),
            json!({ "$ref": format!("#/$defs/d{}", (index + 1) % 3_000) }),
        )
    };
    let mut links: serde_json::Map<String, Value> = (0..3_000).map(link).collect();
    let circle = json!({ "$defs": links, "$ref": "#/$defs/d0" });
    let code = |schema: Value| SchemaDocument::from_value(schema, &NoReferences).unwrap_err()[0].code;
    assert_eq!(code(circle), "endless-reference");
    links.insert("d2999".to_owned(), json!({ "type": "integer" }));
    assert_eq!(code(json!({ "$defs": links, "$ref": "#/$defs/d0" })), "too-deep");
}

#[test]
fn deep_schemas_are_compared_to_the_last_level() {
    let deep = |last: &Value| {
        (0..28).fold(
            last.clone(),
            |inner, _| json!({ "type": "object", "properties": { "a": inner }, "required": ["a"] }),
        )
    };
    let (old, new) = (
        deep(&json!({ "type": "integer" })),
        deep(&json!({ "type": "number" })),
    );
    assert_eq!(answer(&old, &new), Answer::Compatible);
    assert_eq!(answer(&new, &old), Answer::Incompatible);
}

#[test]
fn a_recursion_of_great_width_ends() {
    let node = |kind: &str| {
        let members: serde_json::Map<String, Value> = (0..40)
            .map(|index| (format!("m{index}"), json!({ "$ref": "#/$defs/n" })))
            .collect();
        json!({ "$defs": { "n": { "anyOf": [{ "type": kind }, { "type": "object", "properties": members, "additionalProperties": { "$ref": "#/$defs/n" } }] } }, "$ref": "#/$defs/n" })
    };
    assert_eq!(answer(&node("integer"), &node("number")), Answer::Compatible);
    assert_eq!(answer(&node("number"), &node("integer")), Answer::Incompatible);
}

#[test]
fn a_hard_riddle_is_left_undecided() {
    // As many pigeons as there are holes, and one more: no document solves it, and the proof is long.
    let (pigeons, holes) = (9, 8);
    let name = |pigeon: usize, hole: usize| format!("p{pigeon}h{hole}");
    let sits = |pigeon: usize| {
        let places: Vec<Value> = (0..holes)
            .map(|hole| json!({ "required": [name(pigeon, hole)] }))
            .collect();
        json!({ "anyOf": places })
    };
    let mut all: Vec<Value> = (0..pigeons).map(sits).collect();
    for hole in 0..holes {
        for one in 0..pigeons {
            for other in 0..one {
                all.push(json!({ "not": { "required": [name(one, hole), name(other, hole)] } }));
            }
        }
    }
    all.push(json!({ "type": "object" }));
    assert_eq!(
        answer(&json!({ "allOf": all }), &json!({ "type": "string" })),
        Answer::Undecided
    );
}

#[test]
fn patterns_that_blow_up_are_left_undecided() {
    let pattern = |tail: usize| json!({ "type": "string", "pattern": format!("^(a|b)*a(a|b){{{tail}}}$") });
    let found = answer(
        &json!({ "allOf": [pattern(12), pattern(13)] }),
        &json!({ "type": "string", "pattern": "^(a|b)*a(a|b){14}$" }),
    );
    assert_ne!(found, Answer::Compatible);
    let mut wide = String::from("^(");
    for index in 0..300 {
        write!(wide, "x{index}y|").unwrap();
    }
    wide.push_str("z)$");
    assert_eq!(
        answer(
            &json!({ "type": "string", "pattern": wide }),
            &json!({ "type": "string", "maxLength": 5 })
        ),
        Answer::Compatible
    );
}

#[test]
fn bounds_far_out_make_no_large_documents() {
    for (old, new) in [
        (
            json!({ "type": "string", "maxLength": 4_000_000_000_u64 }),
            json!({ "type": "string", "maxLength": 3_999_999_999_u64 }),
        ),
        (
            json!({ "type": "array", "maxItems": 4_000_000_000_u64 }),
            json!({ "type": "array", "maxItems": 3_999_999_999_u64 }),
        ),
        (
            json!({ "type": "object", "maxProperties": 1_000_000 }),
            json!({ "type": "object", "maxProperties": 999_999 }),
        ),
        (
            json!({ "type": "array", "contains": {}, "minContains": 5 }),
            json!({ "type": "array", "contains": {}, "minContains": 1_000_000_000 }),
        ),
    ] {
        assert_ne!(answer(&old, &new), Answer::Compatible);
        let reverse = answer(&new, &old);
        assert_ne!(reverse, Answer::Incompatible, "{old}");
    }
    let list = |max: u64| json!({ "type": "array", "maxItems": max });
    assert_eq!(answer(&list(1_000), &list(500)), Answer::Incompatible);
    let members = |max: u64| json!({ "type": "object", "maxProperties": max });
    assert_eq!(answer(&members(1_000), &members(500)), Answer::Incompatible);
    assert_eq!(answer(&members(500), &members(1_000)), Answer::Compatible);
}

#[test]
fn a_union_of_a_hundred_kinds_gets_another_one() {
    let union = |kinds: usize| {
        let branch = |kind: usize| json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "const": format!("k{kind}") }, "x": { "type": "integer" } } });
        json!({ "oneOf": (0..kinds).map(branch).collect::<Vec<Value>>() })
    };
    assert_eq!(answer(&union(100), &union(101)), Answer::Compatible);
    assert_eq!(answer(&union(101), &union(100)), Answer::Incompatible);
}
