//! Templates written straight from the text of the data make what rendering them makes.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::Document;
use super::FACTS;
use super::event;
use super::made;
use super::rendered;
use super::transform;
use super::typed;

const TEMPLATE: &str = r##"[{"data":{"a":"${$.data.a}","in":["${$.data.b.c ?? {\"d\":[1]}}","<${$.data.b.d}>"],
    "é\"":"${$.data.l[1].a} of ${$.data.a ?? \"none\"} by ${$.source}","all":["${now}","#${sequence}","${$.hops}"]}}]"##;

/// What the template makes of an event, if it is written without the event's document.
fn written(steps: &str, event: &Document) -> Option<String> {
    transform(steps).direct?.write(event, &FACTS)
}

#[test]
fn plain_paths_attributes_and_names_need_no_document() {
    let data = r#"{"a":1.50,"b":{"c":"\u00e9","d":"\"q\""},"l":[0,{"a":{"x": 1}}]}"#;
    let expected = r##"{"a":1.50,"in":["é","<\"q\">"],"é\"":"{\"x\":1} of 1.50 by /shop","all":["2023-11-14T22:13:20.123Z","#42",3]}"##;
    assert_eq!(written(TEMPLATE, &event(data)).as_deref(), Some(expected));
}

#[test]
fn of_a_key_that_repeats_the_last_counts() {
    let steps = r#"[{"data":["${$.data.b.c}","${$.data.b.d}","${$.data.a}"]}]"#;
    let data = r#"{"a":1,"b":{"c":1,"d":1},"\u00e9":0,"b":{"d":2,"d":3},"a":2}"#;
    assert_eq!(written(steps, &event(data)).as_deref(), Some("[null,3,2]"));
}

#[test]
fn expressions_that_are_more_need_the_document() {
    for expression in [
        "$.data.l[*]",
        "$.data.l[-1]",
        "$..a",
        "event",
        "event.json",
        "$.specversion",
    ] {
        let steps = json!([{ "data": format!("${{{expression}}}") }]).to_string();
        assert!(transform(&steps).direct.is_none(), "{expression}");
    }
    let nested = r#"[{"data":["${$.data.a}","${$.data.a.b}"]}]"#;
    assert!(transform(nested).direct.is_none());
}

#[test]
fn data_of_which_rendering_might_see_something_else_is_rendered() {
    let deep = |levels: usize| format!(r#"{{"a":1,"x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    for data in [
        r#"{"a":1"#.to_owned(),
        r#"{"a":1} 2"#.to_owned(),
        r#"{"a":1,"x":"\ud800"}"#.to_owned(),
        r#"{"a":1,"x":{"$serde_json::private::Number":"x"}}"#.to_owned(),
        r#"{"a":1,"x":{"\u0024serde_json::private::Number":"x"}}"#.to_owned(),
        deep(127),
        deep(5_000),
        format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20)),
    ] {
        assert_eq!(written(TEMPLATE, &event(data.clone())), None, "{data:.80}");
    }
    assert_eq!(written(TEMPLATE, &event(&b"{\"a\":1,\"x\":\"\xff\"}"[..])), None);
    assert_eq!(written(TEMPLATE, &typed("text/plain", r#"{"a":1}"#)), None);
    assert!(written(TEMPLATE, &event(deep(100))).is_some());
    let wide = format!(r#"{{"a":"[\"[","x":[{}{{}}]}}"#, "{},".repeat(1_000));
    assert!(written(TEMPLATE, &event(wide)).is_some());
}

#[test]
fn values_that_would_nest_too_deep_are_refused_as_ever() {
    let around = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let transform = transform(r#"[{"data":["${$.data.a}"]}]"#);
    let deepest = transform.apply(event(around(63)), &FACTS).unwrap();
    assert_eq!(made(&deepest).len(), 2 * 64);
    let failure = transform.apply(event(around(64)), &FACTS).unwrap_err();
    assert!(failure.reason.contains("64 levels"), "{failure}");
}

/// JSON, or nearly: members repeat, names and texts are escaped, spaces stand where they may.
fn data() -> impl Strategy<Value = String> {
    let sound = prop::sample::select(vec![
        "null",
        "true",
        "-0",
        "1.50",
        "1E5",
        "2e-07",
        "12345678901234567890.0",
        "\"\"",
        "\"x\"",
        "\"é e\"",
        r#""\"\\\/\n""#,
        r#""\u00e9""#,
        "\"\u{7f}\"",
        "{}",
        "[ ]",
    ]);
    let doubtful = prop::sample::select(vec![
        "01",
        "1.",
        "+1",
        "nul",
        r#""\ud83d""#,
        r#""\ud83d\ude00""#,
        r#""\u0041""#,
        "\"\n\"",
        "{\"a\"}",
        "[1,]",
    ]);
    let scalar = prop_oneof![40 => sound, 1 => doubtful].prop_map(str::to_owned);
    let name = prop::sample::select(vec!["a", "a", "b", "b", "c", "d", "l", "l", r"\/", "x"]);
    let space = prop::sample::select(vec!["", "", " ", "\n\t"]);
    scalar.prop_recursive(4, 40, 5, move |inner| {
        let member = (name.clone(), space.clone(), inner.clone());
        let member =
            member.prop_map(|(name, space, value)| format!("{space}\"{name}\"{space}:{space}{value}{space}"));
        prop_oneof![
            3 => vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(" ,"))),
        ]
    })
}

/// A template of strings with plain paths and defaults.
fn template() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "${$.data.a}",
        "${$.data.b.c}",
        "${$.data.b.d ?? \"n\\\"o\"}",
        "${$.data.l[1]}",
        "${$.data.l[0].a ?? [1.0]}",
        "${$.data['a']}",
        "${$.type}",
        "${$.hops}",
        "${$.none}",
        "${bus}",
        "é\" ",
        "$${",
    ]);
    vec(vec(parts, 1..4), 1..4).prop_map(|texts| {
        let texts: Vec<_> = texts.iter().map(|parts| parts.concat()).collect();
        json!([{ "data": { "made": texts, "k\"": texts.first() } }, { "set": { "subject": "${$.data.made[0]}!" } }])
            .to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Both ways are the same function.
    #[test]
    fn writing_and_rendering_make_the_same(steps in template(), data in data()) {
        let transform = transform(&steps);
        prop_assert!(transform.direct.is_some());
        let event = event(data);
        prop_assert_eq!(transform.apply(event.clone(), &FACTS), rendered(&transform).apply(event, &FACTS));
    }
}
