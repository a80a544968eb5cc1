//! Errors as Confluent's clients read them: a number whose beginning is the status, and a sentence.

use std::fmt::Write as _;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header::RETRY_AFTER;

use super::PREFIX;
use super::answer::Answer;
use super::compatibility::messages;
use super::is_below;
use crate::api::confluent::ErrorReply;
use crate::catalog::EventType;
use crate::catalog::InvalidEventType;
use crate::problem::Problem;
use crate::routing::ControlError;
use crate::routing::RegisterError;
use crate::schema::SchemaError;
use crate::schema::compat::Verdict;

/// Most problems of a schema that are told; the first one mostly explains the others.
const MAX_PROBLEMS: usize = 5;
/// Longest message, in bytes.
const MAX_MESSAGE: usize = 2_000;

/// The cases that Confluent numbers, and the plain statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    NoSuchSubject,
    NoSuchVersion,
    NoSuchSchema,
    NoLevelOfItsOwn,
    NoModeOfItsOwn,
    Incompatible,
    InvalidSchema,
    InvalidVersion,
    InvalidLevel,
    NotPermitted,
    IsReferred,
    InvalidSubject,
    SchemaTooLarge,
    /// What has no number of its own.
    Status(u16),
}

impl Case {
    fn number(self) -> u32 {
        match self {
            Self::NoSuchSubject => 40401,
            Self::NoSuchVersion => 40402,
            Self::NoSuchSchema => 40403,
            Self::NoLevelOfItsOwn => 40408,
            Self::NoModeOfItsOwn => 40409,
            Self::Incompatible => 409,
            Self::InvalidSchema => 42201,
            Self::InvalidVersion => 42202,
            Self::InvalidLevel => 42203,
            Self::NotPermitted => 42205,
            Self::IsReferred => 42206,
            Self::InvalidSubject => 42208,
            Self::SchemaTooLarge => 42209,
            Self::Status(status) => status.into(),
        }
    }

    /// The first three digits.
    fn status(self) -> StatusCode {
        let number = self.number();
        let status = if number < 1_000 { number } else { number / 100 };
        let status = u16::try_from(status).ok();
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Refusal {
    case: Case,
    message: String,
    retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(case: Case, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE));
            message.push('…');
        }
        Self {
            case,
            message,
            retry_after: None,
        }
    }

    pub(super) fn no_such_subject(subject: &EventType) -> Self {
        Self::new(Case::NoSuchSubject, format!("there is no subject `{subject}`"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Answer(ErrorReply {
            error_code: self.case.number(),
            message: self.message,
        });
        let mut response = (self.case.status(), body).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let case = match problem.code.as_str() {
            "no-such-schema" => Case::NoSuchSubject,
            "schema-in-use" => Case::IsReferred,
            "schema-too-large" => Case::SchemaTooLarge,
            // Clients take a 409 for a schema that is not compatible; a 503 they repeat.
            "conflict" => Case::Status(503),
            _ if problem.status == 422 => Case::NotPermitted,
            _ => Case::Status(problem.status),
        };
        Self {
            retry_after: problem.retry_after,
            ..Self::new(case, problem.detail)
        }
    }
}

impl From<InvalidEventType> for Refusal {
    fn from(error: InvalidEventType) -> Self {
        Self::new(
            Case::InvalidSubject,
            format!("a subject is an event type: {error}"),
        )
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::StaleSchema { .. } => {
                let detail = "others are changing the subject at the same time; try again";
                Problem::new(503, "overloaded", detail).retry_after(1).into()
            }
            other => Problem::from(other).into(),
        }
    }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(errors) => of_schema_errors(&errors),
            RegisterError::Incompatible(judged) => incompatible(&judged.verdict),
            RegisterError::Control(error) => error.into(),
            other => Problem::from(other).into(),
        }
    }
}

fn incompatible(verdict: &Verdict) -> Refusal {
    let reasons = messages(verdict).join("; ");
    let message = format!("the schema is not compatible with the versions before it: {reasons}");
    Refusal::new(Case::Incompatible, message)
}

fn of_schema_errors(errors: &[SchemaError]) -> Refusal {
    let is_large = errors.iter().any(|error| error.code == "too-large");
    let case = if is_large {
        Case::SchemaTooLarge
    } else {
        Case::InvalidSchema
    };
    let mut message = "the schema cannot be used".to_owned();
    for (place, error) in errors.iter().take(MAX_PROBLEMS).enumerate() {
        message.push_str(if place == 0 { ": " } else { "; " });
        if !error.pointer.is_empty() {
            // Writing to a text cannot fail.
            write!(message, "{}: ", error.pointer).unwrap_or_default();
        }
        message.push_str(&error.detail);
        if let Some(correction) = &error.correction {
            write!(message, " ({correction})").unwrap_or_default();
        }
    }
    Refusal::new(case, message)
}

/// A problem that arose outside of these routes, for somebody who asked for one of them.
pub(in crate::http) fn refused(problem: Problem) -> Response {
    Refusal::from(problem).into_response()
}

/// No route has this path.
pub(super) async fn not_found(request: Request) -> Refusal {
    let message = format!("there is nothing at {}", path_of(&request));
    Refusal::new(Case::Status(404), message)
}

/// The path exists, but not with this method.
pub(super) async fn method_not_allowed(request: Request) -> Refusal {
    let message = format!("{} is not allowed at {}", request.method(), path_of(&request));
    Refusal::new(Case::Status(405), message)
}

/// The path as it was asked for: a nest takes the prefix away.
fn path_of(request: &Request) -> String {
    let path = request.uri().path();
    let prefix = if is_below(path) { "" } else { PREFIX };
    format!("{prefix}{path}")
}
