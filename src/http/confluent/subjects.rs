//! Subjects: listed, asked whether they have a schema, and deleted.

use std::sync::Arc;

use axum::extract::State;

use super::answer::Answer;
use super::answer::version_reply;
use super::extract::Body;
use super::extract::Query;
use super::extract::Subject;
use super::refusal::Case;
use super::refusal::Refusal;
use super::request::document;
use crate::api::confluent::SchemaRequest;
use crate::api::confluent::VersionReply;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::View;
use crate::http::state::AppState;
use crate::routing::Desired;

/// How a prefix begins that is meant for every context; there is one.
const ANY_CONTEXT: &str = ":*:";

/// The subject, which has a version.
///
/// # Errors
/// There is none.
pub(super) fn find(view: &View, subject: &EventType) -> Result<Arc<SchemaEntry>, Refusal> {
    let entry = view.schema(subject.as_str());
    let entry = entry.filter(|entry| !entry.versions.is_empty());
    entry.cloned().ok_or_else(|| Refusal::no_such_subject(subject))
}

/// The subjects that have versions.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    query: Query,
) -> Result<Answer<Vec<String>>, Refusal> {
    let snapshot = state.services()?.router.snapshot();
    let prefix = query.text("subjectPrefix").unwrap_or_default();
    let prefix = prefix.strip_prefix(ANY_CONTEXT).unwrap_or(prefix);
    let is_asked = |entry: &&Arc<SchemaEntry>| {
        !entry.versions.is_empty()
            && !query.asks_for_deleted_only()
            && entry.kind.as_str().starts_with(prefix)
    };
    let subjects = snapshot.view().schemas().into_iter().filter(is_asked);
    let subjects = subjects.map(|entry| entry.kind.as_str().to_owned());
    query.page(subjects.collect()).map(Answer)
}

/// The version that says the same as a schema.
pub(super) async fn look_up(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    Body(request): Body<SchemaRequest>,
) -> Result<Answer<VersionReply>, Refusal> {
    let services = state.services()?;
    let snapshot = services.router.snapshot();
    find(snapshot.view(), &subject)?;
    let document = document(snapshot.view(), request)?;
    let found = services.control.version_saying(&subject, document.as_bytes());
    let found = found.await?.ok_or_else(|| {
        let message = format!("the subject `{subject}` has no version that says the same as this schema");
        Refusal::new(Case::NoSuchSchema, message)
    })?;
    Ok(Answer(version_reply(&subject, &found)))
}

/// Deletes a subject for good; gives the numbers of its versions.
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    query: Query,
) -> Result<Answer<Vec<u32>>, Refusal> {
    let services = state.services()?;
    let entry = find(services.router.snapshot().view(), &subject)?;
    if !query.says("permanent") {
        let message = "what is deleted here is gone: there is nothing to take it back from; \
                       delete the subject with `permanent=true`";
        return Err(Refusal::new(Case::NotPermitted, message));
    }
    let desired = Desired::DeleteSchema {
        kind: subject,
        expect: Some(entry.revision),
    };
    services.control.change(desired, false).await?;
    let versions = entry.versions.iter();
    Ok(Answer(versions.map(|version| version.number).collect()))
}
