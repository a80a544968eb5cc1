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
        (
            r#"{"type":[{"wildcard":"x*"}]}"#,
            "/type/0/wildcard",
            "unsupported-operator",
        ),
        (
            r#"{"$or":[{"type":["a"]},{"type":["b"]}]}"#,
            "/$or",
            "unsupported-operator",
        ),
        (
            r#"{"data":{"$not":{"a":[1]}}}"#,
            "/data/$not",
            "unsupported-operator",
        ),
        (
            r#"{"type":[{"prefix":{"equals-ignore-case":"x"}}]}"#,
            "/type/0/prefix/equals-ignore-case",
            "unsupported-operator",
        ),
        (
            r#"{"type":[{"anything-but":{"wildcard":"x"}}]}"#,
            "/type/0/anything-but/wildcard",
            "unsupported-operator",
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
        (r#"{"type":[{"suffix":{"prefix":"a"}}]}"#, "/type/0/suffix"),
        (r#"{"type":[{"exists":"yes"}]}"#, "/type/0/exists"),
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
            "the operators are prefix, suffix, anything-but, numeric, exists",
        ),
        (
            r#"{"type":[{"cidr":"x"}]}"#,
            "the operators are prefix, suffix, anything-but, numeric, exists",
        ),
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
