//! What is not a transform, and how its author is told.

use super::Transform;
use super::TransformError;
use super::json;

fn errors(steps: &str) -> Vec<TransformError> {
    Transform::parse(&json(steps)).expect_err(steps)
}

/// The place and code of the only problem.
fn only(steps: &str) -> (String, &'static str) {
    let errors = errors(steps);
    let [error] = errors.as_slice() else {
        panic!("{steps}: {errors:?}")
    };
    (error.pointer.clone(), error.code)
}

#[test]
fn every_refusal_has_its_place_and_code() {
    for (steps, pointer, code) in [
        ("{}", "", "not-a-list"),
        ("[5]", "/0", "not-a-step"),
        ("[{}]", "/0", "not-a-step"),
        (r#"[{"data":1,"set":{"x":1}}]"#, "/0", "not-a-step"),
        (r#"[{"data":1},{"datas":1}]"#, "/1/datas", "unknown-step"),
        (r#"[{"drop":[]}]"#, "/0/drop", "invalid-operand"),
        (r#"[{"drop":["$.data.id",5]}]"#, "/0/drop/1", "invalid-path"),
        (r#"[{"drop":["$.subject"]}]"#, "/0/drop/0", "invalid-path"),
        (r#"[{"drop":["$.data"]}]"#, "/0/drop/0", "invalid-path"),
        (r#"[{"drop":["$.data..email"]}]"#, "/0/drop/0", "invalid-path"),
        (r#"[{"mask":"$.data.id"}]"#, "/0/mask", "invalid-operand"),
        (
            r#"[{"mask":[{"path":"$.id"}]}]"#,
            "/0/mask/0/path",
            "invalid-path",
        ),
        (
            r#"[{"mask":[{"with":"hash"}]}]"#,
            "/0/mask/0/path",
            "invalid-path",
        ),
        (
            r#"[{"mask":[{"path":"$.data.id","with":"md5"}]}]"#,
            "/0/mask/0/with",
            "invalid-value",
        ),
        (
            r#"[{"mask":[{"path":"$.data.id","wth":"hash"}]}]"#,
            "/0/mask/0/wth",
            "unknown-key",
        ),
        (r#"[{"keep":"$.data.id"}]"#, "/0/keep", "invalid-operand"),
        (r#"[{"keep":[]}]"#, "/0/keep", "invalid-operand"),
        (r#"[{"keep":["$.data.id",5]}]"#, "/0/keep/1", "invalid-path"),
        (r#"[{"keep":["$.data"]}]"#, "/0/keep/0", "invalid-path"),
        (r#"[{"keep":["$.type"]}]"#, "/0/keep/0", "invalid-path"),
        (r#"[{"keep":["$.data.items[0]"]}]"#, "/0/keep/0", "invalid-path"),
        (r#"[{"keep":["$.data.*"]}]"#, "/0/keep/0", "invalid-path"),
        (r#"[{"keep":["data.id"]}]"#, "/0/keep/0", "invalid-path"),
        (
            r#"[{"data":{"a":["x","${$.data[}"]}}]"#,
            "/0/data/a/1",
            "invalid-path",
        ),
        (r#"[{"data":"${$..a..b}"}]"#, "/0/data", "path-too-costly"),
        (
            r#"[{"data":"${$.data[?count($.data.*) > 1]}"}]"#,
            "/0/data",
            "path-too-costly",
        ),
        (
            r#"[{"data":"${$.data[*,*][*,*][*,*,*,*]}"}]"#,
            "/0/data",
            "path-too-costly",
        ),
        (r#"[{"data":"${$.data.id"}]"#, "/0/data", "unclosed-expression"),
        (
            r#"[{"data":"${$.data.id ?? none}"}]"#,
            "/0/data",
            "invalid-default",
        ),
        (r#"[{"data":"${data.id}"}]"#, "/0/data", "unknown-name"),
        (r#"[{"data":"${}"}]"#, "/0/data", "unknown-name"),
        (
            r#"[{"data":"${env:TOKEN}"}]"#,
            "/0/data",
            "secret-reference-not-allowed",
        ),
        (r#"[{"set":{}}]"#, "/0/set", "invalid-operand"),
        (
            r#"[{"set":{"specversion":"1.0"}}]"#,
            "/0/set/specversion",
            "invalid-attribute",
        ),
        (r#"[{"set":{"data":"x"}}]"#, "/0/set/data", "invalid-attribute"),
        (
            r#"[{"set":{"my_name":"x"}}]"#,
            "/0/set/my_name",
            "invalid-attribute",
        ),
        (r#"[{"set":{"id":null}}]"#, "/0/set/id", "invalid-value"),
        (r#"[{"set":{"type":""}}]"#, "/0/set/type", "invalid-value"),
        (r#"[{"set":{"x":1.5}}]"#, "/0/set/x", "invalid-value"),
        (r#"[{"set":{"x":2147483648}}]"#, "/0/set/x", "invalid-value"),
        (r#"[{"set":{"x":{"a":"${now}"}}}]"#, "/0/set/x", "invalid-value"),
    ] {
        assert_eq!(only(steps), (pointer.to_owned(), code), "{steps}");
    }
}

#[test]
fn selects_and_input_transformers_are_refused_where_they_are_wrong() {
    for (steps, pointer, code) in [
        (r#"[{"select":["$.data"]}]"#, "/0/select", "invalid-operand"),
        (r#"[{"select":"data"}]"#, "/0/select", "invalid-path"),
        (r#"[{"select":"$..a..b"}]"#, "/0/select", "path-too-costly"),
        (
            r#"[{"input_transformer":"<x>"}]"#,
            "/0/input_transformer",
            "invalid-operand",
        ),
        (
            r#"[{"input_transformer":{}}]"#,
            "/0/input_transformer",
            "missing-field",
        ),
        (
            r#"[{"input_transformer":{"template":"<x>"}}]"#,
            "/0/input_transformer/template",
            "unknown-name",
        ),
        (
            r#"[{"input_transformer":{"paths":{"x":"$.data.x"},"template":"{\"<x>\":1}"}}]"#,
            "/0/input_transformer/template",
            "invalid-template",
        ),
        (
            r#"[{"input_transformer":{"paths":{"x":"$.data.x"},"template":"{\"a\":<x>"}}]"#,
            "/0/input_transformer/template",
            "invalid-template",
        ),
        (
            r#"[{"input_transformer":{"paths":{"aws.x":"$.data.x"},"template":"a"}}]"#,
            "/0/input_transformer/paths/aws.x",
            "invalid-name",
        ),
        (
            r#"[{"input_transformer":{"paths":{"x":"$.detail.state"},"template":"<x>"}}]"#,
            "/0/input_transformer/paths/x",
            "foreign-attribute",
        ),
    ] {
        assert_eq!(only(steps), (pointer.to_owned(), code), "{steps}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let errors = errors(r#"[{"sett":1},{"data":["${a}","${$.b ?? }"]},{"set":{"id":null,"X":"${c}"}}]"#);
    let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/0/sett",
            "/1/data/0",
            "/1/data/1",
            "/2/set/id",
            "/2/set/X",
            "/2/set/X"
        ]
    );
}

#[test]
fn corrections_say_what_to_write() {
    for (steps, correction) in [
        (r#"[{"kep":[]}]"#, "did you mean `keep`?"),
        (
            r#"[{"zzz":[]}]"#,
            "the steps are keep, drop, mask, select, data, set, const, input_transformer",
        ),
        (
            r#"[{"input_transformer":{"paths":{"x":"$.detail.state"},"template":"<x>"}}]"#,
            "$.data.state",
        ),
        (
            r#"[{"input_transformer":{"paths":{"state":"$.data.state"},"template":"<stat>"}}]"#,
            "did you mean `state`?",
        ),
        (r#"[{"data":"${data.id}"}]"#, "${$.data.id}"),
        (r#"[{"data":"${sequnce}"}]"#, "did you mean `sequence`?"),
        (r#"[{"data":"${x"}]"#, "write $${ for a literal ${"),
    ] {
        assert_eq!(
            errors(steps)[0].correction.as_deref(),
            Some(correction),
            "{steps}"
        );
    }
}

#[test]
fn size_is_bounded() {
    let many = |part: &str, times: usize| vec![part; times].join(",");
    for steps in [
        format!("[{}]", many(r#"{"data":1}"#, 33)),
        format!(r#"[{{"data":[{}]}}]"#, many(r#""${now}""#, 257)),
        format!(r#"[{{"data":"{}"}}]"#, "x".repeat(65_536)),
        format!(r#"[{{"data":{}{}}}]"#, "[".repeat(65), "]".repeat(65)),
    ] {
        assert_eq!(errors(&steps)[0].code, "too-large");
    }
}
