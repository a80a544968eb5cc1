//! Laws that hold for any template and any event.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::FACTS;
use super::Transform;
use super::event;
use super::json;
use super::made;

/// Text rich in what templates give a meaning to.
fn template_text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "${", "$${", "}", "{", "$", "??", "?", "\"", "'", "\\", "$.data", ".v", "[0]", "[*]", "..", "now",
        "é", " ",
    ]);
    vec(parts, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// What the reader accepts can be applied, and the template keeps its shape.
    #[test]
    fn any_text_is_refused_or_applied(text in template_text(), value in any::<String>()) {
        let Ok(transform) = Transform::parse(&json!([{ "data": { "made": text } }])) else { return Ok(()) };
        let result = transform.apply(event(json!({ "v": value }).to_string()), &FACTS).unwrap();
        let data = json(made(&result));
        prop_assert_eq!(data.as_object().map(serde_json::Map::len), Some(1));
    }

    /// A value goes through unchanged alone, and as text inside text.
    #[test]
    fn strings_go_through_as_they_are(value in any::<String>()) {
        let steps = json!([{ "data": ["${$.data.v}", "<${$.data.v}>"] }]);
        let result = Transform::parse(&steps).unwrap().apply(event(json!({ "v": value }).to_string()), &FACTS);
        let result = result.unwrap();
        prop_assert_eq!(made(&result), json!([value, format!("<{value}>")]).to_string());
    }

    /// Whatever an AWS template is, it is refused, or makes data of which values cannot change the shape.
    #[test]
    fn any_input_transformer_is_refused_or_applied(parts in vec(aws_part(), 0..10), value in any::<String>()) {
        let template = parts.concat();
        let steps = json!([{ "input_transformer": { "paths": { "v": "$.data.v" }, "template": template } }]);
        let Ok(transform) = Transform::parse(&steps) else { return Ok(()) };
        let shape_of = |value: &str| {
            let result = transform.apply(event(json!({ "v": value }).to_string()), &FACTS).unwrap();
            shape(&json(made(&result)))
        };
        prop_assert_eq!(shape_of(&value), shape_of(""));
    }
}

fn aws_part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ":",
        ",",
        "<v>",
        "<",
        ">",
        "<aws.events.event.json>",
        "\"a\": ",
        "1",
        "é",
        " ",
    ])
}

/// Where lists and objects are, and their keys.
fn shape(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(elements) => elements.iter().map(shape).collect(),
        serde_json::Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), shape(member)))
            .collect(),
        _ => serde_json::Value::Null,
    }
}
