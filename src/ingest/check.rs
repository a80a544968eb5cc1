//! What is asked of events before they are stored: whether their source may publish them, and what the schema of
//! their type says. Never touches the database.

use std::sync::Arc;

use crate::catalog::Origins;
use crate::catalog::Validation;
use crate::event::Event;
use crate::routing::DataVerdict;
use crate::routing::Denial;
use crate::routing::Snapshot;
use crate::routing::data_verdict;
use crate::routing::is_validated;
use crate::schema::Violation;

/// Data that is judged on the thread that serves; more goes where it may take long.
const AT_ONCE: usize = 64 * 1024;

/// An event that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its place among those offered, from 0.
    pub index: usize,
    /// Why.
    pub cause: Cause,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Register its source.
    #[error("the source `{source_name}` is not registered on the bus")]
    SourceNotRegistered {
        /// The source.
        source_name: String,
    },
    /// Declare its type.
    #[error("the source `{source_name}` did not declare the type `{kind}`")]
    TypeNotDeclared {
        /// The source.
        source_name: String,
        /// The type.
        kind: String,
    },
    /// Correct its data.
    #[error(
        "the data violates version {version} of the schema of `{kind}`: {}",
        first(violations)
    )]
    SchemaViolation {
        /// The type.
        kind: String,
        /// The version.
        version: u32,
        /// Everything that is wrong, at least one.
        violations: Vec<Violation>,
    },
}

impl Cause {
    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SourceNotRegistered { .. } => "source-not-registered",
            Self::TypeNotDeclared { .. } => "type-not-declared",
            Self::SchemaViolation { .. } => "schema-violation",
        }
    }
}

fn first(violations: &[Violation]) -> String {
    let more = match violations.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    violations.first().map_or_else(String::new, |violation| {
        let at = if violation.pointer.is_empty() {
            String::new()
        } else {
            format!("{}: ", violation.pointer)
        };
        format!("{at}{}{more}", violation.detail)
    })
}

/// What was found out about events.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Those refused, ascending.
    pub(super) refusals: Vec<Refusal>,
    /// The types of those that are stored although they violate the schema.
    pub(super) warned: Vec<String>,
}

/// Judges the events for a bus.
pub(super) async fn check(
    snapshot: &Arc<Snapshot>,
    origins: &Origins,
    bus: &str,
    events: &[Event],
) -> Checked {
    let mut checked = Checked::default();
    let mut judged = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match snapshot.admit(bus, event) {
            Err(denial) => checked.refuse(index, denied(denial, event)),
            Ok(()) if is_validated(snapshot.view(), event) => judged.push((index, event)),
            Ok(()) => {}
        }
    }
    for ((index, event), verdict) in judged.iter().zip(verdicts(snapshot, origins, &judged).await) {
        if let Some(verdict) = verdict {
            checked.hear(*index, event, verdict);
        }
    }
    checked.refusals.sort_by_key(|refusal| refusal.index);
    checked
}

/// Judges one event for a bus, on this thread.
pub(super) fn check_one(snapshot: &Snapshot, origins: &Origins, bus: &str, event: &Event) -> Checked {
    let mut checked = Checked::default();
    if let Err(denial) = snapshot.admit(bus, event) {
        checked.refuse(0, denied(denial, event));
    } else if let Some(verdict) = data_verdict(snapshot.view(), origins, event) {
        checked.hear(0, event, verdict);
    }
    checked
}

async fn verdicts(
    snapshot: &Arc<Snapshot>,
    origins: &Origins,
    events: &[(usize, &Event)],
) -> Vec<Option<DataVerdict>> {
    let size: usize = events.iter().map(|(_, event)| event.data().bytes().len()).sum();
    if size <= AT_ONCE {
        let verdict = |(_, event): &(usize, &Event)| data_verdict(snapshot.view(), origins, event);
        return events.iter().map(verdict).collect();
    }
    let events: Vec<Event> = events.iter().map(|(_, event)| Event::clone(event)).collect();
    let (snapshot, origins) = (Arc::clone(snapshot), origins.clone());
    let judging = tokio::task::spawn_blocking(move || {
        let verdict = |event| data_verdict(snapshot.view(), &origins, event);
        events.iter().map(verdict).collect()
    });
    match judging.await {
        Ok(verdicts) => verdicts,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The runtime stops: nobody gets an answer.
        Err(_) => Vec::new(),
    }
}

impl Checked {
    fn refuse(&mut self, index: usize, cause: Cause) {
        self.refusals.push(Refusal { index, cause });
    }

    fn hear(&mut self, index: usize, event: &Event, verdict: DataVerdict) {
        if verdict.violations.is_empty() {
            return;
        }
        let kind = event.kind().to_owned();
        if verdict.validation == Validation::Reject {
            let DataVerdict {
                version, violations, ..
            } = verdict;
            self.refuse(
                index,
                Cause::SchemaViolation {
                    kind,
                    version,
                    violations,
                },
            );
        } else {
            self.warned.push(kind);
        }
    }

    /// Counts those refused.
    pub(super) fn count_refused(&self) {
        for refusal in &self.refusals {
            if let Cause::SchemaViolation { kind, .. } = &refusal.cause {
                count(kind, Validation::Reject);
            }
        }
    }

    /// Counts those stored all the same.
    pub(super) fn count_warned(&self) {
        self.warned.iter().for_each(|kind| count(kind, Validation::Warn));
    }
}

fn denied(denial: Denial, event: &Event) -> Cause {
    let source_name = event.source().to_owned();
    match denial {
        Denial::SourceNotRegistered => Cause::SourceNotRegistered { source_name },
        Denial::TypeNotDeclared => Cause::TypeNotDeclared {
            source_name,
            kind: event.kind().to_owned(),
        },
    }
}

/// The types that have schemas are as many as people made, so a label for each is bounded.
fn count(kind: &str, validation: Validation) {
    let labels = [
        ("type", kind.to_owned()),
        ("validation", validation.word().to_owned()),
    ];
    metrics::counter!("tramline_schema_violations_total", &labels).increment(1);
}
