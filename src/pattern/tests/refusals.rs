//! What is not a pattern, and how its author is told.

use serde_json::Value;

use super::Pattern;
use super::PatternError;

fn errors(text: &str) -> Vec<PatternError> {
    let value: Value = serde_json::from_str(text).expect("the pattern is JSON");
    Pattern::parse(&value).expect_err(text)
}

/// The place and code of the only problem.
fn only(text: &str) -> (String, &'static str) {
    let errors = errors(text);
    let [error] = errors.as_slice() else {
        panic!("{text}: {errors:?}")
    };
    (error.pointer.clone(), error.code)
}

#[test]
fn every_refusal_has_its_place_and_code() {
    for (text, pointer, code) in [
        ("[1]", "", "not-an-object"),
        ("{}", "", "empty-object"),
        (r#"{"data":{}}"#, "/data", "empty-object"),
        (r#"{"data":{"a":{"b":{}}}}"#, "/data/a/b", "empty-object"),
        (r#"{"type":[]}"#, "/type", "empty-list"),
        (r#"{"type":"x"}"#, "/type", "not-a-list"),
        (r#"{"type":null}"#, "/type", "not-a-list"),
        (r#"{"type":[["x"]]}"#, "/type/0", "nested-list"),
        (r#"{"type":[{}]}"#, "/type/0", "empty-object"),
        (
            r#"{"type":["a",{"prefix":"x","suffix":"y"}]}"#,
            "/type/1",
            "several-operators",
        ),
        (r#"{"type":[{"prefx":"x"}]}"#, "/type/0/prefx", "unknown-operator"),
        (r#"{"$or":[{"type":["a"]}]}"#, "/$or", "malformed-combinator"),
        (
            r#"{"data":{"$or":[{"a":[1]},5]}}"#,
            "/data/$or",
            "malformed-combinator",
        ),
        (
            r#"{"data":{"$or":[{"prefix":["x"]},{"a":[1]}]}}"#,
            "/data/$or",
            "malformed-combinator",
        ),
        (r#"{"$and":[]}"#, "/$and", "malformed-combinator"),
        (r#"{"$not":["a"]}"#, "/$not", "malformed-combinator"),
        (r#"{"$not":{}}"#, "/$not", "empty-object"),
        (
            r#"{"$or":[{"type":["a"]},{"data":{"x":{}}}]}"#,
            "/$or/1/data/x",
            "empty-object",
        ),
        (
            r#"{"$or":[{"A":["a"]},{"b":[1]}]}"#,
            "/$or/0/A",
            "invalid-attribute",
        ),
        (
            r#"{"type":[{"wildcard":"a**b"}]}"#,
            "/type/0/wildcard",
            "invalid-wildcard",
        ),
        (
            r#"{"type":[{"wildcard":"a\\b"}]}"#,
            "/type/0/wildcard",
            "invalid-wildcard",
        ),
        (r#"{"type":[{"regex":"a("}]}"#, "/type/0/regex", "invalid-regex"),
        (
            r#"{"type":[{"regex":"(a{1000}){1000}"}]}"#,
            "/type/0/regex",
            "invalid-regex",
        ),
        (r#"{"detail-type":["x"]}"#, "/detail-type", "foreign-attribute"),
        (r#"{"detail":{"a":[1]}}"#, "/detail", "foreign-attribute"),
        (r#"{"orderId":[1]}"#, "/orderId", "invalid-attribute"),
        (r#"{"a/b":[1]}"#, "/a~1b", "invalid-attribute"),
        (r#"{"subject":{"a":[1]}}"#, "/subject", "attribute-with-fields"),
        (
            r#"{"data":{"a":{"b":[1]},"a.b":[2]}}"#,
            "/data/a.b",
            "duplicate-field",
        ),
    ] {
        assert_eq!(only(text), (pointer.to_owned(), code), "{text}");
    }
}

#[test]
fn operands_of_the_wrong_kind_are_refused() {
    for (text, pointer) in [
        (r#"{"type":[{"prefix":5}]}"#, "/type/0/prefix"),
        (r#"{"type":[{"prefix":["a"]}]}"#, "/type/0/prefix"),
        (r#"{"type":[{"suffix":{"prefix":"a"}}]}"#, "/type/0/suffix/prefix"),
        (r#"{"type":[{"exists":"yes"}]}"#, "/type/0/exists"),
        (r#"{"type":[{"present":1}]}"#, "/type/0/present"),
        (r#"{"type":[{"exactly":5}]}"#, "/type/0/exactly"),
        (
            r#"{"type":[{"equals-ignore-case":["a"]}]}"#,
            "/type/0/equals-ignore-case",
        ),
        (r#"{"type":[{"wildcard":["a"]}]}"#, "/type/0/wildcard"),
        (r#"{"type":[{"regex":1}]}"#, "/type/0/regex"),
        (
            r#"{"type":[{"prefix":{"wildcard":"a"}}]}"#,
            "/type/0/prefix/wildcard",
        ),
        (
            r#"{"type":[{"suffix":{"equals-ignore-case":["a"]}}]}"#,
            "/type/0/suffix/equals-ignore-case",
        ),
        (r#"{"type":[{"cidr":"10.0.0.0"}]}"#, "/type/0/cidr"),
        (r#"{"type":[{"cidr":"10.0.0.0/33"}]}"#, "/type/0/cidr"),
        (r#"{"type":[{"cidr":"::/129"}]}"#, "/type/0/cidr"),
        (r#"{"type":[{"cidr":"10.0.0.0/+8"}]}"#, "/type/0/cidr"),
        (
            r#"{"type":[{"anything-but":{"cidr":"10.0.0.0/8"}}]}"#,
            "/type/0/anything-but/cidr",
        ),
        (r#"{"type":[{"anything-but":[]}]}"#, "/type/0/anything-but"),
        (r#"{"type":[{"anything-but":["a",1]}]}"#, "/type/0/anything-but"),
        (r#"{"type":[{"anything-but":[["a"]]}]}"#, "/type/0/anything-but"),
        (r#"{"type":[{"anything-but":true}]}"#, "/type/0/anything-but"),
        (
            r#"{"type":[{"anything-but":{"prefix":""}}]}"#,
            "/type/0/anything-but/prefix",
        ),
        (
            r#"{"type":[{"anything-but":{"suffix":[]}}]}"#,
            "/type/0/anything-but/suffix",
        ),
        (
            r#"{"type":[{"anything-but":{"exists":true}}]}"#,
            "/type/0/anything-but/exists",
        ),
    ] {
        assert_eq!(only(text), (pointer.to_owned(), "invalid-operand"), "{text}");
    }
}

#[test]
fn malformed_numeric_operands_are_refused() {
    for operand in [
        "5",
        "[]",
        r#"["<"]"#,
        r#"["<","5"]"#,
        r#"["!=",5]"#,
        r#"["=",5,"<",9]"#,
        r#"["<",5,">",1]"#,
        r#"[">",1,">",2]"#,
        r#"[">",1,"<",9,"<",8]"#,
        r#"[">=",5,"<=",5]"#,
        r#"[">",9,"<",1]"#,
        r#"["<",1e400]"#,
        r#"["<",9007199254740993]"#,
    ] {
        let errors = errors(&format!(r#"{{"data":{{"f":[{{"numeric":{operand}}}]}}}}"#));
        assert_eq!(errors[0].pointer, "/data/f/0/numeric", "{operand}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let errors = errors(r#"{"detail-type":["x"],"type":"t","data":{"a":[{"prefix":1},{"sufix":"x"}]}}"#);
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    assert_eq!(
        codes,
        [
            "foreign-attribute",
            "not-a-list",
            "invalid-operand",
            "unknown-operator"
        ]
    );
}

#[test]
fn corrections_say_what_to_write() {
    for (text, correction) in [
        (r#"{"detail-type":["x"]}"#, "type"),
        (r#"{"detail":["x"]}"#, "data"),
        (r#"{"type":"t"}"#, r#"["t"]"#),
        (r#"{"type":[{"prefx":"x"}]}"#, "did you mean `prefix`?"),
        (
            r#"{"type":[{"anythingbut":"x"}]}"#,
            "did you mean `anything-but`?",
        ),
        (
            r#"{"type":[{"zzz":"x"}]}"#,
            "the operators are prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, \
             cidr, exactly, regex, present",
        ),
        (
            r#"{"type":[{"cidr":"x"}]}"#,
            r#"such as "10.0.0.0/8" or "2001:db8::/32""#,
        ),
        (r#"{"type":[{"wildcrad":"x"}]}"#, "did you mean `wildcard`?"),
    ] {
        assert_eq!(errors(text)[0].correction.as_deref(), Some(correction), "{text}");
    }
}

#[test]
fn size_is_bounded() {
    let fields: Vec<_> = (0..257).map(|n| format!(r#""f{n}":[1]"#)).collect();
    assert_eq!(
        errors(&format!(r#"{{"data":{{{}}}}}"#, fields.join(",")))[0].code,
        "too-many-fields"
    );
    assert_eq!(
        errors(&format!(r#"{{"data":{{"{}":[1]}}}}"#, ".".repeat(64)))[0].code,
        "too-deep"
    );
}

#[test]
fn hostile_patterns_are_refused_with_their_complexity_before_they_cost_it() {
    let either = r#""$or":[{"a":["x"]},{"b":["x"]}]"#;
    let factors = vec![format!("{{{either}}}"); 40].join(",");
    let error = &errors(&format!(r#"{{"data":{{"$and":[{factors}]}}}}"#))[0];
    assert_eq!(error.code, "too-complex");
    assert!(error.detail.contains("87960930222080"), "{}", error.detail);

    let list: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let error = &errors(&format!(r#"{{"data":{{"n":[{}]}}}}"#, list.join(",")))[0];
    assert_eq!((error.code, error.pointer.as_str()), ("too-complex", ""));
    assert!(
        error.detail.contains("20001") && error.detail.contains("20000"),
        "{}",
        error.detail
    );

    let regexes = vec![r#"{"regex":"a.*b"}"#; 400].join(",");
    assert_eq!(
        errors(&format!(r#"{{"data":{{"n":[{regexes}]}}}}"#))[0].code,
        "too-complex"
    );

    let nested = (0..20).fold(r#"{"type":["x"]}"#.to_owned(), |inner, _| {
        format!(r#"{{"$not":{inner}}}"#)
    });
    assert_eq!(errors(&nested)[0].code, "too-deep");
}
