//! What it takes to bring schemas to what files say.

use std::sync::Arc;

use serde_json::Value;

use super::control::Control;
use super::control::ControlError;
use super::schemas::By;
use super::schemas::judge;
use crate::catalog::AddVersion;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::EventType;
use crate::catalog::Issue;
use crate::catalog::Plan;
use crate::catalog::PutSchema;
use crate::catalog::RulesFile;
use crate::catalog::SchemaFile;
use crate::catalog::SchemaRow;
use crate::catalog::SchemaSettings;
use crate::catalog::SchemaVersionRow;
use crate::catalog::View;
use crate::catalog::version_path;
use crate::schema::compat::Answer;

/// What the text of a document contains if it refers to another one.
const REFERENCE: &str = "/v1/schemas/";

impl Control {
    /// Adds the schemas of files to a plan. Judging them takes a while.
    pub(super) async fn plan_schemas(
        &self,
        view: &Arc<View>,
        files: &[&RulesFile],
        (plan, change): (&mut Plan, &mut Change),
    ) -> Result<(), ControlError> {
        let mut view = Arc::clone(view);
        let mut refused = Vec::new();
        for (file, named) in in_order(files) {
            match self.plan_schema(&view, named).await? {
                Ok(step) => {
                    if let Some(version) = &step.version {
                        view = Arc::new(with(&view, named, version)?);
                    }
                    step.join(&named.kind, plan, change);
                }
                Err(issues) => refused.extend(issues.into_iter().map(|mut issue| {
                    issue.place = file.place(&issue);
                    issue
                })),
            }
        }
        if refused.is_empty() {
            Ok(())
        } else {
            Err(ControlError::Refused(refused))
        }
    }

    async fn plan_schema(
        &self,
        view: &Arc<View>,
        named: &SchemaFile,
    ) -> Result<Result<SchemaStep, Vec<Issue>>, ControlError> {
        let live = view.schema(named.kind.as_str());
        let revision = live.map_or(0, |live| live.revision);
        let settings = named.settings.as_ref();
        let settings = settings.filter(|settings| live.is_none_or(|live| live.settings != **settings));
        let mut step = SchemaStep {
            is_new: live.is_none(),
            settings: settings.map(|settings| PutSchema {
                kind: named.kind.clone(),
                expect: revision,
                settings: Arc::new(Value::Object(settings.shown())),
            }),
            version: None,
        };
        let Some(document) = &named.document else {
            return Ok(Ok(step));
        };
        let (view, router) = (Arc::clone(view), Arc::clone(self.router()));
        let (kind, text) = (named.kind.clone(), document.to_string());
        let wanted = named.settings.clone();
        let judging = tokio::task::spawn_blocking(move || {
            let by = By {
                settings: wanted.as_ref(),
                ..By::default()
            };
            judge(&view, router.origins(), &kind, text.as_bytes(), &by)
        });
        let judged = match judging.await.map_err(|_| ControlError::Stopping)? {
            Ok(judged) => judged,
            Err(errors) => return Ok(Err(named.issues(&errors))),
        };
        if judged.same_as.is_some() {
            return Ok(Ok(step));
        }
        if judged.verdict.answer != Answer::Compatible {
            let reasons = judged.verdict.reasons.iter().map(|reason| {
                let pointer = format!("{}/schema{}", named.pointer, reason.pointer);
                Issue::new(pointer, "incompatible-schema", reason.detail.clone())
            });
            return Ok(Err(reasons.collect()));
        }
        step.version = Some(AddVersion {
            kind: named.kind.clone(),
            expect: revision,
            settings: Arc::new(Value::Object(SchemaSettings::default().shown())),
            document: judged.document.value().to_string().into(),
            refers: judged.refers,
        });
        Ok(Ok(step))
    }
}

/// What it takes to bring a schema to what a file says.
struct SchemaStep {
    is_new: bool,
    settings: Option<PutSchema>,
    version: Option<AddVersion>,
}

impl SchemaStep {
    fn join(self, kind: &EventType, plan: &mut Plan, change: &mut Change) {
        let is_same = self.settings.is_none() && self.version.is_none();
        let named = match (self.is_new, is_same) {
            (true, _) => &mut plan.schemas.add,
            (false, false) => &mut plan.schemas.change,
            (false, true) => &mut plan.schemas.unchanged,
        };
        named.push(kind.clone());
        // An entry that says nothing of itself comes with its first version.
        change.put_schemas.extend(self.settings);
        change.add_versions.extend(self.version);
    }
}

/// The schemas of files, each behind those that its document names; those that name one another as they are.
fn in_order<'f>(files: &[&'f RulesFile]) -> Vec<(&'f RulesFile, &'f SchemaFile)> {
    let all = files
        .iter()
        .flat_map(|file| file.schemas.iter().map(|named| (*file, named)));
    let with_text = all.map(|(file, named)| {
        let text = named
            .document
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        (file, named, text)
    });
    let mut waiting: Vec<_> = with_text.collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    // What names nobody is most of it, and need not be compared with all others.
    let (referring, free): (Vec<_>, Vec<_>) = waiting
        .drain(..)
        .partition(|(_, _, text)| text.contains(REFERENCE));
    ordered.extend(free.into_iter().map(|(file, named, _)| (file, named)));
    waiting = referring;
    while !waiting.is_empty() {
        let paths: Vec<_> = waiting
            .iter()
            .map(|(_, named, _)| version_path(named.kind.as_str(), 1))
            .collect();
        let names_other = |own: usize, text: &str| {
            let mut others = paths.iter().enumerate().filter(|(other, _)| *other != own);
            others.any(|(_, path)| text.contains(path.trim_end_matches('1')))
        };
        let next = (0..waiting.len())
            .find(|own| {
                waiting
                    .get(*own)
                    .is_some_and(|(_, _, text)| !names_other(*own, text))
            })
            .unwrap_or(0);
        let (file, named, _) = waiting.remove(next);
        ordered.push((file, named));
    }
    ordered
}

/// The catalog as it will be with a version, for those that name it.
fn with(view: &View, named: &SchemaFile, version: &AddVersion) -> Result<View, ControlError> {
    let live = view.schema(named.kind.as_str());
    let settings = named.settings.as_ref().or(live.map(|live| &live.settings));
    let shown = settings.map_or_else(|| SchemaSettings::default().shown(), SchemaSettings::shown);
    let number = live
        .and_then(|live| live.latest())
        .map_or(0, |latest| latest.number)
        + 1;
    let committed = Committed {
        version: view.version(),
        schemas: vec![SchemaRow {
            kind: named.kind.clone(),
            revision: version.expect,
            settings: Arc::new(Value::Object(shown)),
            last_version: number,
        }],
        schema_versions: vec![SchemaVersionRow {
            kind: named.kind.clone(),
            number,
            id: 0,
            document: Arc::clone(&version.document),
        }],
        ..Committed::default()
    };
    Ok(view.after(&committed)?)
}
