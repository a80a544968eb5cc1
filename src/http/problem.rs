//! Errors of the modules, said over HTTP.

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::header::RETRY_AFTER;

use super::guard::current_id;
use super::refusal::refused;
use crate::catalog::Issue;
use crate::catalog::PlanError;
use crate::catalog::RepositoryError;
use crate::delivery::DeliveryError;
use crate::event::EventError;
use crate::event::ModeError;
use crate::ingest::PublishError;
use crate::log::AppendError;
use crate::log::LogError;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::problem::chain;
use crate::routing::ControlError;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An error of ours that the caller cannot mend; the chain goes to the log, not to the caller.
pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error = chain(error), request = current_id(), "a request failed");
    Problem::new(
        500,
        "internal",
        "the server could not serve this request; its log says why",
    )
}

impl From<ModeError> for Problem {
    fn from(error: ModeError) -> Self {
        let (status, code) = match error {
            ModeError::DuplicateContentType => (400, "duplicate-content-type"),
            ModeError::Format | ModeError::Charset => (415, "unsupported-media-type"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        let fault = fault_of(&error, None);
        Self::new(400, error.code(), error.detail()).with_errors(vec![fault])
    }
}

/// One bad event as a part of a problem.
pub(super) fn fault_of(error: &EventError, index: Option<usize>) -> Fault {
    Fault {
        index,
        pointer: error.pointer(),
        code: error.code(),
        detail: error.detail(),
        ..Fault::default()
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::NoSuchBus(bus) => no_such_bus(&bus),
            PublishError::Refused(refusals) => refused(&refusals),
            PublishError::Append(error) => error.into(),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::TooLarge { len, max } => {
                let detail =
                    format!("the events take {len} bytes in the log, the limit is {max}; send fewer at once");
                Self::new(413, "batch-too-large", detail)
            }
            AppendError::TooManyEvents { count, max } => {
                let detail = format!("{count} events are more than the limit of {max}; send fewer at once");
                Self::new(413, "batch-too-large", detail)
            }
            AppendError::Invalid(_) => internal(&error),
            AppendError::Overloaded => Self::new(
                503,
                "overloaded",
                "the log has more to write than it may hold; try again",
            )
            .retry_after(1),
            AppendError::StorageFull => Self::new(
                503,
                "storage-full",
                "the disk is full; what was accepted is delivered; try again when there is room",
            )
            .retry_after(10),
            AppendError::LookupFailed => Self::new(
                503,
                "index-unreadable",
                "it cannot be told whether the events are duplicates; try again",
            )
            .retry_after(1),
            AppendError::OutcomeUnknown => {
                let detail =
                    "the write failed half-way: the events may be stored; send them again with the same ids";
                Self::new(503, "outcome-unknown", detail)
            }
            _ => Self::new(503, "stopping", "the server is stopping; try again").retry_after(1),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Gap { sequences, .. } => {
                let (first, last) = (sequences.start, sequences.end - 1);
                let detail =
                    format!("the events {first} to {last} of the bus are lost: their storage was damaged");
                Self::new(410, "event-lost", detail)
            }
            other => internal(&other),
        }
    }
}

impl From<DeliveryError> for Problem {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Append(error) => error.into(),
            DeliveryError::TooManyTests { .. } => {
                Self::new(503, "overloaded", format!("{error}; try again")).retry_after(1)
            }
            DeliveryError::TooManyJobs { .. } => Self::new(
                409,
                "too-many-jobs",
                format!("{error}; wait for one of them or cancel one"),
            ),
            DeliveryError::Stopping => {
                Self::new(503, "stopping", "the server is stopping; try again").retry_after(1)
            }
            other => internal(&other),
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Plan(PlanError::OwnedByFile { owner, .. }) => Self::new(
                409,
                "owned-by-file",
                format!("the rule belongs to the file {owner}; change it there"),
            ),
            ControlError::Plan(PlanError::NoSuchBus(bus)) => no_such_bus(bus.as_str()),
            ControlError::Plan(PlanError::NoSuchRule { rule, bus }) => Self::new(
                404,
                "no-such-rule",
                format!("there is no rule `{rule}` on the bus `{bus}`"),
            ),
            ControlError::Refused(issues) => of_issues(&issues),
            ControlError::NoSuchConnection(name) => no_such_connection(name.as_str()),
            ControlError::ConnectionInUse { .. } => {
                let detail = format!("{error}; change or delete these rules first");
                Self::new(409, "connection-in-use", detail)
            }
            ControlError::Stale { .. }
            | ControlError::StaleConnection { .. }
            | ControlError::StaleSchema { .. }
            | ControlError::StaleSource { .. } => Self::new(412, "stale", error.to_string()),
            ControlError::NoSuchSchema(kind) => no_such_schema(kind.as_str()),
            ControlError::SchemaInUse { .. } => {
                Self::new(409, "schema-in-use", format!("{error}; delete these first"))
            }
            ControlError::NoSuchSource { bus, name } => no_such_source(bus.as_str(), name.as_str()),
            ControlError::Repository(error) => error.into(),
            ControlError::Log(error) => {
                tracing::error!(error = chain(&error), "a change is stored and not in force");
                let detail = "the change is stored, but the log could not take note of it; it comes into force when the server starts again";
                Self::new(503, "stopping", detail).retry_after(1)
            }
            ControlError::Stopping => {
                Self::new(503, "stopping", "the server is stopping; try again").retry_after(1)
            }
            other => internal(&other),
        }
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match &error {
            RepositoryError::Conflict => Self::new(
                409,
                "conflict",
                "the catalog was changed by somebody else at the same time; try again",
            ),
            RepositoryError::BusNotEmpty(_) => {
                Self::new(409, "bus-not-empty", "the bus still has rules; delete them first")
            }
            RepositoryError::PermanentBus(bus) => Self::new(
                409,
                format!("{bus}-bus"),
                format!("the bus `{bus}` always exists"),
            ),
            RepositoryError::NoSuchBus(bus) => no_such_bus(bus.as_str()),
            RepositoryError::NoSuchConnection(name) => no_such_connection(name.as_str()),
            RepositoryError::NoSuchSchema(kind) => no_such_schema(kind.as_str()),
            RepositoryError::NoSuchSource { bus, name } => no_such_source(bus.as_str(), name.as_str()),
            RepositoryError::Unavailable { .. } | RepositoryError::OutcomeUnknown { .. } => {
                tracing::warn!(error = chain(&error), "the catalog cannot be reached");
                let detail = "the database cannot be reached: the catalog cannot be changed now; events are taken and delivered";
                Self::new(503, "catalog-unavailable", detail).retry_after(1)
            }
            _ => internal(&error),
        }
    }
}

pub(super) fn no_such_bus(bus: &str) -> Problem {
    Problem::new(
        404,
        "no-such-bus",
        format!("there is no bus `{bus}`; create it with PUT /v1/buses/{bus}"),
    )
}

pub(super) fn no_such_connection(name: &str) -> Problem {
    Problem::new(
        404,
        "no-such-connection",
        format!("there is no connection `{name}`; create it with PUT /v1/connections/{name}"),
    )
}

pub(super) fn no_such_schema(kind: &str) -> Problem {
    let detail = format!("there is no schema of the event type `{kind}`; register a version of it");
    Problem::new(404, "no-such-schema", detail)
}

pub(super) fn no_such_source(bus: &str, name: &str) -> Problem {
    let detail = format!("there is no source `{name}` on the bus `{bus}`");
    Problem::new(404, "no-such-source", detail)
}

/// Rules that are refused: 422, or 400 when the document is not even well formed.
pub(super) fn of_issues(issues: &[Issue]) -> Problem {
    const MALFORMED: [&str; 2] = ["invalid-yaml", "invalid-json"];
    let first = issues.first();
    let code = first.map_or("invalid-rules", family);
    let status = if MALFORMED.contains(&code) { 400 } else { 422 };
    let detail = match (first, issues.len()) {
        (Some(issue), 1) => describe(issue),
        (Some(issue), count) => format!("{} (and {} more, see errors)", describe(issue), count - 1),
        (None, _) => "the rules are refused".to_owned(),
    };
    Problem::new(status, code, detail).with_errors(issues.iter().map(fault).collect())
}

/// The code of the whole problem: `match`, in any language, and transforms each have one for all their faults.
fn family(issue: &Issue) -> &'static str {
    let is_below = |member: &str| issue.pointer.split('/').any(|step| step == member);
    match issue.code {
        "missing-field" | "invalid-type" | "unknown-key" => issue.code,
        _ if is_below("match") => "invalid-pattern",
        _ if is_below("transform") => "invalid-transform",
        code => code,
    }
}

fn describe(issue: &Issue) -> String {
    match &issue.correction {
        Some(correction) => format!("{}; {correction}", issue.detail),
        None => issue.detail.clone(),
    }
}

fn fault(issue: &Issue) -> Fault {
    Fault {
        index: None,
        pointer: Some(issue.pointer.clone()),
        code: issue.code.to_owned(),
        detail: describe(issue),
        line: issue.place.as_ref().map(|place| place.line),
        column: issue.place.as_ref().map(|place| place.column),
    }
}
