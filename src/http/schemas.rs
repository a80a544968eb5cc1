//! Schemas: listed, kept, registered, checked, and asked about data.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::header::ETAG;
use http::header::IF_NONE_MATCH;
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::body;
use super::extract::ApiJson;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::CONTROL_BYTES;
use super::extract::NoQuery;
use super::page::PageQuery;
use super::problem::no_such_schema;
use super::problem::of_issues;
use super::revision::etag;
use super::revision::expected_revision;
use super::state::AppState;
use super::state::Services;
use crate::api::CheckReply;
use crate::api::Incompatible;
use crate::api::ReasonReply;
use crate::api::SchemaList;
use crate::api::SchemaReply;
use crate::api::SchemaViolation;
use crate::api::ValidateReply;
use crate::api::VersionList;
use crate::api::VersionReply;
use crate::catalog::EventType;
use crate::catalog::SchemaEntry;
use crate::catalog::SchemaSettings;
use crate::catalog::SchemaVersion;
use crate::catalog::version_path;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::routing::Desired;
use crate::routing::RegisterError;
use crate::schema::MAX_LEN;
use crate::schema::SchemaError;
use crate::schema::Violation;
use crate::schema::compat::Answer;
use crate::schema::compat::Direction;
use crate::schema::compat::Reason;
use crate::schema::compat::Verdict;

/// Members of an answer that a client may send back and that say nothing.
const READ_ONLY: [&str; 4] = ["type", "revision", "latest", "versions"];

/// List the schemas.
#[utoipa::path(
    get, path = "/v1/schemas", tag = "schemas", operation_id = "listSchemas", params(PageQuery),
    responses((status = 200, description = "The schemas by event type, without their versions", body = SchemaList)),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<SchemaList>, Problem> {
    let snapshot = state.services()?.router.snapshot();
    let (page, next_cursor) = page.cut(snapshot.view().schemas(), |entry| entry.kind.as_str().to_owned())?;
    let items = page.into_iter().map(|entry| SchemaReply {
        versions: None,
        ..reply(entry)
    });
    let items = items.collect();
    Ok(Json(SchemaList { items, next_cursor }))
}

/// Show the schema of an event type: its settings and its versions.
#[utoipa::path(
    get, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "getSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded")),
    responses(
        (status = 200, description = "The schema; its ETag is its revision", body = SchemaReply),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
) -> Result<Response, Problem> {
    show(state.services()?, &kind, StatusCode::OK)
}

/// Write the settings of a schema; one that is not there is created without versions.
///
/// Settings left out take their defaults. Nothing that is registered is judged anew.
#[utoipa::path(
    put, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "putSchema",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    request_body(content = Object, description = "compatibility?, policy?, validation?, description?"),
    responses(
        (status = 201, description = "Created", body = SchemaReply),
        (status = 200, description = "Replaced", body = SchemaReply),
        (status = 400, description = "Not an event type", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The settings are refused", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(mut given): ApiJson<Value>,
) -> Result<Response, Problem> {
    let services = state.services()?;
    if let Value::Object(members) = &mut given {
        members.retain(|member, _| !READ_ONLY.contains(&member.as_str()));
    }
    let desired = Desired::PutSchema {
        kind: event_type(&kind)?,
        settings: SchemaSettings::parse(&given).map_err(|issues| of_issues(&issues))?,
        expect: expected_revision(&headers)?,
    };
    let is_known = services.router.snapshot().view().schema(&kind).is_some();
    services.control.change(desired, false).await?;
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    show(services, &kind, status)
}

/// Delete a schema with all its versions, which no other schema may refer to.
///
/// The numbers of its versions are not given out again.
#[utoipa::path(
    delete, path = "/v1/schemas/{type}", tag = "schemas", operation_id = "deleteSchema",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Revision that must be in force"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another schema refers to it", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Another revision is in force", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let desired = Desired::DeleteSchema {
        kind: event_type(&kind)?,
        expect: expected_revision(&headers)?,
    };
    state.services()?.control.change(desired, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a schema.
#[utoipa::path(
    get, path = "/v1/schemas/{type}/versions", tag = "schemas", operation_id = "listSchemaVersions",
    params(("type" = String, Path, description = "The event type, percent-encoded"), PageQuery),
    responses(
        (status = 200, description = "The versions, ascending", body = VersionList),
        (status = 404, description = "No such schema", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list_versions(
    State(state): State<Arc<AppState>>,
    ApiQuery(page): ApiQuery<PageQuery>,
    ApiPath(kind): ApiPath<String>,
) -> Result<Json<VersionList>, Problem> {
    let entry = find(state.services()?, &kind)?;
    let all: Vec<_> = entry.versions.iter().collect();
    // Digits in front, so that the order of texts is that of numbers.
    let (page, next_cursor) = page.cut(all, |version| format!("{:010}", version.number))?;
    let items = page
        .into_iter()
        .map(|version| version_reply(&entry.kind, version))
        .collect();
    Ok(Json(VersionList { items, next_cursor }))
}

/// How to register a version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RegisterQuery {
    /// Take a document too of which cannot be decided whether it may follow.
    #[serde(default)]
    #[param(default = false)]
    accept_undecided: bool,
}

/// Register the next version of the schema of an event type.
///
/// A schema that is not there is created with the default settings. The answer comes when the version is in
/// force: every publish that begins afterwards is validated by it.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/versions", tag = "schemas", operation_id = "registerSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded"), RegisterQuery),
    request_body(content = Object, description = "A JSON Schema of draft 4, 6, 7, 2019-09 or 2020-12 (default)"),
    responses(
        (status = 201, description = "Registered; Location names the document", body = VersionReply),
        (status = 200, description = "A version says the same: this one", body = VersionReply),
        (status = 409, description = "It may not follow the versions that are there", body = Incompatible, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no schema that can be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn register(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<RegisterQuery>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let kind = event_type(&kind)?;
    let document = body::read(request, MAX_LEN, "schema-too-large").await?;
    let registered = services
        .control
        .register(&kind, &document.bytes, query.accept_undecided);
    let registered = match registered.await {
        Err(RegisterError::Incompatible(verdict)) => return Ok(incompatible(&verdict)),
        other => other?,
    };
    let reply = version_reply(&kind, &registered.version);
    if registered.is_new {
        let location = [(LOCATION, reply.url.clone())];
        return Ok((StatusCode::CREATED, location, Json(reply)).into_response());
    }
    Ok(Json(reply).into_response())
}

/// Get the document of a version.
#[utoipa::path(
    get, path = "/v1/schemas/{type}/versions/{version}", tag = "schemas", operation_id = "getSchemaVersion",
    params(
        ("type" = String, Path, description = "The event type, percent-encoded"),
        ("version" = String, Path, description = "Its number, or `latest`"),
    ),
    responses(
        (status = 200, description = "The JSON Schema; its ETag is the number of the version", body = Object, content_type = "application/schema+json"),
        (status = 304, description = "If-None-Match names it"),
        (status = 404, description = "No such schema or version", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get_version(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath((kind, version)): ApiPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let entry = find(state.services()?, &kind)?;
    let version = version_of(&entry, Some(&version))?;
    let etag = etag(version.number.into());
    if headers.get(IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let mut answer = Json(version.document.value()).into_response();
    let kind = http::HeaderValue::from_static("application/schema+json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer.headers_mut().insert(ETAG, etag);
    Ok(answer)
}

/// Judge whether a document may be the next version, without storing it.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/check", tag = "schemas", operation_id = "checkSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded")),
    request_body(content = Object, description = "A JSON Schema"),
    responses(
        (status = 200, description = "The verdict, whatever it is", body = CheckReply),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no schema that can be used", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn check(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Json<CheckReply>, Problem> {
    let services = state.services()?;
    let kind = event_type(&kind)?;
    let document = body::read(request, MAX_LEN, "schema-too-large").await?;
    let judged = services.control.judge(&kind, &document.bytes).await?;
    Ok(Json(verdict_reply(&judged.verdict)))
}

/// By which version to judge.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ValidateQuery {
    /// Number of the version, or `latest`, which is the default.
    version: Option<String>,
}

/// Judge data by a schema.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/validate", tag = "schemas", operation_id = "validateData",
    params(("type" = String, Path, description = "The event type, percent-encoded"), ValidateQuery),
    request_body(content = Object, description = "The data of an event, as JSON"),
    responses(
        (status = 200, description = "The verdict, whatever it is", body = ValidateReply),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such schema or version", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn validate(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<ValidateQuery>,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Json<ValidateReply>, Problem> {
    let entry = find(state.services()?, &kind)?;
    let version = Arc::clone(version_of(&entry, query.version.as_deref())?);
    let held = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let judged = blocking(move || {
        let data: Value = serde_json::from_slice(&held.bytes).map_err(|error| {
            Problem::new(400, "invalid-json", format!("the body cannot be read: {error}"))
        })?;
        let violations = version.validator.validate(&data).err().unwrap_or_default();
        Ok(ValidateReply {
            valid: violations.is_empty(),
            version: version.number,
            errors: violations.into_iter().map(violation).collect(),
        })
    });
    judged.await.map(Json)
}

/// One violation as it is shown.
pub(super) fn violation(violation: Violation) -> SchemaViolation {
    SchemaViolation {
        pointer: violation.pointer,
        code: violation.keyword.clone(),
        keyword: violation.keyword,
        schema_pointer: violation.schema_pointer,
        detail: violation.detail,
    }
}

fn event_type(text: &str) -> Result<EventType, Problem> {
    EventType::parse(text).map_err(|error| Problem::new(400, "invalid-type", error.to_string()))
}

fn find(services: &Services, kind: &str) -> Result<Arc<SchemaEntry>, Problem> {
    let snapshot = services.router.snapshot();
    let entry = snapshot.view().schema(kind);
    entry.cloned().ok_or_else(|| no_such_schema(kind))
}

/// The version of a number or `latest`, which is the default.
fn version_of<'a>(entry: &'a SchemaEntry, text: Option<&str>) -> Result<&'a Arc<SchemaVersion>, Problem> {
    let found = match text {
        None | Some("latest") => entry.latest(),
        Some(number) => number.parse().ok().and_then(|number| entry.version(number)),
    };
    found.ok_or_else(|| {
        let (kind, text) = (&entry.kind, text.unwrap_or("latest"));
        let detail = format!("the schema of `{kind}` has no version `{text}`");
        Problem::new(404, "no-such-version", detail)
    })
}

fn show(services: &Services, kind: &str, status: StatusCode) -> Result<Response, Problem> {
    let entry = find(services, kind)?;
    let etag = [(ETAG, etag(entry.revision))];
    Ok((status, etag, Json(reply(&entry))).into_response())
}

fn reply(entry: &SchemaEntry) -> SchemaReply {
    let versions = entry.versions.iter();
    SchemaReply {
        kind: entry.kind.as_str().to_owned(),
        revision: entry.revision,
        latest: entry.latest().map(|version| version.number),
        versions: Some(
            versions
                .map(|version| version_reply(&entry.kind, version))
                .collect(),
        ),
        settings: entry.settings.shown(),
    }
}

fn version_reply(kind: &EventType, version: &SchemaVersion) -> VersionReply {
    VersionReply {
        kind: kind.as_str().to_owned(),
        version: version.number,
        id: version.id,
        url: version_path(kind.as_str(), version.number),
    }
}

fn incompatible(verdict: &Verdict) -> Response {
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
        verdict: verdict_reply(verdict),
    };
    let mut answer = (StatusCode::CONFLICT, Json(body)).into_response();
    let kind = http::HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn verdict_reply(verdict: &Verdict) -> CheckReply {
    let word = match verdict.answer {
        Answer::Compatible => "compatible",
        Answer::Undecided => "undecided",
        Answer::Incompatible => "incompatible",
    };
    CheckReply {
        compatible: verdict.answer == Answer::Compatible,
        verdict: word.to_owned(),
        reasons: verdict.reasons.iter().map(reason).collect(),
        breaks: Vec::new(),
        violations: Map::new(),
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
fn of_schema_errors(errors: &[SchemaError]) -> Problem {
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
