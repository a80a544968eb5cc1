//! The law of this module: the compiled matcher and the obvious one are the same function.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::EventView;
use super::Pattern;
use super::RuleSet;
use super::Scalar;
use super::explain;
use super::naive;

/// Few names and values, so that patterns and events meet often.
fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "a.b", "b.a", "c.c", "", "a-"]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "x", "y", "xy", "yx", "5", "é\"", "\\"]).prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "0",
        "-0.0",
        "5",
        "5.0",
        "50e-1",
        "7",
        "1e2",
        "100",
        "1E+400",
        "9007199254740993",
        "9007199254740992",
    ])
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => text().prop_map(Value::from),
        3 => number().prop_map(|text| serde_json::from_str(text).unwrap()),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn alternative() -> impl Strategy<Value = Value> {
    let affix = || prop::sample::select(vec!["x", "y", "xy", "é"]);
    prop_oneof![
        6 => literal(),
        1 => text().prop_map(|text| json!({ "prefix": text })),
        1 => text().prop_map(|text| json!({ "suffix": text })),
        1 => vec(text(), 1..3).prop_map(|texts| json!({ "anything-but": texts })),
        1 => number().prop_map(|n| json!({ "anything-but": serde_json::from_str::<Value>(n).unwrap() })),
        1 => vec(affix(), 1..3).prop_map(|texts| json!({ "anything-but": { "prefix": texts } })),
        1 => affix().prop_map(|text| json!({ "anything-but": { "suffix": text } })),
        1 => (0..9).prop_map(|n| json!({ "numeric": [">=", n] })),
        1 => (0..9).prop_map(|n| json!({ "numeric": [">", n, "<=", n + 2] })),
        1 => Just(json!({ "exists": true })),
        3 => Just(json!({ "exists": false })),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    let field = vec(alternative(), 1..4).prop_map(Value::from);
    field.prop_recursive(3, 12, 3, |inner| {
        vec((key(), inner), 1..4).prop_map(|members| Value::Object(members.into_iter().collect()))
    })
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let attribute = |values: &'static [&'static str]| {
        prop::option::of(vec(prop::sample::select(values).prop_map(Value::from), 1..3))
    };
    (fields(), attribute(&["t", "u"]), attribute(&["/s", "/r"])).prop_filter_map(
        "a field is named twice",
        |(data, types, sources)| {
            let mut pattern = json!({ "data": data });
            if let Some(types) = types {
                pattern["type"] = types.into();
            }
            if let Some(sources) = sources {
                pattern["source"] = sources.into();
            }
            Pattern::parse(&pattern).ok()
        },
    )
}

/// JSON text, so that numbers and strings come in several spellings.
fn any_data() -> impl Strategy<Value = String> {
    let string = text().prop_map(|text| Value::from(text).to_string());
    let escaped = Just(r#""\u0078""#.to_owned());
    let scalar = prop_oneof![
        4 => number().prop_map(str::to_owned),
        4 => string,
        1 => escaped,
        1 => prop::sample::select(vec!["true", "false", "null", "{}", "[]", "[ ]"]).prop_map(str::to_owned),
    ];
    scalar.prop_recursive(5, 48, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map(key(), inner.clone(), 0..4).prop_map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| format!("{} : {value}", Value::from(key.as_str())))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }),
            vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(" ,"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Alone and in sets.
    #[test]
    fn compiled_rules_agree_with_the_naive_matcher(
        patterns in vec(any_pattern(), 1..6),
        data in any_data(),
        kind in prop::sample::select(vec!["t", "u"]),
        source in prop::sample::select(vec!["/s", "/r"]),
    ) {
        let attributes = [("source", Scalar::String(source)), ("type", Scalar::String(kind))];
        let event = EventView { attributes: &attributes, data: Some(data.as_bytes()) };
        let expected: Vec<_> =
            (0..patterns.len()).filter(|&n| naive::matches(&patterns[n], &event)).collect();
        for (n, pattern) in patterns.iter().enumerate() {
            let alone = RuleSet::compile([(n, pattern.clone())]).matching(&event);
            prop_assert_eq!(!alone.is_empty(), expected.contains(&n));
            let explanation = explain(pattern, &event);
            prop_assert_eq!(explanation.matched(), expected.contains(&n));
            prop_assert_eq!(explanation.matched(), explanation.held == explanation.conditions);
        }
        prop_assert_eq!(RuleSet::compile(patterns.into_iter().enumerate()).matching(&event), expected);
    }

    /// Whatever the bytes are, nothing panics and nothing overflows.
    #[test]
    fn garbage_is_survived(
        pattern in any_pattern(),
        data in any_data(),
        cut in any::<prop::sample::Index>(),
        noise in any::<u8>(),
    ) {
        let mut bytes = data.into_bytes();
        let at = cut.index(bytes.len());
        bytes[at] = noise;
        let rules = RuleSet::compile([((), pattern)]);
        for end in [at, bytes.len()] {
            let attributes = [("source", Scalar::String("/s")), ("type", Scalar::String("t"))];
            let _keys = rules.matching(&EventView { attributes: &attributes, data: Some(&bytes[..end]) });
        }
    }
}
