//! Versions by their numbers among all versions, and by the names of their texts.

use std::sync::Arc;

use axum::extract::State;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::answer::guid_of;
use super::answer::version_reply;
use super::extract::Path;
use super::extract::Query;
use super::refusal::Case;
use super::refusal::Refusal;
use super::versions::raw;
use crate::api::confluent::SubjectVersion;
use crate::api::confluent::VersionReply;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaVersion;
use crate::catalog::View;
use crate::http::blocking::blocking;
use crate::http::state::AppState;

/// The version with an id, whatever `subject` is asked for: ids are the same for all.
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Answer<VersionReply>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let (entry, version) = find(snapshot.view(), &id)?;
    let mut reply = version_reply(&entry.kind, version);
    reply.max_id = query.says("fetchMaxId").then(|| max_id(snapshot.view()));
    Ok(Answer(reply))
}

/// The schema with an id alone.
pub(super) async fn text(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<Answer<Box<RawValue>>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let (_, version) = find(snapshot.view(), &id)?;
    raw(version)
}

/// The subject that has the version with an id.
pub(super) async fn subjects(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Answer<Vec<String>>, Refusal> {
    let found = places(&state, &id, &query)?;
    Ok(Answer(found.into_iter().map(|place| place.subject).collect()))
}

/// The subject that has the version with an id, and the number there.
pub(super) async fn versions(
    State(state): State<Arc<AppState>>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Answer<Vec<SubjectVersion>>, Refusal> {
    places(&state, &id, &query).map(Answer)
}

/// A version with the text that a GUID names.
pub(super) async fn by_guid(
    State(state): State<Arc<AppState>>,
    Path(guid): Path<String>,
) -> Result<Answer<VersionReply>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let seeking = blocking(move || {
        let schemas = snapshot.view().schemas();
        let mut all = schemas
            .iter()
            .flat_map(|entry| entry.versions.iter().map(move |version| (entry, version)));
        let found = all.find(|(_, version)| guid_of(version).eq_ignore_ascii_case(&guid));
        let reply = found.map(|(entry, version)| version_reply(&entry.kind, version));
        Ok(reply.ok_or_else(|| no_such_schema(&guid)))
    });
    seeking.await?.map(Answer)
}

fn places(state: &AppState, id: &str, query: &Query) -> Result<Vec<SubjectVersion>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let (entry, version) = find(snapshot.view(), id)?;
    let asked = query.text("subject").filter(|subject| !subject.is_empty());
    let is_asked = asked.is_none_or(|subject| subject == entry.kind.as_str());
    let place = is_asked.then(|| SubjectVersion {
        subject: entry.kind.as_str().to_owned(),
        version: version.number,
    });
    query.page(place.into_iter().collect())
}

fn find<'a>(view: &'a View, id: &str) -> Result<(&'a Arc<SchemaEntry>, &'a Arc<SchemaVersion>), Refusal> {
    let found = id.parse().ok().and_then(|id| view.schema_version_with_id(id));
    found.ok_or_else(|| no_such_schema(id))
}

fn no_such_schema(name: &str) -> Refusal {
    Refusal::new(Case::NoSuchSchema, format!("there is no schema `{name}`"))
}

fn max_id(view: &View) -> u64 {
    let schemas = view.schemas();
    let latest = schemas.iter().filter_map(|entry| entry.latest());
    latest.map(|version| version.id).max().unwrap_or(0)
}
