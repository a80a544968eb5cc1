//! Rules files: read at start, watched afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::mem;
use std::path::Path;
use std::path::PathBuf;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_util::sync::CancellationToken;

use crate::catalog;
use crate::catalog::Issue;
use crate::catalog::RepositoryError;
use crate::catalog::Source;
use crate::problem::chain;
use crate::routing::Control;
use crate::routing::ControlError;
use crate::routing::Desired;
use crate::routing::Router;

/// How often the files are read. Polling sees every way in which an editor or a deployment
/// replaces a file; a few small files cost nothing.
const POLL: Duration = Duration::from_millis(250);

/// The folder of schemas inside a folder of rules.
const SCHEMAS: &str = "schemas";

/// Names and contents of rules files.
type Texts = Vec<(String, String)>;

/// Rules files that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// A file or folder cannot be read.
    #[error("cannot read the rules in {path}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The files are read, and wrong.
    #[error("{}", Issue::render_all(.0))]
    Invalid(Vec<Issue>),
    /// The rules cannot be put in force.
    #[error("the rules cannot be applied")]
    Apply(#[source] ControlError),
}

impl RulesError {
    /// Whether the files are at fault, and not the machine.
    pub(super) const fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::Invalid(_)
                | Self::Apply(ControlError::Refused(_) | ControlError::Plan(_))
        )
    }

    /// Whether the same files would fail again.
    const fn is_final(&self) -> bool {
        match self {
            Self::Read { .. } => false,
            Self::Invalid(_) => true,
            Self::Apply(error) => !matches!(
                error,
                ControlError::Repository(
                    RepositoryError::Conflict
                        | RepositoryError::Unavailable { .. }
                        | RepositoryError::OutcomeUnknown { .. }
                )
            ),
        }
    }
}

/// The texts of rules files and folders, with their names.
///
/// # Errors
/// [`RulesError::Read`] for the first that cannot be read.
pub fn read_rules(paths: &[PathBuf]) -> Result<Texts, RulesError> {
    let mut texts = Vec::new();
    for path in paths {
        let failed = |source| RulesError::Read {
            path: path.clone(),
            source,
        };
        for file in files(path).map_err(failed)? {
            let mut text = fs::read_to_string(&file).map_err(failed)?;
            if let Some(kind) = schema_of(&file) {
                text = catalog::rules_file_of_schema(&kind, &text);
            }
            texts.push((file.display().to_string(), text));
        }
    }
    Ok(texts)
}

/// The event type of a file in a folder of schemas, which is called after it.
///
/// Characters that names of files cannot have are percent-encoded.
fn schema_of(file: &Path) -> Option<String> {
    let folder = file.parent()?.file_name()?;
    let name = (folder == SCHEMAS).then(|| file.file_stem()?.to_str())??;
    let decoded = percent_decode_str(name).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// A file stands for itself, a folder for the rules files in it, sorted, behind those in its folder of schemas.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = match path.join(SCHEMAS) {
        schemas if schemas.is_dir() => files_in(&schemas)?,
        _ => Vec::new(),
    };
    files.extend(files_in(path)?);
    Ok(files)
}

fn files_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let is_rules = file
            .extension()
            .is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known));
        // What editors and archives leave beside a file.
        let is_hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_rules && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The texts of the rules while they are watched: a file that is gone has none, but a folder that
/// cannot be read says nothing about the files in it.
fn look(paths: &[PathBuf], folders: &[PathBuf]) -> Result<Texts, RulesError> {
    let mut texts = Vec::new();
    for path in paths {
        match read_rules(slice::from_ref(path)) {
            Err(RulesError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound && !folders.contains(path) => {}
            read => texts.extend(read?),
        }
    }
    Ok(texts)
}

/// Keeps the rules of files in force, as their owner.
pub(super) struct RulesWatcher {
    control: Arc<Control>,
    router: Arc<Router>,
}

impl RulesWatcher {
    /// Changes go to `control`; what is in force is read from `router`.
    pub(super) const fn new(control: Arc<Control>, router: Arc<Router>) -> Self {
        Self { control, router }
    }

    /// Puts the rules of all files in force. What is owned by any other file is removed.
    pub(super) async fn apply(&self, texts: &[(String, String)]) -> Result<(), RulesError> {
        let mut sources = catalog::read_sources(texts).map_err(RulesError::Invalid)?;
        // A file that is gone is one without rules: what it owned is removed.
        sources.extend(self.gone(texts).into_iter().map(|name| Source {
            name,
            files: Vec::new(),
        }));
        self.control
            .change(Desired::Sources(sources), false)
            .await
            .map(drop)
            .map_err(RulesError::Apply)
    }

    /// Names the files that own rules although no rules files are given.
    pub(super) fn tell_of_left(&self) {
        let files = self.gone(&[]);
        if !files.is_empty() {
            tracing::warn!(
                ?files,
                "no --rules are given; the rules of these files stay in force"
            );
        }
    }

    /// Files that own rules and are not among the rules files any more.
    fn gone(&self, texts: &[(String, String)]) -> BTreeSet<String> {
        let snapshot = self.router.snapshot();
        let owners = snapshot
            .view()
            .buses()
            .flat_map(|bus| bus.rules.values())
            .filter_map(|live| live.owner.clone());
        owners
            .filter(|owner| !texts.iter().any(|(name, _)| name == owner))
            .collect()
    }

    /// Looks at the files again and again until `stop`, and puts in force what has changed.
    ///
    /// Only what two looks in a row agree on counts: a file that is being written or replaced may
    /// be empty or away for a moment, and a rule that goes takes its undelivered events along. A
    /// broken file is reported once and the last good state stays; a database that is away is tried
    /// again.
    pub(super) async fn run(self, paths: Vec<PathBuf>, mut settled: Texts, stop: CancellationToken) {
        let folders: Vec<_> = paths.iter().filter(|path| path.is_dir()).cloned().collect();
        let (mut last, mut trouble) = (settled.clone(), String::new());
        while stop.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
            let (paths, folders) = (paths.clone(), folders.clone());
            let Ok(looked) = tokio::task::spawn_blocking(move || look(&paths, &folders)).await else {
                continue;
            };
            let ended = match looked {
                Err(error) => Err(error),
                Ok(texts) => {
                    let before = mem::replace(&mut last, texts);
                    if last != before || last == settled {
                        continue;
                    }
                    self.apply(&last).await
                }
            };
            let is_final = ended.as_ref().err().is_none_or(RulesError::is_final);
            let told = match ended {
                Ok(()) => {
                    tracing::info!("changed rules are in force");
                    String::new()
                }
                Err(error) => chain(&error),
            };
            if is_final {
                settled.clone_from(&last);
            }
            if !told.is_empty() && told != trouble {
                tracing::error!("changed rules are refused; the last good ones stay\n{told}");
            }
            trouble = told;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_not_the_fault_of_the_files() {
        let away = RulesError::Apply(RepositoryError::Conflict.into());
        assert!(!away.is_input());
        assert_eq!(
            chain(&away),
            "the rules cannot be applied: the catalog was not changed: the catalog was changed by somebody else in \
             the meantime"
        );
        let issue = Issue::new("/rules/0", "egress-denied", "not there");
        let refused = RulesError::Apply(ControlError::Refused(vec![issue]));
        assert!(refused.is_input());
        assert!(chain(&refused).contains("not there"), "{refused:?}");
    }
}
