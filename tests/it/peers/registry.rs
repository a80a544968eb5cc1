//! Confluent's client of its Schema Registry, which knows nothing of this server.

use serde_json::Value;
use serde_json::json;

use super::Script;
use crate::support::Server;

async fn answers(part: &str) -> Value {
    let server = Server::start().await;
    let url = format!("{}/confluent", server.url());
    Script::python("confluent", "registry")
        .run(&[&url, part], &Value::Null)
        .await
}

#[tokio::test]
async fn confluents_client_registers_reads_and_checks_schemas() {
    let order = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "order",
        "type": "object",
        "properties": { "number": { "type": "integer" }, "note": { "type": "string" } },
        "required": ["number"],
    });
    let shown = |version: u32, schema: &Value| json!({ "subject": "order", "version": version, "id": version, "type": "JSON", "schema": schema });
    let mut wider = order.clone();
    wider["required"] = json!([]);
    let registering = json!({
        "first": 1, "second": 2, "again": 1, "elsewhere": 3, "full": [1, 1, "order"],
        "incompatible": [409, 409], "avro": [422, 42201], "broken": [422, 42201],
    });
    let reading = json!({
        "by_id": order, "by_id_and_subject": order, "by_guid": order, "no_id": [404, 40403],
        "types": ["JSON"], "subjects": ["a/b c", "order"], "prefixed": ["a/b c"], "deleted_only": [],
        "versions": [1, 2], "no_subject": [404, 40401],
        "version": shown(1, &order), "latest": shown(2, &wider), "no_version": [404, 40402],
        "looked_up": shown(1, &order), "no_schema": [404, 40403],
        "where": ["order"], "places": [["order", 1]], "referenced_by": [],
    });
    let checking = json!({
        "compatible_with_one": true, "compatible_with_latest": false, "compatible_with_all": true,
        "global_level": "BACKWARD", "level": { "compatibility": "FULL" }, "level_then": "FULL",
        "set_config": { "compatibility": "FORWARD" }, "config": "FORWARD", "deleted_config": "FORWARD",
        "global_level_stays": [422, 42205], "mode": "READWRITE", "contexts": ["."],
    });
    let deleting = json!({
        "delete_softly": [422, 42205], "delete_version": [422, 42205], "deleted": [1], "left": ["order"],
    });
    let said = answers("registry").await;
    let mut unasked = said.as_object().expect("an object").clone();
    for expected in [registering, reading, checking, deleting] {
        for (question, answer) in expected.as_object().expect("an object") {
            assert_eq!(unasked.remove(question).as_ref(), Some(answer), "{question}");
        }
    }
    assert!(unasked.is_empty(), "{unasked:?}");
}

#[tokio::test]
async fn what_confluents_serializer_writes_its_deserializer_reads() {
    let data = json!({ "number": 1, "note": "für 1 €" });
    let expected = json!({
        "id": 1, "read": data, "invalid": true, "looked_up": data, "latest": data, "by_id": data,
        "references": [{ "total": 5 }, "invalid", { "total": 5 }, "invalid"],
        "referenced_by": 2, "by_guid": data,
    });
    assert_eq!(answers("serde").await, expected);
}
