//! The compatibility level: of a subject one of its settings, of all others the default, which stays.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;

use super::answer::Answer;
use super::extract::Body;
use super::extract::Query;
use super::extract::Subject;
use super::refusal::Case;
use super::refusal::Refusal;
use crate::api::confluent::LevelReply;
use crate::api::confluent::LevelRequest;
use crate::api::confluent::LevelSet;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaSettings;
use crate::http::state::AppState;
use crate::http::state::Services;
use crate::routing::Desired;

const LEVEL: &str = "compatibility";

/// The level of subjects that were given none; deleting it leaves it as it is.
pub(super) async fn global(State(state): State<Arc<AppState>>) -> Result<Answer<LevelReply>, Refusal> {
    state.services()?;
    let level = level_of(&SchemaSettings::default());
    Ok(Answer(LevelReply { level }))
}

/// Refuses another level for all subjects at once.
pub(super) async fn put_global(
    State(state): State<Arc<AppState>>,
    Body(request): Body<LevelRequest>,
) -> Result<Answer<LevelSet>, Refusal> {
    state.services()?;
    let default = SchemaSettings::default();
    let level = level_of(&with_level(&default, &request)?);
    if level != level_of(&default) {
        let message = format!(
            "the level of all subjects is {} and stays; set that of a subject",
            level_of(&default)
        );
        return Err(Refusal::new(Case::NotPermitted, message));
    }
    Ok(Answer(LevelSet { level }))
}

/// The level of a subject.
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    query: Query,
) -> Result<Answer<LevelReply>, Refusal> {
    let level = match find(state.services()?, &subject) {
        Some(entry) => level_of(&entry.settings),
        None if query.says("defaultToGlobal") => level_of(&SchemaSettings::default()),
        None => {
            let message = format!("the subject `{subject}` has no compatibility level of its own");
            return Err(Refusal::new(Case::NoLevelOfItsOwn, message));
        }
    };
    Ok(Answer(LevelReply { level }))
}

/// Sets the level of a subject, which need not have versions; its other settings stay.
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
    Body(request): Body<LevelRequest>,
) -> Result<Answer<LevelSet>, Refusal> {
    let services = state.services()?;
    let entry = find(services, &subject);
    let default = SchemaSettings::default();
    let settings = with_level(entry.as_ref().map_or(&default, |entry| &entry.settings), &request)?;
    let level = level_of(&settings);
    let revision = entry.map_or(0, |entry| entry.revision);
    set(services, subject, settings, revision).await?;
    Ok(Answer(LevelSet { level }))
}

/// Gives a subject the default level again; answers the level that it had.
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    Subject(subject): Subject,
) -> Result<Answer<LevelReply>, Refusal> {
    let services = state.services()?;
    let entry = find(services, &subject).ok_or_else(|| Refusal::no_such_subject(&subject))?;
    let settings = SchemaSettings {
        compatibility: SchemaSettings::default().compatibility,
        ..entry.settings.clone()
    };
    set(services, subject, settings, entry.revision).await?;
    let level = level_of(&entry.settings);
    Ok(Answer(LevelReply { level }))
}

async fn set(
    services: &Services,
    kind: EventType,
    settings: SchemaSettings,
    revision: u64,
) -> Result<(), Refusal> {
    let desired = Desired::PutSchema {
        kind,
        settings,
        expect: Some(revision),
    };
    services.control.change(desired, false).await?;
    Ok(())
}

fn find(services: &Services, subject: &EventType) -> Option<Arc<SchemaEntry>> {
    let snapshot = services.router.snapshot();
    snapshot.view().schema(subject.as_str()).cloned()
}

/// The level in Confluent's spelling, which is the word of the setting in capital letters.
fn level_of(settings: &SchemaSettings) -> String {
    let shown = settings.shown();
    let word = shown.get(LEVEL).and_then(Value::as_str);
    word.unwrap_or_default().to_ascii_uppercase()
}

fn with_level(settings: &SchemaSettings, request: &LevelRequest) -> Result<SchemaSettings, Refusal> {
    for (member, given) in [
        ("alias", &request.alias),
        ("compatibilityGroup", &request.compatibility_group),
        ("defaultMetadata", &request.default_metadata),
        ("overrideMetadata", &request.override_metadata),
        ("defaultRuleSet", &request.default_rule_set),
        ("overrideRuleSet", &request.override_rule_set),
    ] {
        if given.is_some() {
            let message = format!("`{member}` cannot be set here; leave it out");
            return Err(Refusal::new(Case::NotPermitted, message));
        }
    }
    let given = request
        .compatibility
        .as_ref()
        .or(request.compatibility_level.as_ref());
    let word = given.map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    let mut shown = settings.shown();
    shown.insert(LEVEL.to_owned(), word.into());
    SchemaSettings::parse(&Value::Object(shown)).map_err(|_| {
        let message =
            "a compatibility level is NONE, BACKWARD, FORWARD or FULL, the last three also with _TRANSITIVE";
        Refusal::new(Case::InvalidLevel, message)
    })
}
