//! Transforms as their authors see them.

mod corpus;
mod direct;
mod failures;
mod properties;
mod refusals;
mod results;

use bytes::Bytes;
use serde_json::Value;

use super::Attribute;
use super::Data;
use super::Document;
use super::Facts;
use super::Transform;
use super::TransformError;
use super::TransformFailure;

const FACTS: Facts<'_> = Facts {
    now_ms: 1_700_000_000_123,
    rule: "big-orders",
    bus: "default",
    sequence: 42,
    mask_key: None,
};

const ORDER: &str = r#"{"id":"o-1","total":250.50,"big":12345678901234567890,"note":null,
    "customer":{"name":"Ada \"A\" L.","tags":["x","y"],"age":36},
    "items":[{"sku":"a","n":1},{"sku":"b","n":2}]}"#;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An event with some attributes and this data.
fn event(data: impl Into<Bytes>) -> Document {
    let text = |text: &str| Attribute::String(text.to_owned());
    let attributes = [
        ("id", text("e-1")),
        ("source", text("/shop")),
        ("type", text("order")),
        ("hops", Attribute::Integer(3)),
        ("dry", Attribute::Boolean(true)),
    ];
    Document {
        attributes: attributes.map(|(name, value)| (name.to_owned(), value)).into(),
        data: Data::Verbatim(data.into()),
    }
}

/// The same with a content type.
fn typed(content_type: &str, data: impl Into<Bytes>) -> Document {
    let mut event = event(data);
    event.attributes.push((
        "datacontenttype".to_owned(),
        Attribute::String(content_type.to_owned()),
    ));
    event
}

fn transform(steps: &str) -> Transform {
    Transform::parse(&json(steps)).unwrap_or_else(|errors| panic!("{steps}: {errors:?}"))
}

fn apply(steps: &str, event: Document) -> Result<Document, TransformFailure> {
    transform(steps).apply(event, &FACTS)
}

/// What the steps make of an event, as JSON text.
fn data(steps: &str, event: Document) -> String {
    let result = apply(steps, event).unwrap_or_else(|failure| panic!("{steps}: {failure}"));
    made(&result).to_owned()
}

/// The JSON that a step wrote.
fn made(result: &Document) -> &str {
    match &result.data {
        Data::Json(json) => std::str::from_utf8(json).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The same transform, whose templates are all rendered.
fn rendered(transform: &Transform) -> Transform {
    let mut transform = transform.clone();
    transform.direct = None;
    transform
}

fn attribute(document: &Document, name: &str) -> Option<Attribute> {
    document
        .attributes
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.clone())
}
