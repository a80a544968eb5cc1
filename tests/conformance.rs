//! The conformance cases of event patterns and of CESQL, when `CONFORMANCE_DIR` names them.
//!
//! Without the variable there is nothing to run.
#![expect(clippy::expect_used, reason = "a test ends where its world does not hold")]
#![expect(clippy::indexing_slicing, reason = "a missing member should fail the test")]

#[path = "conformance/cesql.rs"]
mod cesql;
#[path = "conformance/over_http.rs"]
mod over_http;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with tests/it, which uses all of it"
)]
#[path = "it/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use tramline::pattern::EventView;
use tramline::pattern::Pattern;
use tramline::pattern::RuleSet;

/// Files whose behaviour the project does not copy; the cases say why.
const NOT_REQUIRED: [&str; 2] = ["engine-quirks-not-required.jsonl", "legacy-or-forms.jsonl"];

#[test]
fn patterns_behave_as_the_reference_engine_does() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        return;
    };
    let (mut passed, mut failed) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(&dir).join("patterns")).expect("the cases") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|ext| ext != "jsonl") || NOT_REQUIRED.contains(&name.as_str()) {
            continue;
        }
        for line in fs::read_to_string(&path).expect("text").lines() {
            let case: Value = serde_json::from_str(line).expect("a case");
            match judge(&case) {
                Verdict::Holds => passed += 1,
                Verdict::Differs(why) => failed.push(format!("{name}: {}: {why}", case["name"])),
            }
        }
    }
    println!("patterns: {passed} passed, {} failed", failed.len());
    assert!(passed > 0, "no cases in {dir}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn sets_of_rules_find_what_one_machine_for_each_rule_finds() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        return;
    };
    let read = |name: &str| {
        let path = Path::new(&dir).join("patterns/fuzz").join(name);
        fs::read_to_string(path).expect("the cases")
    };
    let rule = |line: &str| {
        let rule: Value = serde_json::from_str(line).expect("a rule");
        let pattern = Pattern::parse(&json!({ "data": rule["pattern"] })).expect("a valid pattern");
        (rule["name"].as_str().expect("a name").to_owned(), pattern)
    };
    let rules = RuleSet::compile(read("rules.jsonl").lines().map(rule));
    let (mut events, mut matches) = (0, 0);
    for (event, expected) in read("events.jsonl").lines().zip(read("expected.jsonl").lines()) {
        let expected: Vec<String> = serde_json::from_str(expected).expect("names");
        let view = EventView {
            attributes: &[],
            data: Some(event.as_bytes()),
        };
        let mut found = rules.matching(&view);
        found.sort();
        assert_eq!(found, expected, "{event}");
        events += 1;
        matches += found.len();
    }
    println!("sets: {events} events, {matches} matches");
    assert!(matches > 0, "no cases in {dir}");
}

enum Verdict {
    Holds,
    Differs(String),
}

fn judge(case: &Value) -> Verdict {
    let text = |member: &str, raw: &str| {
        case.get(raw)
            .and_then(Value::as_str)
            .map_or_else(|| case[member].to_string(), str::to_owned)
    };
    let pattern: Result<Value, _> = serde_json::from_str(&text("pattern", "pattern_text"));
    let parsed = pattern
        .map_err(|error| vec![error.to_string()])
        .and_then(|pattern| {
            if !pattern.is_object() {
                return Err(vec!["no object".to_owned()]);
            }
            Pattern::parse(&json!({ "data": pattern })).map_err(|errors| {
                errors
                    .into_iter()
                    .map(|error| format!("{}: {}", error.code, error.detail))
                    .collect()
            })
        });
    match (parsed, case.get("valid"), case.get("match")) {
        (parsed, Some(valid), _) if json!(parsed.is_ok()) == *valid => Verdict::Holds,
        (parsed, Some(valid), _) => Verdict::Differs(format!("valid {valid}, parsed {parsed:?}")),
        (Ok(pattern), None, Some(expected)) => {
            let event = text("event", "event_text");
            let view = EventView {
                attributes: &[],
                data: Some(event.as_bytes()),
            };
            let matched = !RuleSet::compile([((), pattern)]).matching(&view).is_empty();
            if json!(matched) == *expected {
                Verdict::Holds
            } else {
                Verdict::Differs(format!("expected {expected}, found {matched}"))
            }
        }
        (Err(errors), None, _) => Verdict::Differs(errors.join("; ")),
        (Ok(_), None, None) => Verdict::Differs("the case expects nothing".to_owned()),
    }
}
