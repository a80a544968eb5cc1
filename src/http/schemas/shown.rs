//! Versions, verdicts and what is wrong with documents, as they are shown.

use axum::Json;
use axum::response::IntoResponse;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::impact::Impact;
use crate::api::CheckReply;
use crate::api::Incompatible;
use crate::api::ReasonReply;
use crate::api::SchemaViolation;
use crate::api::VersionReply;
use crate::catalog::EventType;
use crate::catalog::SchemaVersion;
use crate::catalog::version_path;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::routing::RegisterError;
use crate::schema::SchemaError;
use crate::schema::Violation;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Reason;
use crate::schema::compat::Verdict;

/// One violation as it is shown.
pub(in crate::http) fn violation(violation: Violation) -> SchemaViolation {
    SchemaViolation {
        pointer: violation.pointer,
        code: violation.keyword.clone(),
        keyword: violation.keyword,
        schema_pointer: violation.schema_pointer,
        detail: violation.detail,
    }
}

pub(super) fn version_reply(kind: &EventType, version: &SchemaVersion) -> VersionReply {
    VersionReply {
        kind: kind.as_str().to_owned(),
        version: version.number,
        id: version.id,
        url: version_path(kind.as_str(), version.number),
    }
}

pub(super) fn incompatible(verdict: &Verdict, impact: Impact) -> Response {
    let fault = |reason: &Reason| Fault {
        pointer: Some(reason.pointer.clone()),
        code: reason.rule.to_owned(),
        detail: reason.detail.clone(),
        ..Fault::default()
    };
    let faults = verdict.reasons.iter().map(fault).collect();
    let first = verdict
        .reasons
        .first()
        .map_or("", |reason| reason.detail.as_str());
    let detail = match verdict.answer {
        Answer::Undecided => {
            format!(
                "it cannot be decided whether the schema may follow (?accept_undecided=true takes it): {first}"
            )
        }
        _ => format!("the schema may not follow the versions before it: {first}"),
    };
    let body = Incompatible {
        problem: Problem::new(409, "incompatible-schema", detail).with_errors(faults),
        verdict: verdict_reply(verdict, impact),
    };
    let mut answer = (StatusCode::CONFLICT, Json(body)).into_response();
    let kind = http::HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

pub(super) fn verdict_reply(verdict: &Verdict, impact: Impact) -> CheckReply {
    let word = match verdict.answer {
        Answer::Compatible => "compatible",
        Answer::Undecided => "undecided",
        Answer::Incompatible => "incompatible",
    };
    CheckReply {
        compatible: verdict.answer == Answer::Compatible,
        verdict: word.to_owned(),
        reasons: verdict.reasons.iter().map(reason).collect(),
        breaks: impact.breaks,
        violations: impact.violations,
    }
}

fn reason(reason: &Reason) -> ReasonReply {
    let direction = match reason.direction {
        Direction::Forward => "forward",
        _ => "backward",
    };
    ReasonReply {
        direction: direction.to_owned(),
        version: reason.version,
        pointer: reason.pointer.clone(),
        path: reason.path.clone(),
        rule: reason.rule.to_owned(),
        old: reason.old.clone(),
        new: reason.new.clone(),
        detail: reason.detail.clone(),
        counter_example: reason.counter_example.clone(),
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(errors) => of_schema_errors(&errors),
            RegisterError::Busy => Self::new(503, "overloaded", format!("{error}; try again")).retry_after(1),
            RegisterError::Control(error) => error.into(),
            other => Self::new(409, "incompatible-schema", other.to_string()),
        }
    }
}

/// A document that cannot be used: 422, or 400 when it is not even JSON.
pub(super) fn of_schema_errors(errors: &[SchemaError]) -> Problem {
    let described = |error: &SchemaError| match &error.correction {
        Some(correction) => format!("{}; {correction}", error.detail),
        None => error.detail.clone(),
    };
    let first = errors.first();
    let (status, code) = match first.map_or("invalid-schema", |error| error.code) {
        "not-json" => (400, "invalid-json"),
        "too-large" => (413, "schema-too-large"),
        code => (422, code),
    };
    let fault = |error: &SchemaError| Fault {
        pointer: Some(error.pointer.clone()),
        code: error.code.to_owned(),
        detail: described(error),
        ..Fault::default()
    };
    let detail = first.map_or_else(String::new, described);
    Problem::new(status, code, detail).with_errors(errors.iter().map(fault).collect())
}
