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
    prop::sample::select(vec![
        "", "x", "y", "xy", "yx", "Xy", "xyxxy", "5", "é\"", "É", "\\", "10.0.0.1", "10.0.0.9", "::1", "0::1",
    ])
    .prop_map(str::to_owned)
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

fn wildcard() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*", "x*", "*y", "x*y", "*x*", "*xx*", "x*x*y", "10.0.*", "x", "", r"\\*",
    ])
}

fn affix() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["x", "y", "xy", "xyx", "é", "10."])
}

fn textual() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({ "prefix": text })),
        text().prop_map(|text| json!({ "suffix": text })),
        text().prop_map(|text| json!({ "exactly": text })),
        text().prop_map(|text| json!({ "equals-ignore-case": text })),
        affix().prop_map(|text| json!({ "prefix": { "equals-ignore-case": text } })),
        affix().prop_map(|text| json!({ "suffix": { "equals-ignore-case": text } })),
        wildcard().prop_map(|text| json!({ "wildcard": text })),
        prop::sample::select(vec!["x+y", "^x", "y$", "(?i)X", ""]).prop_map(|text| json!({ "regex": text })),
        prop::sample::select(vec!["10.0.0.0/29", "10.0.0.1/32", "0.0.0.0/0", "::/0", "::1/128"])
            .prop_map(|text| json!({ "cidr": text })),
    ]
}

fn excluding() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(text(), 1..12).prop_map(|texts| json!({ "anything-but": texts })),
        number().prop_map(|n| json!({ "anything-but": serde_json::from_str::<Value>(n).unwrap() })),
        vec(affix(), 1..3).prop_map(|texts| json!({ "anything-but": { "prefix": texts } })),
        affix().prop_map(|text| json!({ "anything-but": { "suffix": text } })),
        affix().prop_map(|text| json!({ "anything-but": { "equals-ignore-case": text } })),
        vec(wildcard(), 1..3).prop_map(|texts| json!({ "anything-but": { "wildcard": texts } })),
    ]
}

fn alternative() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => literal(),
        4 => textual(),
        2 => excluding(),
        1 => (0..9).prop_map(|n| json!({ "numeric": [">=", n] })),
        1 => (0..9).prop_map(|n| json!({ "numeric": ["<", n] })),
        1 => (0..9).prop_map(|n| json!({ "numeric": [">", n, "<=", n + 2] })),
        1 => any::<bool>().prop_map(|there| json!({ "exists": there })),
        1 => any::<bool>().prop_map(|there| json!({ "present": there })),
        2 => Just(json!({ "exists": false })),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    let field = vec(alternative(), 1..4).prop_map(Value::from);
    field.prop_recursive(4, 16, 3, |inner| {
        let object = vec((key(), inner), 1..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
            .boxed();
        let both = (object.clone(), object.clone());
        prop_oneof![
            6 => object.clone(),
            1 => (object.clone(), vec(object.clone(), 2..4)).prop_map(|(fields, patterns)| with(fields, "$or", patterns.into())),
            1 => (object.clone(), vec(object.clone(), 1..3)).prop_map(|(fields, patterns)| with(fields, "$and", patterns.into())),
            1 => both.prop_map(|(fields, pattern)| with(fields, "$not", pattern)),
            1 => object.prop_map(|pattern| json!({ "$not": pattern })),
        ]
    })
}

fn with(mut fields: Value, key: &str, value: Value) -> Value {
    fields[key] = value;
    fields
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let attribute = |values: &'static [&'static str]| {
        prop::option::of(vec(prop::sample::select(values).prop_map(Value::from), 1..3))
    };
    (
        prop::option::of(fields()),
        attribute(&["t", "u"]),
        attribute(&["/s", "/r"]),
    )
        .prop_filter_map("a field is named twice, or none", |(data, types, sources)| {
            let mut pattern = json!({});
            if let Some(data) = data {
                pattern["data"] = data;
            }
            if let Some(types) = types {
                pattern["type"] = types.into();
            }
            if let Some(sources) = sources {
                pattern["source"] = sources.into();
            }
            Pattern::parse(&pattern).ok()
        })
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

/// The rules that the obvious matcher finds.
fn obvious(rules: &[(usize, Pattern)], event: &EventView<'_>) -> Vec<usize> {
    let matching = rules.iter().filter(|(_, pattern)| naive::matches(pattern, event));
    matching.map(|(key, _)| *key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Alone.
    #[test]
    fn a_compiled_rule_agrees_with_the_naive_matcher(
        pattern in any_pattern(),
        data in any_data(),
        kind in prop::sample::select(vec!["t", "u"]),
        source in prop::sample::select(vec!["/s", "/r"]),
    ) {
        let attributes = [("source", Scalar::String(source)), ("type", Scalar::String(kind))];
        let event = EventView { attributes: &attributes, data: Some(data.as_bytes()) };
        let expected = naive::matches(&pattern, &event);
        let explanation = explain(&pattern, &event);
        prop_assert_eq!(explanation.matched(), expected);
        prop_assert_eq!(expected, explanation.held == explanation.conditions);
        prop_assert_eq!(!RuleSet::compile([((), pattern)]).matching(&event).is_empty(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// In sets large enough to be told apart by index, and changed again and again.
    #[test]
    fn a_set_of_rules_agrees_with_the_naive_matcher_through_all_changes(
        patterns in vec(any_pattern(), 1..70),
        changes in vec((vec(any_pattern(), 0..8), any::<usize>()), 0..4),
        data in vec(any_data(), 1..6),
        kind in prop::sample::select(vec!["t", "u"]),
        source in prop::sample::select(vec!["/s", "/r"]),
    ) {
        let attributes = [("source", Scalar::String(source)), ("type", Scalar::String(kind))];
        let events = data
            .iter()
            .map(|data| EventView { attributes: &attributes, data: Some(data.as_bytes()) });
        let mut rules: Vec<_> = patterns.into_iter().enumerate().collect();
        let mut next = rules.len();
        let mut set = RuleSet::compile(rules.clone());
        for event in events.clone() {
            prop_assert_eq!(set.matching(&event), obvious(&rules, &event));
        }
        for (added, seed) in changes {
            let is_gone = |key: &usize| (key ^ seed).is_multiple_of(5);
            let added: Vec<_> = (next..).zip(added).collect();
            next += added.len();
            set = set.changed(is_gone, added.clone());
            rules.retain(|(key, _)| !is_gone(key));
            rules.extend(added);
            for event in events.clone() {
                prop_assert_eq!(set.matching(&event), obvious(&rules, &event));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The scanner sees what a JSON library sees, however the text is written.
    #[test]
    fn every_value_is_found_where_the_library_finds_it(
        data in any_data(),
        indent in any::<bool>(),
    ) {
        let value: Value = serde_json::from_str(&data).unwrap();
        let text = if indent { serde_json::to_string_pretty(&value).unwrap() } else { data };
        let event = EventView { attributes: &[], data: Some(text.as_bytes()) };
        let mut leaves = Vec::new();
        collect("data", &value, &mut leaves);
        for (path, leaf) in &leaves {
            let wanted = Pattern::parse(&json!({ path: [leaf] })).unwrap();
            prop_assert_eq!(RuleSet::compile([((), wanted)]).matching(&event).len(), 1, "{} {}", path, leaf);
        }
        let nowhere = Pattern::parse(&json!({ "data.nowhere": [{ "exists": true }] })).unwrap();
        prop_assert!(RuleSet::compile([((), nowhere)]).matching(&event).is_empty());
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

fn collect(path: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                collect(&format!("{path}.{key}"), value, leaves);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(path, element, leaves)),
        leaf => leaves.push((path.to_owned(), leaf.clone())),
    }
}
