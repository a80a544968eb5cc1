//! What it takes to put, judge, register and remove a schema.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::control::Control;
use super::control::ControlError;
use super::control::Desired;
use crate::catalog::AddVersion;
use crate::catalog::Change;
use crate::catalog::EventType;
use crate::catalog::Issue;
use crate::catalog::Origins;
use crate::catalog::PutSchema;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaSettings;
use crate::catalog::SchemaVersion;
use crate::catalog::Versions;
use crate::catalog::View;
use crate::catalog::parse_document;
use crate::schema::SchemaDocument;
use crate::schema::SchemaError;
use crate::schema::Validator;
use crate::schema::compat::Answer;
use crate::schema::compat::Verdict;
use crate::schema::compat::check_against_versions;

/// Most versions named when a schema cannot go.
const MAX_USERS: usize = 10;
/// Most versions of one schema: all are kept compiled.
const MAX_VERSIONS: usize = 1_000;
/// How long a document is judged anew when others change the schema in between.
const PATIENCE: Duration = Duration::from_secs(10);
/// Documents judged at once: each may keep a processor for seconds.
static JUDGES: Semaphore = Semaphore::const_new(4);
/// Who has not come to be judged by then is told to come again.
const JUDGE_WAIT: Duration = Duration::from_secs(10);

/// What a document is, and whether it may follow the versions of its schema.
#[derive(Debug)]
pub struct Judged {
    /// The document.
    pub document: SchemaDocument,
    /// The document, compiled.
    pub validator: Validator,
    /// Whether it may follow.
    pub verdict: Verdict,
    /// The version that says the same, if there is one.
    pub same_as: Option<u32>,
    /// The state of the schema that it was judged by, 0 for none.
    revision: u64,
    versions: usize,
    /// The catalog by which it was judged.
    pub view: Arc<View>,
    pub(super) refers: Vec<(EventType, u32)>,
}

/// A document that is a version now.
#[derive(Debug)]
pub struct Registered {
    /// The version.
    pub version: Arc<SchemaVersion>,
    /// Whether it was added, and not there before.
    pub is_new: bool,
    /// What was found before it was added.
    pub judged: Judged,
}

/// Why a document is not a version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// It is no schema that can be used.
    #[error("the schema cannot be used")]
    Invalid(Vec<SchemaError>),
    /// It may not follow the versions that are there.
    #[error("the schema is not compatible with the versions before it")]
    Incompatible(Box<Judged>),
    /// The server judges as many documents as it can, or others change this schema all the time.
    #[error("the server is busy with other schemas")]
    Busy,
    /// The catalog could not be changed.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Control {
    /// Judges a document against the versions of the schema of an event type, without storing it.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] and [`RegisterError::Busy`].
    pub async fn judge(&self, kind: &EventType, document: &[u8]) -> Result<Judged, RegisterError> {
        let (kind, bytes) = (kind.clone(), document.to_vec());
        self.in_turn(move |view, origins| judge(view, origins, &kind, &bytes, &By::default()))
            .await
    }

    /// Judges a document against one version of the schema of an event type, without storing it.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] and [`RegisterError::Busy`].
    pub async fn judge_against(
        &self,
        kind: &EventType,
        document: &[u8],
        number: u32,
    ) -> Result<Judged, RegisterError> {
        let (kind, bytes) = (kind.clone(), document.to_vec());
        self.in_turn(move |view, origins| {
            let by = By {
                version: Some(number),
                ..By::default()
            };
            judge(view, origins, &kind, &bytes, &by)
        })
        .await
    }

    /// The version of the schema of an event type that says the same as a document.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] and [`RegisterError::Busy`].
    pub async fn version_saying(
        &self,
        kind: &EventType,
        document: &[u8],
    ) -> Result<Option<Arc<SchemaVersion>>, RegisterError> {
        let (kind, bytes) = (kind.clone(), document.to_vec());
        self.in_turn(move |view, origins| {
            let (document, _) = read(view, origins, &bytes)?;
            let entry = view.schema(kind.as_str());
            Ok(entry.and_then(|entry| entry.version_saying(&document).cloned()))
        })
        .await
    }

    /// Does what may keep a processor for seconds, few at once.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<View>, &Origins) -> Result<T, Vec<SchemaError>> + Send + 'static,
    ) -> Result<T, RegisterError> {
        let waited = tokio::time::timeout(JUDGE_WAIT, JUDGES.acquire()).await;
        let Ok(Ok(permit)) = waited else {
            return Err(RegisterError::Busy);
        };
        let view = Arc::clone(self.router().snapshot().view());
        let router = Arc::clone(self.router());
        let working = tokio::task::spawn_blocking(move || {
            // Held by the work itself, which goes on when nobody waits for it any more.
            let _permit = permit;
            work(&view, router.origins())
        });
        let done = working.await.map_err(|_| ControlError::Stopping)?;
        done.map_err(RegisterError::Invalid)
    }

    /// Makes a document the next version of the schema of an event type, which is added if there is none.
    ///
    /// On return it is durable and in force. One that says the same as a version is that version.
    ///
    /// # Errors
    /// Nothing has changed, except as [`change`](Self::change) says.
    pub async fn register(
        self: &Arc<Self>,
        kind: &EventType,
        document: &[u8],
        accepts_undecided: bool,
    ) -> Result<Registered, RegisterError> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.catch_up().await?;
            let judged = self.judge(kind, document).await?;
            if let Some(number) = judged.same_as {
                let snapshot = self.router().snapshot();
                if let Some(version) = snapshot.view().schema_version(kind.as_str(), number) {
                    let (version, is_new) = (Arc::clone(version), false);
                    return Ok(Registered {
                        version,
                        is_new,
                        judged,
                    });
                }
                continue;
            }
            let is_fit = match judged.verdict.answer {
                Answer::Compatible => true,
                Answer::Undecided => accepts_undecided,
                Answer::Incompatible => false,
            };
            if !is_fit {
                return Err(RegisterError::Incompatible(Box::new(judged)));
            }
            if judged.versions >= MAX_VERSIONS {
                let detail = format!("a schema has at most {MAX_VERSIONS} versions");
                let issue = Issue::new("", "too-many-versions", detail);
                return Err(ControlError::Refused(vec![issue]).into());
            }
            let desired = Desired::AddSchemaVersion {
                kind: kind.clone(),
                document: judged.document.value().to_string().into(),
                refers: judged.refers.clone(),
                expect: judged.revision,
            };
            match self.change(desired, false).await {
                Err(ControlError::StaleSchema { .. }) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            let snapshot = self.router().snapshot();
            let entry = snapshot.view().schema(kind.as_str());
            // Not there any more if somebody removed it at once.
            if let Some(version) = entry.and_then(|entry| entry.version_saying(&judged.document)) {
                let (version, is_new) = (Arc::clone(version), true);
                return Ok(Registered {
                    version,
                    is_new,
                    judged,
                });
            }
        }
        Err(RegisterError::Busy)
    }
}

fn read(
    view: &View,
    origins: &Origins,
    bytes: &[u8],
) -> Result<(SchemaDocument, Versions), Vec<SchemaError>> {
    let find = |kind: &EventType, number| view.schema_version(kind.as_str(), number).cloned();
    parse_document(bytes, |url| origins.version_at(url), find)
}

/// By what a document is judged.
#[derive(Default)]
pub(super) struct By<'a> {
    /// These settings, and not those of the schema.
    pub(super) settings: Option<&'a SchemaSettings>,
    /// This version only.
    pub(super) version: Option<u32>,
}

/// Takes a while: for a thread that may be kept.
pub(super) fn judge(
    view: &Arc<View>,
    origins: &Origins,
    kind: &EventType,
    bytes: &[u8],
    by: &By<'_>,
) -> Result<Judged, Vec<SchemaError>> {
    let (document, refers) = read(view, origins, bytes)?;
    let validator = Validator::compile(&document).map_err(|error| vec![error])?;
    let entry = view.schema(kind.as_str()).map(AsRef::as_ref);
    let versions = entry.map(|entry| entry.versions.as_slice()).unwrap_or_default();
    let defaults = SchemaSettings::default();
    let settings = by
        .settings
        .or(entry.map(|entry| &entry.settings))
        .unwrap_or(&defaults);
    let meant = versions
        .iter()
        .filter(|version| by.version.is_none_or(|number| number == version.number));
    let numbered = meant.map(|version| {
        let compiled = version.compiled().map_err(<[_]>::to_vec)?;
        Ok((version.number, compiled.document.clone()))
    });
    let verdict = check_against_versions(
        &numbered.collect::<Result<Vec<_>, Vec<SchemaError>>>()?,
        &document,
        settings.compatibility,
        settings.policy,
    );
    let same = entry.and_then(|entry| entry.version_saying(&document));
    Ok(Judged {
        verdict,
        view: Arc::clone(view),
        same_as: same.map(|version| version.number),
        revision: entry.map_or(0, |entry| entry.revision),
        versions: versions.len(),
        refers: refers.into_iter().collect(),
        document,
        validator,
    })
}

/// Adds a schema without versions, or replaces its settings; nothing to do if they are the same already.
pub(super) fn put(
    view: &View,
    kind: &EventType,
    settings: &SchemaSettings,
    expect: Option<u64>,
) -> Result<Change, ControlError> {
    let live = check_revision(view, kind, expect)?;
    let mut change = Change::default();
    if live.is_none_or(|live| live.settings != *settings) {
        change.put_schemas.push(PutSchema {
            kind: kind.clone(),
            expect: live.map_or(0, |live| live.revision),
            settings: Arc::new(Value::Object(settings.shown())),
        });
    }
    Ok(change)
}

/// Adds a version that was judged by the revision expected.
pub(super) fn add_version(
    view: &View,
    kind: &EventType,
    (document, refers): (&Arc<str>, &[(EventType, u32)]),
    expect: u64,
) -> Result<Change, ControlError> {
    check_revision(view, kind, Some(expect))?;
    let add = AddVersion {
        kind: kind.clone(),
        expect,
        settings: Arc::new(Value::Object(SchemaSettings::default().shown())),
        document: Arc::clone(document),
        refers: refers.to_vec(),
    };
    Ok(Change {
        add_versions: vec![add],
        ..Change::default()
    })
}

/// Removes a schema that no other one refers to.
pub(super) fn delete(view: &View, kind: &EventType, expect: Option<u64>) -> Result<Change, ControlError> {
    if check_revision(view, kind, expect)?.is_none() {
        return Err(ControlError::NoSuchSchema(kind.clone()));
    }
    let users = view.schemas_referring_to(kind).take(MAX_USERS);
    let users: Vec<_> = users
        .map(|(kind, number)| format!("version {number} of `{kind}`"))
        .collect();
    if !users.is_empty() {
        let kind = kind.clone();
        return Err(ControlError::SchemaInUse { kind, users });
    }
    Ok(Change {
        delete_schemas: vec![kind.clone()],
        // A version that refers to it may be on its way on another server.
        expect_version: Some(view.version()),
        ..Change::default()
    })
}

fn check_revision<'a>(
    view: &'a View,
    kind: &EventType,
    expect: Option<u64>,
) -> Result<Option<&'a SchemaEntry>, ControlError> {
    let live = view.schema(kind.as_str()).map(AsRef::as_ref);
    let found = live.map_or(0, |live| live.revision);
    match expect {
        Some(expected) if expected != found => Err(ControlError::StaleSchema {
            kind: kind.clone(),
            found,
            expected,
        }),
        _ => Ok(live),
    }
}
