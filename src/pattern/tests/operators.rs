//! Each operator and its corners.

use super::EventView;
use super::Scalar;
use super::accepts;
use super::decide;
use super::event;
use super::matches;
use super::pattern;

#[test]
fn literals_match_their_own_type_only() {
    for (alternative, value, expected) in [
        (r#""x""#, r#""x""#, true),
        (r#""x""#, r#""X""#, false),
        (r#""5""#, "5", false),
        (r#""true""#, "true", false),
        (r#""tü\"r""#, r#""t\u00fc\"r""#, true),
        (r#""😀""#, r#""\ud83d\ude00""#, true),
        ("5", r#""5""#, false),
        ("5", "5.0", true),
        ("300", "3.0e2", true),
        ("-0.0", "0", true),
        ("9007199254740993", "9007199254740993", true),
        ("9007199254740993", "9007199254740992", false),
        ("1e400", "1e400", true),
        ("true", "true", true),
        ("true", "false", false),
        ("true", r#""true""#, false),
        ("null", "null", true),
        ("null", r#""null""#, false),
        ("null", "[]", false),
        (r#"1, "x""#, r#""x""#, true),
    ] {
        assert_eq!(accepts(alternative, value), expected, "{alternative} {value}");
    }
    assert!(!matches(r#"{"f":[null]}"#, "{}"));
}

#[test]
fn prefix_and_suffix_want_strings() {
    for (operator, value, expected) in [
        (r#"{"prefix":"ab"}"#, r#""abc""#, true),
        (r#"{"prefix":"ab"}"#, r#""ab""#, true),
        (r#"{"prefix":"ab"}"#, r#""a""#, false),
        (r#"{"prefix":"ab"}"#, r#""ABc""#, false),
        (r#"{"prefix":"é"}"#, r#""\u00e9t\u00e9""#, true),
        (r#"{"prefix":""}"#, r#""""#, true),
        (r#"{"prefix":""}"#, "5", false),
        (r#"{"prefix":"5"}"#, "55", false),
        (r#"{"suffix":".png"}"#, r#""cat.png""#, true),
        (r#"{"suffix":".png"}"#, r#""cat.png.gz""#, false),
        (r#"{"suffix":""}"#, r#""x""#, true),
        (r#"{"suffix":""}"#, "null", false),
    ] {
        assert_eq!(accepts(operator, value), expected, "{operator} {value}");
    }
}

#[test]
fn numeric_wants_one_number_within_the_bounds() {
    for (terms, value, expected) in [
        (r#""=",5"#, "5.0", true),
        (r#""=",5"#, r#""5""#, false),
        (r#""<",0"#, "-1e300", true),
        (r#""<",5"#, "5", false),
        (r#""<=",5"#, "5", true),
        (r#"">",-1"#, "true", false),
        (r#"">",0"#, "-0.0", false),
        (r#"">=",0"#, "-0.0", true),
        (r#"">",0,"<=",5"#, "0.0001", true),
        (r#"">",0,"<=",5"#, "5", true),
        (r#"">=",0,"<",5"#, "5", false),
        (r#"">",5,"<",7"#, "[1,9]", false),
        (r#"">",5,"<",7"#, "[1,6]", true),
        (r#"">",0"#, "9007199254740993", false),
        (r#"">",0"#, "1e400", false),
    ] {
        assert_eq!(
            accepts(&format!(r#"{{"numeric":[{terms}]}}"#), value),
            expected,
            "{terms} {value}"
        );
    }
}

#[test]
fn anything_but_wants_a_value_that_is_not_excluded() {
    for (operand, value, expected) in [
        (r#""x""#, r#""y""#, true),
        (r#""x""#, r#""x""#, false),
        (r#""x""#, "5", true),
        (r#""x""#, "null", true),
        (r#""x""#, r#""""#, true),
        (r#""x""#, "[]", false),
        (r#""x""#, "{}", false),
        (r#""x""#, r#"{"g":1}"#, false),
        (r#""x""#, r#"["x","y"]"#, true),
        (r#""x""#, r#"["x","x"]"#, false),
        (r#"["x","y"]"#, r#""y""#, false),
        ("5", "5.0", false),
        ("5", r#""5""#, true),
        ("[5,6]", "7", true),
        ("[5,6]", "6", false),
        (r#"{"prefix":"ab"}"#, r#""abc""#, false),
        (r#"{"prefix":"ab"}"#, r#""xab""#, true),
        (r#"{"prefix":"ab"}"#, "true", true),
        (r#"{"prefix":["ab","cd"]}"#, r#""cde""#, false),
        (r#"{"suffix":"z"}"#, r#""xyz""#, false),
        (r#"{"suffix":["y","z"]}"#, r#""x""#, true),
    ] {
        let operator = format!(r#"{{"anything-but":{operand}}}"#);
        assert_eq!(accepts(&operator, value), expected, "{operand} {value}");
        assert!(
            !matches(&format!(r#"{{"f":[{operator}]}}"#), "{}"),
            "{operand} on an absent field"
        );
    }
    assert!(
        accepts(r#"{"anything-but":"x"},{"anything-but":"y"}"#, r#""x""#),
        "alternatives are alternatives"
    );
}

#[test]
fn exists_counts_scalars_only() {
    for (value, there) in [
        ("1", true),
        ("null", true),
        (r#""""#, true),
        ("false", true),
        ("[null]", true),
        ("{}", false),
        ("[]", false),
        ("[[],[]]", false),
        (r#"{"g":1}"#, false),
        (r#"[{"g":1}]"#, false),
    ] {
        assert_eq!(accepts(r#"{"exists":true}"#, value), there, "{value}");
        assert_eq!(accepts(r#"{"exists":false}"#, value), !there, "{value}");
    }
    assert!(matches(r#"{"f":[{"exists":false}]}"#, "{}"));
    assert!(matches(r#"{"f":[{"exists":false},"x"]}"#, r#"{"f":"x"}"#));
    assert!(!matches(r#"{"f":[{"exists":false},"x"]}"#, r#"{"f":"y"}"#));
}

#[test]
fn a_dotted_key_is_a_nested_one_on_both_sides() {
    for fields in [
        r#"{"a.b.c":[1]}"#,
        r#"{"a":{"b.c":[1]}}"#,
        r#"{"a":{"b":{"c":[1]}}}"#,
    ] {
        for data in [r#"{"a.b.c":1}"#, r#"{"a.b":{"c":1}}"#, r#"{"a":{"b":{"c":1}}}"#] {
            assert!(matches(fields, data), "{fields} {data}");
        }
        assert!(!matches(fields, r#"{"a":{"b":5}}"#));
    }
    assert!(matches(r#"{"":["x"]}"#, r#"{"":"x"}"#));
    assert!(
        matches(r#"{"prefix":["x"]}"#, r#"{"prefix":"x"}"#),
        "fields may be named like operators"
    );
    assert!(decide(&pattern(r#"{"data.a":[1]}"#), &event(r#"{"a":1}"#)));
}

#[test]
fn data_of_any_json_type_is_matched() {
    for (data, alternative) in [("5", "5"), (r#""x""#, r#""x""#), ("[1,2]", "2"), ("null", "null")] {
        assert!(
            decide(&pattern(&format!(r#"{{"data":[{alternative}]}}"#)), &event(data)),
            "{data}"
        );
    }
}

#[test]
fn data_that_is_not_json_is_absent() {
    let binary = EventView {
        attributes: &[("type", Scalar::String("t"))],
        data: None,
    };
    assert!(!decide(
        &pattern(r#"{"data":{"a":[{"anything-but":1}]}}"#),
        &binary
    ));
    assert!(decide(
        &pattern(r#"{"type":["t"],"data":{"a":[{"exists":false}]}}"#),
        &binary
    ));
}

#[test]
fn attributes_keep_their_types() {
    let attributes = [
        ("type", Scalar::String("t")),
        ("hops", Scalar::Integer(3)),
        ("dry", Scalar::Boolean(true)),
    ];
    let event = EventView {
        attributes: &attributes,
        data: None,
    };
    for (text, expected) in [
        (r#"{"hops":[{"numeric":["<",4]}]}"#, true),
        (r#"{"hops":["3"]}"#, false),
        (r#"{"dry":[true],"type":[{"prefix":"t"}]}"#, true),
        (r#"{"subject":[{"exists":false}]}"#, true),
        (r#"{"data":["t"]}"#, false),
    ] {
        assert_eq!(decide(&pattern(text), &event), expected, "{text}");
    }
}

#[test]
fn garbage_is_read_up_to_where_it_goes_wrong() {
    let rules = super::RuleSet::compile([((), pattern(r#"{"data":{"a":[1]}}"#))]);
    let deep = format!(r#"{{"z":{}"#, "[".repeat(1_000_000));
    let named = format!(r#"{{"a":{}"#, "[".repeat(1_000_000));
    for text in [
        "",
        "{",
        "{\"",
        "{\"a",
        "{\"a\\",
        "{\"a\":",
        "{\"a\" 1}",
        "{\"z\":}",
        "}",
        "{\"z\":]",
        &deep,
        &named,
    ] {
        assert!(rules.matching(&event(text)).is_empty());
    }
    assert_eq!(rules.matching(&event(r#"{"a":1,"b":"#)).len(), 1);
}
