//! The same cases through `POST /v1/rules/test` of the real binary, spelling kept.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::NOT_REQUIRED;
use crate::support::Server;

/// The text of a member, as it was spelled if that matters.
fn text(case: &Value, member: &str) -> String {
    let spelled = case.get(format!("{member}_text")).and_then(Value::as_str);
    spelled.map_or_else(|| case[member].to_string(), str::to_owned)
}

async fn ask(server: &Server, body: String) -> (u16, Value) {
    let request = server.request(Method::POST, "/v1/rules/test");
    let request = request.header("content-type", "application/json").body(body);
    server.call(request).await
}

/// What the answer says of a case, if it is not what the case says.
fn differs(case: &Value, (status, answer): &(u16, Value)) -> Option<String> {
    let is_right = match (&case["match"], &case["valid"]) {
        (Value::Bool(expected), _) => *status == 200 && answer["matched"] == *expected,
        (_, Value::Bool(true)) => *status == 200,
        // A text that is no JSON is not well formed; one that is no pattern is refused.
        _ => *status == 400 || (*status == 422 && answer["code"] == "invalid-pattern"),
    };
    (!is_right).then(|| format!("{}: {status} {answer}", case["name"]))
}

#[tokio::test]
async fn patterns_behave_the_same_when_they_are_tested_over_http() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        return;
    };
    let server = Server::start().await;
    let (mut passed, mut failed) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(&dir).join("patterns")).expect("the cases") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.extension().is_none_or(|ext| ext != "jsonl") || NOT_REQUIRED.contains(&name.as_str()) {
            continue;
        }
        for line in fs::read_to_string(&path).expect("text").lines() {
            let case: Value = serde_json::from_str(line).expect("a case");
            let event = match case["match"] {
                Value::Null => "{}".to_owned(),
                _ => text(&case, "event"),
            };
            let pattern = text(&case, "pattern");
            // What is no object would be a list of values under `data`; it stands alone.
            let pattern = if pattern.trim_start().starts_with('{') {
                format!(r#"{{"data":{pattern}}}"#)
            } else {
                pattern
            };
            let body = format!(r#"{{"rule":{{"match":{pattern}}},"event":{{"data":{event}}}}}"#);
            match differs(&case, &ask(&server, body).await) {
                None => passed += 1,
                Some(why) => failed.push(format!("{name}: {why}")),
            }
        }
    }
    println!("patterns over HTTP: {passed} passed, {} failed", failed.len());
    assert!(passed > 0, "no cases in {dir}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn many_rules_and_many_events_are_tested_in_one_request() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        return;
    };
    let read =
        |name: &str| fs::read_to_string(Path::new(&dir).join("patterns/fuzz").join(name)).expect("cases");
    let rules = read("rules.jsonl");
    let rules: Vec<_> = rules
        .lines()
        .map(|line| {
            let rule: Value = serde_json::from_str(line).expect("a rule");
            format!(
                r#"{{"name":{},"match":{{"data":{}}}}}"#,
                rule["name"], rule["pattern"]
            )
        })
        .collect();
    let events = read("events.jsonl");
    let events: Vec<_> = events
        .lines()
        .map(|event| format!(r#"{{"data":{event}}}"#))
        .collect();
    let server = Server::start().await;
    let body = format!(
        r#"{{"rules":[{}],"events":[{}]}}"#,
        rules.join(","),
        events.join(",")
    );
    let (status, answer) = ask(&server, body).await;
    assert_eq!(status, 200, "{answer}");
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), events.len());
    for ((result, expected), event) in results.iter().zip(read("expected.jsonl").lines()).zip(&events) {
        let mut expected: Vec<String> = serde_json::from_str(expected).expect("names");
        let found = result["matched"].as_array().expect("names").iter();
        let mut found: Vec<String> = found
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{event}");
    }
}
