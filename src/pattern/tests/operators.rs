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

#[test]
fn strings_that_spell_addresses_are_compared_as_addresses() {
    for (alternative, value, expected) in [
        (r#""::1""#, r#""0:0:0:0:0:0:0:1""#, true),
        (r#""2001:DB8::1""#, r#""2001:db8:0::1""#, true),
        (r#""10.0.0.1""#, r#""10.0.0.1""#, true),
        (r#""10.0.0.1""#, r#""10.0.0.10""#, false),
        (r#""256.1.1.1""#, r#""256.1.1.1""#, true),
        (r#"{"exactly":"::1"}"#, r#""0:0:0:0:0:0:0:1""#, false),
        (r#"{"exactly":"::1"}"#, r#""::1""#, true),
    ] {
        assert_eq!(accepts(alternative, value), expected, "{alternative} {value}");
    }
}

#[test]
fn networks_keep_the_families_apart() {
    for (network, value, expected) in [
        ("10.0.0.0/24", r#""10.0.0.255""#, true),
        ("10.0.0.77/24", r#""10.0.0.1""#, true),
        ("10.0.0.0/24", r#""10.0.1.0""#, false),
        ("10.0.0.0/24", r#""10.0.0.1 ""#, false),
        ("10.0.0.0/24", "10", false),
        ("10.0.0.1/32", r#""10.0.0.1""#, true),
        ("10.0.0.1/32", r#""10.0.0.2""#, false),
        ("0.0.0.0/0", r#""255.1.2.3""#, true),
        ("0.0.0.0/0", r#""::1""#, false),
        ("::/0", r#""10.0.0.1""#, false),
        ("10.0.0.0/8", r#""::ffff:10.0.0.1""#, false),
        ("2001:DB8::/32", r#""2001:db8::5""#, true),
        ("::1/128", r#""::1""#, true),
        ("::1/128", r#""::2""#, false),
        ("fe80::/10", r#""fec0::1""#, false),
    ] {
        let operator = format!(r#"{{"cidr":"{network}"}}"#);
        assert_eq!(accepts(&operator, value), expected, "{network} {value}");
    }
}

#[test]
fn case_is_ignored_where_it_is_said_to_be() {
    for (operator, value, expected) in [
        (r#"{"equals-ignore-case":"aÉb"}"#, r#""AéB""#, true),
        (r#"{"equals-ignore-case":"ab"}"#, r#""abc""#, false),
        (r#"{"equals-ignore-case":""}"#, r#""""#, true),
        (r#"{"equals-ignore-case":"5"}"#, "5", false),
        (r#"{"equals-ignore-case":"ß"}"#, r#""SS""#, false),
        (r#"{"prefix":{"equals-ignore-case":"aB"}}"#, r#""Abc""#, true),
        (r#"{"prefix":{"equals-ignore-case":"aB"}}"#, r#""a""#, false),
        (r#"{"prefix":{"equals-ignore-case":""}}"#, r#""x""#, true),
        (
            r#"{"suffix":{"equals-ignore-case":".PnG"}}"#,
            r#""cat.pNg""#,
            true,
        ),
        (r#"{"suffix":{"equals-ignore-case":".PnG"}}"#, r#""png""#, false),
        (
            r#"{"anything-but":{"equals-ignore-case":["AB","c"]}}"#,
            r#""aB""#,
            false,
        ),
        (
            r#"{"anything-but":{"equals-ignore-case":["AB","c"]}}"#,
            r#""abc""#,
            true,
        ),
    ] {
        assert_eq!(accepts(operator, value), expected, "{operator} {value}");
    }
}

#[test]
fn wildcards_are_anchored_at_both_ends() {
    for (wildcard, value, expected) in [
        ("a*c", r#""abbc""#, true),
        ("a*c", r#""ac""#, true),
        ("a*c", r#""acd""#, false),
        ("*.log", r#""x.log""#, true),
        ("*", r#""""#, true),
        ("*", "5", false),
        ("*", "null", false),
        ("", r#""""#, true),
        ("", r#""a""#, false),
        ("*日*", r#""x日y""#, true),
        ("a*b*c", r#""aXbYc""#, true),
        ("a*b*c", r#""acb""#, false),
        (r"a\\*b", r#""a*b""#, true),
        (r"a\\*b", r#""axb""#, false),
    ] {
        let operator = format!(r#"{{"wildcard":"{wildcard}"}}"#);
        assert_eq!(accepts(&operator, value), expected, "{wildcard} {value}");
    }
    assert!(!accepts(
        r#"{"anything-but":{"wildcard":["a*","*z"]}}"#,
        r#""bz""#
    ));
    assert!(accepts(r#"{"anything-but":{"wildcard":["a*","*z"]}}"#, r#""by""#));
}

#[test]
fn regexes_match_anywhere_in_strings() {
    for (regex, value, expected) in [
        (r"o-\\d+", r#""order o-12""#, true),
        (r"^o-\\d+$", r#""order o-12""#, false),
        ("(?i)ORDER", r#""an order""#, true),
        ("", r#""""#, true),
        ("5", "5", false),
    ] {
        let operator = format!(r#"{{"regex":"{regex}"}}"#);
        assert_eq!(accepts(&operator, value), expected, "{regex} {value}");
    }
}

#[test]
fn present_counts_whatever_is_there() {
    for value in [
        "1",
        "null",
        r#""""#,
        "{}",
        "[]",
        "[[]]",
        r#"{"g":1}"#,
        r#"[{"g":1}]"#,
    ] {
        assert!(accepts(r#"{"present":true}"#, value), "{value}");
        assert!(!accepts(r#"{"present":false}"#, value), "{value}");
    }
    assert!(matches(r#"{"f":[{"present":false}]}"#, r#"{"g":1}"#));
    assert!(!matches(r#"{"f":[{"present":true}]}"#, r#"{"g":1}"#));
    assert!(
        matches(r#"{"a":[{"present":true}]}"#, r#"{"a.b":1}"#),
        "a dotted key is a nested one"
    );
    assert!(matches(
        r#"{"a":[{"present":false},{"exists":true}]}"#,
        r#"{"a":[1]}"#
    ));
    assert!(matches(
        r#"{"a":{"b":["x"],"c":[{"present":false}]}}"#,
        r#"{"a":[{"b":"x"},{"b":"y","c":{}}]}"#
    ));
}

#[test]
fn one_of_several_patterns_will_do() {
    let fields = r#"{"s":["x"],"$or":[{"a":[1]},{"b":[2],"c":[3]}]}"#;
    for (data, expected) in [
        (r#"{"s":"x","a":1}"#, true),
        (r#"{"s":"x","b":2,"c":3}"#, true),
        (r#"{"s":"x","b":2}"#, false),
        (r#"{"s":"y","a":1}"#, false),
    ] {
        assert_eq!(matches(fields, data), expected, "{data}");
    }
    let top = pattern(r#"{"$or":[{"type":["u"]},{"data":{"a":[1]}}]}"#);
    assert!(decide(&top, &event(r#"{"a":1}"#)));
    assert!(!decide(&top, &event(r#"{"a":2}"#)));
}

#[test]
fn a_field_named_again_replaces_the_one_before_unless_both_are_demanded() {
    let before = r#"{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}"#;
    assert!(matches(before, r#"{"a":2}"#));
    assert!(!matches(before, r#"{"a":1}"#));
    assert!(matches(before, r#"{"a":1,"b":3}"#));
    let after = r#"{"$or":[{"a":[2]},{"b":[3]}],"a":[1]}"#;
    assert!(!matches(after, r#"{"a":2}"#));
    assert!(matches(after, r#"{"a":1}"#));
    let both = r#"{"a":[1,2],"$and":[{"a":[2,3]}]}"#;
    assert!(matches(both, r#"{"a":2}"#));
    assert!(!matches(both, r#"{"a":1}"#));
    assert!(!matches(both, r#"{"a":3}"#));
}

#[test]
fn all_of_several_patterns_must_hold_and_what_is_negated_must_not() {
    let fields = r#"{"$and":[{"$or":[{"a":[1]},{"b":[1]}]},{"$or":[{"c":[1]},{"d":[1]}]}]}"#;
    assert!(matches(fields, r#"{"b":1,"c":1}"#));
    assert!(!matches(fields, r#"{"a":1,"b":1}"#));

    let fields = r#"{"a":[1],"$not":{"b":[2],"c":[3]}}"#;
    assert!(matches(fields, r#"{"a":1}"#));
    assert!(matches(fields, r#"{"a":1,"b":2}"#));
    assert!(!matches(fields, r#"{"a":1,"b":2,"c":3}"#));
    assert!(!matches(fields, r#"{"b":2}"#));
    assert!(matches(r#"{"$not":{"$not":{"a":[1]}}}"#, r#"{"a":1}"#));
    assert!(!matches(
        r#"{"$not":{"$or":[{"a":[1]},{"b":[1]}]}}"#,
        r#"{"b":1}"#
    ));
    let top = pattern(r#"{"$not":{"type":["t"]}}"#);
    assert!(!decide(&top, &event("{}")));
}

#[test]
fn what_is_negated_is_seen_in_the_element_that_the_fields_around_it_chose() {
    let fields = r#"{"items":{"sku":["a"],"$not":{"qty":[0]}}}"#;
    assert!(matches(
        fields,
        r#"{"items":[{"sku":"a","qty":1},{"sku":"b","qty":0}]}"#
    ));
    assert!(!matches(
        fields,
        r#"{"items":[{"sku":"a","qty":0},{"sku":"b","qty":1}]}"#
    ));
    assert!(matches(
        fields,
        r#"{"items":[{"sku":"a","qty":0},{"sku":"a","qty":1}]}"#
    ));
    assert!(!matches(
        r#"{"items":{"$not":{"qty":[0]}}}"#,
        r#"{"items":[{"qty":0},{"qty":1}]}"#
    ));
}

#[test]
fn combinators_without_their_form_are_fields() {
    assert!(matches(
        r#"{"$or":[{"cidr":"10.0.0.0/24"}]}"#,
        r#"{"$or":"10.0.0.1"}"#
    ));
    assert!(matches(
        r#"{"$or":[{"numeric":[">",0]},{"prefix":"x"}]}"#,
        r#"{"$or":"xy"}"#
    ));
    assert!(matches(r#"{"$or":{"a":[1]}}"#, r#"{"$or":{"a":1}}"#));
    assert!(matches(
        r#"{"$not":[1],"$and":["x"]}"#,
        r#"{"$not":1,"$and":"x"}"#
    ));
}
