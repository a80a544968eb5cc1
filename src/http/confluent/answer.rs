//! Answers: JSON of Confluent's own type, and versions as they are shown.

use axum::Json;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use crate::api::confluent::Reference;
use crate::api::confluent::VersionReply;
use crate::catalog::EventType;
use crate::catalog::SchemaVersion;
use crate::catalog::references;

/// A body of the type that clients ask for first.
pub(super) struct Answer<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        let kind = HeaderValue::from_static("application/vnd.schemaregistry.v1+json");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}

/// A version with its schema.
pub(super) fn version_reply(subject: &EventType, version: &SchemaVersion) -> VersionReply {
    let reference = |(name, subject, number): (String, EventType, u32)| Reference {
        name,
        subject: subject.as_str().to_owned(),
        version: number.into(),
    };
    VersionReply {
        subject: subject.as_str().to_owned(),
        version: version.number,
        id: version.id,
        guid: guid_of(version),
        kind: "JSON".to_owned(),
        references: named_by(version).into_iter().map(reference).collect(),
        schema: text_of(version),
        max_id: None,
    }
}

/// The versions that a version names itself, each with what it names it by.
pub(super) fn named_by(version: &SchemaVersion) -> Vec<(String, EventType, u32)> {
    let document: Value = serde_json::from_str(&version.text).unwrap_or_default();
    references(&document, &version.refers)
}

/// The document of a version as a text.
pub(super) fn text_of(version: &SchemaVersion) -> String {
    version.text.to_string()
}

/// Names the text of a version, on whatever server: a UUID of version 8 from its SHA-256.
pub(super) fn guid_of(version: &SchemaVersion) -> String {
    let digest = Sha256::digest(text_of(version));
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    let guid = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    guid.to_string()
}
