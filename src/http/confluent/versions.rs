//! Versions of a subject: listed, registered, shown.

use std::sync::Arc;

use axum::extract::State;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::answer::guid_of;
use super::answer::named_by;
use super::answer::text_of;
use super::answer::version_reply;
use super::extract::Body;
use super::extract::Number;
use super::extract::Path;
use super::extract::Query;
use super::extract::Subject;
use super::refusal::Case;
use super::refusal::Refusal;
use super::request::document;
use super::subjects::find;
use crate::api::confluent::RegisteredReply;
use crate::api::confluent::SchemaRequest;
use crate::api::confluent::VersionReply;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaVersion;
use crate::catalog::View;
use crate::http::state::AppState;

/// The numbers of the versions.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    query: Query,
) -> Result<Answer<Vec<u32>>, Refusal> {
    let entry = find(state.services()?.router.snapshot().view(), &subject)?;
    let versions = entry.versions.iter().filter(|_| !query.asks_for_deleted_only());
    query
        .page(versions.map(|version| version.number).collect())
        .map(Answer)
}

/// Registers the next version, or gives the one that says the same.
pub(super) async fn register(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    Body(request): Body<SchemaRequest>,
) -> Result<Answer<RegisteredReply>, Refusal> {
    let services = state.services()?;
    let document = document(services.router.snapshot().view(), request)?;
    let registering = services.control.register(&subject, document.as_bytes(), false);
    let version = registering.await?.version;
    Ok(Answer(RegisteredReply {
        id: version.id,
        version: version.number,
        guid: guid_of(&version),
    }))
}

/// A version with its schema.
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    Path((subject, number)): Path<(String, String)>,
) -> Result<Answer<VersionReply>, Refusal> {
    let (entry, version) = version(state.services()?.router.snapshot().view(), &subject, &number)?;
    Ok(Answer(version_reply(&entry.kind, &version)))
}

/// The schema of a version alone.
pub(super) async fn text(
    State(state): State<Arc<AppState>>,
    Path((subject, number)): Path<(String, String)>,
) -> Result<Answer<Box<RawValue>>, Refusal> {
    let (_, version) = version(state.services()?.router.snapshot().view(), &subject, &number)?;
    raw(&version)
}

/// The ids of the versions that refer to one themselves.
pub(super) async fn referenced_by(
    State(state): State<Arc<AppState>>,
    Path((subject, number)): Path<(String, String)>,
    query: Query,
) -> Result<Answer<Vec<u64>>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let view = snapshot.view();
    let (entry, version) = version(view, &subject, &number)?;
    let target = (entry.kind.clone(), version.number);
    // Cheap to ask, and true of versions that name it by way of others too.
    let reaches = |version: &&Arc<SchemaVersion>| version.refers.contains(&target);
    let names = |version: &&Arc<SchemaVersion>| {
        let mut named = named_by(version).into_iter();
        named.any(|(_, kind, number)| (kind, number) == target)
    };
    let all = view.schemas().into_iter().flat_map(|entry| &entry.versions);
    let naming = all.filter(reaches).filter(names);
    let mut ids: Vec<_> = naming.map(|version| version.id).collect();
    ids.sort_unstable();
    query.page(ids).map(Answer)
}

/// The latest version with the metadata asked for; no version has any.
pub(super) async fn with_metadata(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    query: Query,
) -> Result<Answer<VersionReply>, Refusal> {
    let entry = find(state.services()?.router.snapshot().view(), &subject)?;
    if query.text("key").is_some() {
        let message = format!("no version of the subject `{subject}` has metadata");
        return Err(Refusal::new(Case::NoSuchSchema, message));
    }
    let version = Number::Latest.of(&entry)?;
    Ok(Answer(version_reply(&entry.kind, version)))
}

/// Refuses to delete a version, which must be there.
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    Path((subject, number)): Path<(String, String)>,
) -> Result<(), Refusal> {
    let (entry, version) = version(state.services()?.router.snapshot().view(), &subject, &number)?;
    let message = format!(
        "version {} of the subject `{}` stays: versions never change; a subject is deleted as a whole, \
         with `permanent=true`",
        version.number, entry.kind
    );
    Err(Refusal::new(Case::NotPermitted, message))
}

/// The document of a version as the whole body.
pub(super) fn raw(version: &SchemaVersion) -> Result<Answer<Box<RawValue>>, Refusal> {
    let raw = RawValue::from_string(text_of(version));
    raw.map(Answer)
        .map_err(|error| crate::http::problem::internal(&error).into())
}

fn version(
    view: &View,
    subject: &str,
    number: &str,
) -> Result<(Arc<SchemaEntry>, Arc<SchemaVersion>), Refusal> {
    let number: Number = number.parse()?;
    let entry = find(view, &EventType::parse(subject)?)?;
    let version = Arc::clone(number.of(&entry)?);
    Ok((entry, version))
}
