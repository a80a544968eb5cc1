//! The schema and the statistics of known data.

use serde_json::Value;
use serde_json::json;

use super::field;
use super::seen;
use crate::schema::infer::Inference;

fn times(count: usize, of: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..count).map(of).collect()
}

#[test]
fn a_member_that_all_objects_have_is_required_once_there_are_enough() {
    let data = |count| {
        times(count, |n| {
            if n % 5 == 0 {
                json!({"a": n})
            } else {
                json!({"a": n, "b": 1.5})
            }
        })
    };
    let few = seen(&data(19)).schema();
    assert!(few.get("required").is_none(), "{few}");
    assert_eq!(
        seen(&data(20)).schema(),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "number"}},
            "required": ["a"]
        })
    );
}

#[test]
fn members_are_required_by_the_objects_they_are_in_and_not_by_the_events() {
    let data = times(30, |n| {
        let line = json!({"sku": "x", "count": 1});
        let last = if n == 7 { json!({"sku": "x"}) } else { line.clone() };
        json!({"lines": [line, last]})
    });
    let inference = seen(&data);
    let items = &inference.schema()["properties"]["lines"]["items"];
    assert_eq!(items["required"], json!(["sku"]));
    let statistics = inference.statistics();
    let count = field(&statistics, "$.lines[*].count");
    assert_eq!((count.seen, count.share_of_events), (59, 1.0));
    assert!((count.share - 59.0 / 60.0).abs() < 1e-9);
}

#[test]
fn whole_numbers_are_integers_by_value() {
    let schema = |numbers: &str| {
        let mut inference = Inference::new();
        for number in numbers.split(' ') {
            inference.observe(number.as_bytes()).expect("JSON");
        }
        inference.schema()["type"].clone()
    };
    assert_eq!(schema("1 2.0 1e2"), "integer");
    assert_eq!(schema("1 2.5"), "number");
    assert_eq!(schema("1 1e400"), "number");
    assert_eq!(schema("1 null"), json!(["null", "integer"]));
}

#[test]
fn a_format_needs_twenty_strings_that_fit() {
    let formats = [
        ("date-time", "2024-02-29T23:59:59.123+01:00"),
        ("date", "2024-02-29"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
        ("email", "first.last+tag@mail.example"),
        ("uri", "https://example.com:8080/a?b=%20#c"),
    ];
    for (format, text) in formats {
        let mut data = times(19, |_| json!(text));
        assert!(seen(&data).schema().get("format").is_none(), "{format}");
        data.push(json!(text));
        assert_eq!(seen(&data).schema()["format"], format);
        data.push(json!("no"));
        assert!(seen(&data).schema().get("format").is_none(), "{format}");
    }
}

#[test]
fn a_choice_needs_fifty_strings_of_which_each_is_seen_three_times() {
    let data = times(50, |n| json!(["red", "green", "blue"][n % 3]));
    assert!(seen(&data[..49]).schema().get("enum").is_none());
    assert_eq!(seen(&data).schema()["enum"], json!(["blue", "green", "red"]));
    let mut rare = data.clone();
    rare.push(json!("pink"));
    assert!(seen(&rare).schema().get("enum").is_none());
    let mut with_null = data.clone();
    with_null.push(Value::Null);
    assert_eq!(
        seen(&with_null).schema()["enum"],
        json!(["blue", "green", "red", null])
    );
    let mut mixed = data;
    mixed.push(json!(1));
    assert!(seen(&mixed).schema().get("enum").is_none());
    let many = times(200, |n| json!(format!("v{}", n % 11)));
    assert!(seen(&many).schema().get("enum").is_none());
}

#[test]
fn objects_with_many_rare_names_are_maps() {
    let data = times(
        100,
        |n| json!({"prices": {format!("sku-{n}"): {"amount": n, "currency": "EUR"}}}),
    );
    let inference = seen(&data);
    let prices = &inference.schema()["properties"]["prices"];
    assert!(prices.get("properties").is_none(), "{prices}");
    assert_eq!(
        prices["additionalProperties"]["properties"]["amount"],
        json!({"type": "integer"})
    );
    assert_eq!(
        prices["additionalProperties"]["required"],
        json!(["amount", "currency"])
    );
    let statistics = inference.statistics();
    assert_eq!(field(&statistics, "$.prices.*.amount").seen, 100);
}

#[test]
fn objects_with_many_names_that_are_common_are_no_maps() {
    let data = times(100, |_| (0..60).map(|n| (format!("f{n}"), json!(n))).collect());
    let schema = seen(&data).schema();
    assert_eq!(schema["properties"].as_object().expect("properties").len(), 60);
}

#[test]
fn statistics_tell_types_limits_lengths_and_values() {
    let data = [
        json!({"n": -3, "s": "äöü", "x": null}),
        json!({"n": 12_345_678_901_234_567_890_u64, "s": "a", "x": 1}),
        json!({"n": 0.5, "s": "a", "x": null}),
    ];
    let statistics = seen(&data).statistics();
    let n = field(&statistics, "$.n");
    assert_eq!(
        (n.min.clone(), n.max.clone()),
        (Some((-3).into()), Some(12_345_678_901_234_567_890_u64.into()))
    );
    assert_eq!(
        serde_json::to_value(&n.types).expect("JSON"),
        json!({"integer": 2, "number": 1})
    );
    let s = field(&statistics, "$.s");
    assert_eq!((s.min_length, s.max_length), (Some(1), Some(3)));
    let values = serde_json::to_value(&s.values).expect("JSON");
    assert_eq!(
        values,
        json!([{"value": "a", "seen": 2}, {"value": "äöü", "seen": 1}])
    );
    assert!((field(&statistics, "$.x").null_share - 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn what_is_kept_has_bounds() {
    let mut inference = Inference::new();
    for event in 0..40 {
        let wide: serde_json::Map<_, _> = (0..90)
            .map(|n| {
                (
                    format!("k{event}-{n}"),
                    json!({"a": {"b": n}, "c": "x".repeat(100), "d": [n]}),
                )
            })
            .collect();
        inference.observe_value(&json!({format!("e{event}"): wide}));
    }
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!({"d": [deep]});
    }
    inference.observe_value(&deep);
    for n in 0..1_000 {
        inference.observe_value(&json!({"id": format!("{n}")}));
    }
    let statistics = inference.statistics();
    assert!(statistics.bounded);
    assert!(statistics.fields.len() <= 2_001, "{}", statistics.fields.len());
    let validator = jsonschema::validator_for(&inference.schema()).expect("a schema");
    assert!(validator.is_valid(&deep));
}

#[test]
fn a_field_with_many_strings_keeps_twenty() {
    let data = times(1_000, |n| json!(format!("id-{n}")));
    let statistics = seen(&data).statistics();
    let root = field(&statistics, "$");
    assert_eq!((root.values.len(), root.more), (20, 980));
}

#[test]
fn data_that_is_no_json_is_counted_and_nothing_else() {
    let mut inference = Inference::new();
    assert!(inference.observe(b"{\"a\": 1").is_err());
    assert!(inference.observe("[".repeat(100_000).as_bytes()).is_err());
    let statistics = inference.statistics();
    assert_eq!((statistics.events, statistics.unreadable), (0, 2));
    assert_eq!(
        inference.schema(),
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema"})
    );
}
