//! Rules in short words.

use serde_json::Value;
use serde_json::json;

/// A rules file with one rule: events of a type to a webhook called `hook`.
pub(crate) fn rules_file(name: &str, kind: &str, url: &str) -> String {
    json!({ "rules": [named(name, rule(kind, url))] }).to_string()
}

/// One rule without its name: events of a type to a webhook called `hook`.
pub(crate) fn rule(kind: &str, url: &str) -> Value {
    json!({ "match": { "type": [kind] }, "targets": [{ "name": "hook", "webhook": { "url": url } }] })
}

/// The rule with its name, as it stands in a file.
pub(crate) fn named(name: &str, mut rule: Value) -> Value {
    rule["name"] = json!(name);
    rule
}

/// The rule with a retry policy that tries again and again, this often.
pub(crate) fn retrying(mut rule: Value, every: &str) -> Value {
    rule["targets"][0]["retry"] = json!({ "strategy": "fixed", "initial": every });
    rule
}
