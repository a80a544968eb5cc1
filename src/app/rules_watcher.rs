//! Rules files: read at start, watched afterwards.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog;
use crate::catalog::Issue;
use crate::catalog::Source;
use crate::routing::Control;
use crate::routing::ControlError;
use crate::routing::Desired;

/// How often the files are read. Polling sees every way in which an editor or a deployment
/// replaces a file; a few small files cost nothing.
const POLL: Duration = Duration::from_millis(500);

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
    #[error("{}", render(.0))]
    Invalid(Vec<Issue>),
    /// The rules cannot be put in force.
    #[error("the rules cannot be applied: {}", describe(.0))]
    Apply(ControlError),
}

fn render(issues: &[Issue]) -> String {
    issues.iter().map(Issue::render).collect::<Vec<_>>().join("\n")
}

fn describe(error: &ControlError) -> String {
    match error {
        ControlError::Refused(issues) => render(issues),
        other => other.to_string(),
    }
}

/// The texts of rules files and folders, with their names.
///
/// # Errors
/// [`RulesError::Read`] for the first that cannot be read.
pub fn read_rules(paths: &[PathBuf]) -> Result<Vec<(String, String)>, RulesError> {
    let mut texts = Vec::new();
    for path in paths {
        let failed = |source| RulesError::Read {
            path: path.clone(),
            source,
        };
        for file in files(path).map_err(failed)? {
            let text = fs::read_to_string(&file).map_err(failed)?;
            texts.push((file.display().to_string(), text));
        }
    }
    Ok(texts)
}

/// A file stands for itself, a folder for the rules files in it, sorted.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let is_rules = file
            .extension()
            .is_some_and(|ext| ["yaml", "yml", "json"].iter().any(|known| ext == *known));
        if is_rules && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Puts the rules of files in force, as their owner.
pub(super) async fn apply(
    control: &Arc<Control>,
    texts: &[(String, String)],
    gone: &[String],
) -> Result<(), RulesError> {
    let mut sources = catalog::read_sources(texts).map_err(RulesError::Invalid)?;
    // A file that is gone is one without rules: what it owned is removed.
    sources.extend(gone.iter().map(|name| Source {
        name: name.clone(),
        files: Vec::new(),
    }));
    control
        .change(Desired::Sources(sources), false)
        .await
        .map(drop)
        .map_err(RulesError::Apply)
}

/// Reads the files again and again until `stop`, and puts in force what has changed. A broken
/// file is reported once; the last good state stays.
pub(super) async fn watch(
    control: Arc<Control>,
    paths: Vec<PathBuf>,
    mut seen: Vec<(String, String)>,
    stop: CancellationToken,
) {
    while stop.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
        let paths = paths.clone();
        let read = tokio::task::spawn_blocking(move || read_rules(&paths)).await;
        let texts = match read {
            Ok(Ok(texts)) if texts != seen => texts,
            // A file that is being replaced may be away for a moment; the next look decides.
            _ => continue,
        };
        let is_gone = |name: &&String| !texts.iter().any(|(known, _)| known == *name);
        let gone: Vec<_> = seen
            .iter()
            .map(|(name, _)| name)
            .filter(is_gone)
            .cloned()
            .collect();
        match apply(&control, &texts, &gone).await {
            Ok(()) => tracing::info!("changed rules are in force"),
            Err(error) => tracing::error!("changed rules are refused; the last good ones stay\n{error}"),
        }
        seen = texts;
    }
}
