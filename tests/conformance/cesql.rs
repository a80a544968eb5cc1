//! The conformance cases of CESQL, when `CONFORMANCE_DIR` names them: values and kinds of faults.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value as Json;
use tramline::cesql::Expression;
use tramline::cesql::Value;
use tramline::pattern::Scalar;

#[derive(Deserialize)]
struct Suite {
    tests: Vec<Case>,
}

/// The scalars of names and expressions are read as text, whatever they look like.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    expression: String,
    result: Option<Json>,
    error: Option<String>,
    event: Option<BTreeMap<String, Json>>,
    event_overrides: Option<BTreeMap<String, Json>>,
}

#[test]
fn cesql_behaves_as_the_specification_says() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        return;
    };
    let (mut files, mut passed, mut failed) = (0, 0, Vec::new());
    for entry in fs::read_dir(Path::new(&dir).join("cesql")).expect("the cases") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("text");
        let suite: Suite = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        files += 1;
        for case in suite.tests {
            match difference(&case) {
                None => passed += 1,
                Some(why) => failed.push(format!("{}: {}: {why}", path.display(), case.name)),
            }
        }
    }
    println!(
        "cesql: {passed} passed, {} failed, in {files} files",
        failed.len()
    );
    assert!(passed > 0, "no cases in {dir}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What differs from what the case expects.
fn difference(case: &Case) -> Option<String> {
    let expression: Expression = match (case.expression.parse(), case.error.as_deref()) {
        (Ok(_), Some("parse")) => return Some("it is read, and should not be".to_owned()),
        (Ok(expression), _) => expression,
        (Err(_), Some("parse")) => return None,
        (Err(error), _) => return Some(error.to_string()),
    };
    let event = attributes(case);
    let view: Vec<_> = event
        .iter()
        .map(|(name, value)| (name.as_str(), scalar(value)))
        .collect();
    let outcome = expression.evaluate(&view);
    let value = match &outcome.value {
        Value::String(text) => Json::from(text.as_ref()),
        Value::Integer(number) => Json::from(*number),
        Value::Boolean(truth) => Json::from(*truth),
    };
    let fault = outcome.fault.as_ref().map(|fault| fault.kind.name());
    if case.result.as_ref().is_some_and(|result| *result != value) || fault != case.error.as_deref() {
        let expected = (&case.result, &case.error);
        return Some(format!("expected {expected:?}, found {value} and {fault:?}"));
    }
    let passes = value == true && fault.is_none();
    (expression.passes(&view) != passes).then(|| "it passes otherwise than it evaluates".to_owned())
}

/// The event of a case: its own, or the ordinary one with what the case changes.
fn attributes(case: &Case) -> BTreeMap<String, Json> {
    let ordinary = [
        ("specversion", "1.0"),
        ("id", "an-id"),
        ("source", "urn:a:source"),
        ("type", "a.type"),
    ];
    let ordinary = ordinary.map(|(name, value)| (name.to_owned(), Json::from(value)));
    let mut event = case.event.clone().unwrap_or_else(|| ordinary.into());
    event.extend(case.event_overrides.clone().unwrap_or_default());
    event
}

fn scalar(value: &Json) -> Scalar<'_> {
    match value {
        Json::String(text) => Scalar::String(text),
        Json::Bool(truth) => Scalar::Boolean(*truth),
        number => match number.as_i64().map(i32::try_from) {
            Some(Ok(number)) => Scalar::Integer(number),
            _ => panic!("{number} is not an integer of 32 bits"),
        },
    }
}
