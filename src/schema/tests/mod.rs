//! Tests of documents and validators.

mod documents;
mod validators;

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::NoReferences;
use super::SchemaDocument;
use super::SchemaError;

/// The problems of a schema.
fn problems(schema: &Value) -> Vec<SchemaError> {
    SchemaDocument::from_value(schema.clone(), &NoReferences)
        .err()
        .unwrap_or_default()
}

/// A schema that is sound.
fn document(schema: &Value) -> SchemaDocument {
    SchemaDocument::from_value(schema.clone(), &NoReferences).unwrap()
}

/// The one other schema that is registered.
fn registered(url: &str) -> Option<Arc<Value>> {
    (url == "https://bus.example/v1/schemas/money/versions/1")
        .then(|| Arc::new(json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number" } } })))
}
