//! Schemas made to take long.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::used;
use crate::schema::paths::breaks;
use crate::schema::paths::fields;

/// Definitions of which each refers to the next in two ways, so that there are 2^n ways through.
fn doubling(n: usize, keyword: &str) -> Value {
    let mut definitions = Map::new();
    for at in 0..n {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        definitions.insert(
            format!("d{at}"),
            json!({keyword: [next, next], "properties": {"a": next, "b": next}}),
        );
    }
    definitions.insert(format!("d{n}"), json!({"properties": {"a": {"type": "string"}}}));
    json!({"$ref": "#/$defs/d0", "$defs": definitions})
}

#[test]
fn schemas_that_double_at_every_step_end() {
    for keyword in ["allOf", "anyOf"] {
        let schema = doubling(40, keyword);
        assert!(!fields(&schema).is_empty());
        for path in ["a.a.a.a.b.a", "..a"] {
            assert!(breaks(&schema, &schema, &[used(path)]).is_empty());
        }
    }
}

#[test]
fn schemas_that_are_nothing_but_circles_end() {
    let schema = json!({
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"allOf": [{"$ref": "#/$defs/b"}], "properties": {"x": {"$ref": "#/$defs/b"}}},
            "b": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#"}], "items": {"$ref": "#"}}
        }
    });
    assert!(!fields(&schema).is_empty());
    assert!(breaks(&schema, &schema, &[used("x.x.x[*].x"), used("..x..x")]).is_empty());
}

#[test]
fn many_patterns_and_many_names_end() {
    let patterns = (0..300).map(|n| (format!("^(a|b)*{n}$"), json!({"type": "string"})));
    let names = (0..500).map(|n| (format!("n{n}"), json!({})));
    let schema = json!({
        "properties": names.collect::<Map<_, _>>(),
        "patternProperties": patterns.collect::<Map<_, _>>()
    });
    assert!(!fields(&schema).is_empty());
}

#[test]
fn long_names_and_deep_nesting_end() {
    let long = "n".repeat(100_000);
    let mut schema = json!({"type": "string"});
    for _ in 0..60 {
        schema = json!({"properties": {&long: schema, "b": {}}});
    }
    assert!(!fields(&schema).is_empty());
}
