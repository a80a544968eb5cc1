//! The official JSON Schema Test Suite, through the registry and the publish path.
//!
//! Each group's schema is registered for an event type of its own, and its instances are published as the
//! data of events of that type: what is accepted must be what the suite calls valid. `scripts/peers` fetches
//! the suite.

mod files;

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use self::files::Case;
use self::files::Group;
use super::register;
use crate::support::Server;

/// Groups that are tried at once.
const AT_ONCE: usize = 8;

/// Files about documents of other servers: a schema may refer to registered schemas only.
const REMOTE_FILES: [&str; 1] = ["refRemote.json"];
/// Groups about the same in other files.
const REMOTE_GROUPS: [(&str, &str); 5] = [
    (
        "dynamicRef.json",
        "strict-tree schema, guards against misspelled properties",
    ),
    (
        "dynamicRef.json",
        "tests for implementation dynamic anchor and reference link",
    ),
    (
        "dynamicRef.json",
        "$ref and $dynamicAnchor are independent of order - $defs first",
    ),
    (
        "dynamicRef.json",
        "$ref and $dynamicAnchor are independent of order - $ref first",
    ),
    (
        "dynamicRef.json",
        "$ref to $dynamicRef finds detached $dynamicAnchor",
    ),
];
/// Groups about metaschemas of other servers: a schema is of one of the five drafts.
const METASCHEMA_GROUPS: [(&str, &str); 2] = [
    (
        "vocabulary.json",
        "schema that uses custom metaschema with with no validation vocabulary",
    ),
    ("vocabulary.json", "ignore unrecognized optional vocabulary"),
];

/// The code by which a schema is refused on purpose, if it is.
fn refusal(group: &Group) -> Option<&'static str> {
    let name = (group.file.as_str(), group.description.as_str());
    if REMOTE_FILES.contains(&name.0) || REMOTE_GROUPS.contains(&name) {
        return Some("remote-reference");
    }
    METASCHEMA_GROUPS.contains(&name).then_some("unknown-draft")
}

/// Tries what a folder of the suite has; `metaschema` is of the schemas that name none.
async fn agrees(folder: &str, metaschema: &str) {
    let server = Server::start().await;
    let groups = files::required(folder);
    let judging = groups.iter().enumerate().map(|(number, group)| {
        let (server, kind) = (&server, format!("{folder}.{number}"));
        async move { (group, judge(server, &kind, metaschema, group).await) }
    });
    let judged: Vec<_> = stream::iter(judging).buffered(AT_ONCE).collect().await;

    let (refused, tried): (Vec<_>, Vec<_>) = judged.iter().partition(|(_, outcome)| outcome.is_err());
    let tried: usize = tried.iter().map(|(group, _)| group.tests.len()).sum();
    let failed: Vec<_> = judged
        .iter()
        .flat_map(|(group, outcome)| differences(group, outcome))
        .collect();
    println!("{folder}: {tried} tried, {} failed", failed.len());
    println!(
        "{folder}: not applicable: {}",
        summary(refused.iter().map(|(group, _)| *group))
    );
    println!("{folder}: optional: {}", summary(&files::optional(folder)));
    assert!(tried > 500, "files are missing");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What came out otherwise than the suite says, or than the lists of refusals say.
fn differences(group: &Group, outcome: &Result<Vec<bool>, String>) -> Vec<String> {
    let name = format!("{}: {}", group.file, group.description);
    let accepted = match (outcome, refusal(group)) {
        (Err(code), Some(expected)) if code == expected => return Vec::new(),
        (Err(code), _) => return vec![format!("{name}: refused, {code}")],
        (Ok(_), Some(_)) => return vec![format!("{name}: not refused")],
        (Ok(accepted), None) => accepted,
    };
    let cases = group.tests.iter().zip(accepted);
    let wrong = cases.filter(|(case, is_accepted)| case.valid != **is_accepted);
    wrong
        .map(|(case, is_accepted)| format!("{name}: {}: accepted: {is_accepted}", case.description))
        .collect()
}

/// How many instances and groups there are, and in which files.
fn summary<'a>(groups: impl IntoIterator<Item = &'a Group>) -> String {
    let groups: Vec<_> = groups.into_iter().collect();
    let tests: usize = groups.iter().map(|group| group.tests.len()).sum();
    let files: BTreeSet<_> = groups.iter().map(|group| group.file.as_str()).collect();
    let files: Vec<_> = files.into_iter().collect();
    format!("{tests} in {} groups of {}", groups.len(), files.join(", "))
}

/// Whether each instance of a group is accepted; or the code by which the schema is not.
async fn judge(server: &Server, kind: &str, metaschema: &str, group: &Group) -> Result<Vec<bool>, String> {
    let mut schema = group.schema.clone();
    if let Value::Object(members) = &mut schema {
        members.entry("$schema").or_insert_with(|| metaschema.into());
    }
    let settings = json!({ "validation": "reject", "compatibility": "none" });
    let (status, answer) = server.put(&format!("/v1/schemas/{kind}"), &settings).await;
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = register(server, kind, &schema).await;
    if status == 422 {
        return Err(answer["errors"][0]["code"].as_str().expect("a code").to_owned());
    }
    assert_eq!(status, 201, "{kind}: {answer}");
    Ok(publish(server, kind, &group.tests).await)
}

/// Whether each instance is accepted as the data of an event.
async fn publish(server: &Server, kind: &str, cases: &[Case]) -> Vec<bool> {
    let events: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| event(kind, number, case))
        .collect();
    let request = server.request(Method::POST, "/v1/buses/default/events?partial=true");
    let request = request.header("content-type", "application/cloudevents-batch+json");
    let (status, answer) = server.call(request.body(format!("[{}]", events.join(",")))).await;
    assert_eq!(status, 200, "{kind}: {answer}");
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), cases.len());
    results.iter().map(is_accepted).collect()
}

fn is_accepted(result: &Value) -> bool {
    let error = &result["error"];
    if error.is_null() {
        assert!(result["sequence"].is_u64(), "{result}");
        return true;
    }
    assert_eq!(error["code"], "schema-violation", "{result}");
    assert!(!error.to_string().contains("not-json"), "{result}");
    false
}

/// The text is put together here, for the data to stay as it is.
fn event(kind: &str, number: usize, case: &Case) -> String {
    let data = case.data.get();
    format!(
        r#"{{"specversion":"1.0","id":"{kind}.{number}","source":"/suite","type":"{kind}","data":{data}}}"#
    )
}

#[tokio::test]
async fn draft_4_is_what_the_official_suite_says() {
    agrees("draft4", "http://json-schema.org/draft-04/schema#").await;
}

#[tokio::test]
async fn draft_6_is_what_the_official_suite_says() {
    agrees("draft6", "http://json-schema.org/draft-06/schema#").await;
}

#[tokio::test]
async fn draft_7_is_what_the_official_suite_says() {
    agrees("draft7", "http://json-schema.org/draft-07/schema#").await;
}

#[tokio::test]
async fn draft_2019_09_is_what_the_official_suite_says() {
    agrees("draft2019-09", "https://json-schema.org/draft/2019-09/schema").await;
}

#[tokio::test]
async fn draft_2020_12_is_what_the_official_suite_says() {
    agrees("draft2020-12", "https://json-schema.org/draft/2020-12/schema").await;
}
