//! Events that are none (F31, F34).

use super::PLAIN;
use super::STRUCTURED;
use super::ask;
use super::case;
use super::publish;
use crate::support::Server;
use crate::support::event;
use serde_json::Value;
use serde_json::json;

fn with(member: &str, value: Value) -> String {
    let mut event = event("1", "t", &json!(1));
    let members = event.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(member)),
        value => drop(members.insert(member.to_owned(), value)),
    }
    event.to_string()
}

#[tokio::test]
async fn events_that_are_none_are_refused_by_what_is_wrong_with_them() {
    let server = Server::start().await;
    let good = event("1", "t", &json!(1)).to_string();
    let twice = good.replacen('{', "{\"id\":\"0\",", 1);
    let refused = |name, body: String, code| case(name, publish(STRUCTURED, body), 400, code);
    let mut cases = vec![
        refused("no id", with("id", Value::Null), "missing-id"),
        refused("no source", with("source", Value::Null), "missing-source"),
        refused("no type", with("type", Value::Null), "missing-type"),
        refused(
            "no specversion",
            with("specversion", Value::Null),
            "missing-specversion",
        ),
        refused(
            "specversion 0.3",
            with("specversion", json!("0.3")),
            "unsupported-specversion",
        ),
        refused(
            "specversion as a number",
            with("specversion", json!(1)),
            "unsupported-specversion",
        ),
        refused("empty id", with("id", json!("")), "invalid-id"),
        refused("empty source", with("source", json!("")), "invalid-source"),
        refused(
            "source with a space",
            with("source", json!("a b")),
            "invalid-source",
        ),
        refused(
            "dataschema not absolute",
            with("dataschema", json!("/x")),
            "invalid-dataschema",
        ),
        refused(
            "time of no calendar",
            with("time", json!("2026-13-01T00:00:00Z")),
            "invalid-time",
        ),
        refused("type as a number", with("type", json!(7)), "invalid-type"),
        refused(
            "attribute in upper case",
            with("fooBar", json!("x")),
            "invalid-attribute-name",
        ),
        refused(
            "attribute of an object",
            with("ext", json!({})),
            "invalid-attribute",
        ),
        refused(
            "attribute too large",
            with("ext", json!(2_147_483_648_i64)),
            "invalid-attribute",
        ),
        refused(
            "control character",
            with("ext", json!("a\u{1}")),
            "invalid-attribute",
        ),
        refused("data twice", with("data_base64", json!("AA==")), "invalid-data"),
        refused("id twice", twice, "duplicate-attribute"),
        refused("an array", format!("[{good}]"), "invalid-event"),
        refused("nothing", String::new(), "invalid-json"),
        refused("half an event", good[..good.len() - 3].to_owned(), "invalid-json"),
        refused("an event and more", format!("{good}{good}"), "invalid-json"),
        case(
            "plain without type",
            publish(PLAIN, "{\"source\":\"/s\"}"),
            400,
            "missing-type",
        ),
        case(
            "plain of 0.3",
            publish(PLAIN, with("specversion", json!("0.3"))),
            400,
            "unsupported-specversion",
        ),
    ];
    let base64 = |text: &str| {
        let text = text.to_owned();
        good.replace("\"data\":1", &format!("\"data_base64\":{text}"))
    };
    cases.push(refused("base64 of no alphabet", base64("\"*\""), "invalid-data"));
    cases.push(refused("base64 as a number", base64("1"), "invalid-data"));
    ask(&server, cases).await;
}
