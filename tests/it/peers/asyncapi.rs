//! The parser of the `AsyncAPI` Initiative.

use serde_json::Value;
use serde_json::json;

use super::Script;

/// What the parser finds wrong with each of these documents: `code`, `message` and `path`. Warnings are none.
pub(crate) async fn errors(documents: &[Value]) -> Vec<Vec<Value>> {
    let said = Script::javascript("asyncapi").run(&[], &json!(documents)).await;
    let said = said.as_array().expect("a list").iter();
    let errors = said.map(|of_one| {
        let diagnostics = of_one.as_array().expect("a list").iter();
        diagnostics
            .filter(|diagnostic| diagnostic["severity"] == 0)
            .cloned()
            .collect()
    });
    errors.collect()
}

#[tokio::test]
async fn the_parser_of_asyncapi_tells_a_broken_document_from_a_sound_one() {
    let document = |payload: Value| {
        json!({
            "asyncapi": "3.0.0",
            "info": { "title": "Orders", "version": "1" },
            "channels": { "orders": { "messages": { "placed": { "payload": payload } } } },
        })
    };
    let documents = [
        document(json!({ "type": "object" })),
        document(json!({ "type": "strung" })),
        document(json!({ "$ref": "#/components/schemas/none" })),
        json!({ "asyncapi": "3.0.0" }),
    ];
    let found = errors(&documents).await;
    assert_eq!(found.len(), documents.len());
    assert_eq!(found[0], Vec::<Value>::new());
    let says = |errors: &[Value], code: &str, path: &Value| {
        let mut errors = errors.iter();
        assert!(
            errors.any(|error| error["code"] == code && error["path"] == *path),
            "{errors:?}"
        );
    };
    let payload = json!(["channels", "orders", "messages", "placed", "payload"]);
    says(&found[1], "asyncapi-document-resolved", &payload);
    let reference = json!(["channels", "orders", "messages", "placed", "payload", "$ref"]);
    says(&found[2], "invalid-ref", &reference);
    says(&found[3], "asyncapi-document-resolved", &json!([]));
}
