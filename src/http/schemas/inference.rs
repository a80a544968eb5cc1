//! Schemas proposed from real events.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::event_type;
use crate::api::InferReply;
use crate::api::InferRequest;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::http::blocking::blocking;
use crate::http::body;
use crate::http::extract::ApiPath;
use crate::http::extract::CONTROL_BYTES;
use crate::http::extract::NoQuery;
use crate::http::problem::internal;
use crate::http::problem::no_such_bus;
use crate::http::select;
use crate::http::state::AppState;
use crate::http::state::Services;
use crate::problem::Problem;
use crate::traffic;
use crate::traffic::Inferred;
use crate::traffic::Wanted;

/// Events looked at by default, and at most.
const SAMPLE: usize = 1_000;
const MAX_SAMPLE: usize = 100_000;

/// Propose a schema from real events of a type, with what was seen of each field.
///
/// Values of fields that some rule masks are not shown.
#[utoipa::path(
    post, path = "/v1/schemas/{type}/infer", tag = "schemas", operation_id = "inferSchema",
    params(("type" = String, Path, description = "The event type, percent-encoded")),
    request_body(content = InferRequest, description = "Which events; may be left out"),
    responses(
        (status = 200, description = "The proposal; of no events, one that accepts anything", body = InferReply),
        (status = 400, description = "Not understood", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn infer(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(kind): ApiPath<String>,
    request: Request,
) -> Result<Json<InferReply>, Problem> {
    let services = state.services()?;
    let kind = event_type(&kind)?;
    let held = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let given = if held.bytes.trim_ascii().is_empty() {
        InferRequest::default()
    } else {
        serde_json::from_slice(&held.bytes)
            .map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))?
    };
    let view = Arc::clone(services.router.snapshot().view());
    let wanted = wanted(services, &view, &given).await?;
    let traffic = Arc::clone(&services.traffic);
    let inferred = blocking(move || Ok(traffic::infer(&traffic, &view, kind.as_str(), &wanted)?));
    reply(inferred.await?).map(Json)
}

async fn wanted(services: &Services, view: &View, given: &InferRequest) -> Result<Wanted, Problem> {
    let sample = given.sample.unwrap_or(SAMPLE);
    if !(1..=MAX_SAMPLE).contains(&sample) {
        let detail = format!("sample must be from 1 to {MAX_SAMPLE}, not {sample}");
        return Err(Problem::new(400, "invalid-sample", detail));
    }
    let bus = match &given.bus {
        Some(name) => Some(view.bus(name).ok_or_else(|| no_such_bus(name))?.name.clone()),
        None => None,
    };
    let mut wanted = Wanted {
        from: places(services, view, bus.as_ref(), given.from.as_ref()).await?,
        to: places(services, view, bus.as_ref(), given.to.as_ref()).await?,
        bus,
        sample,
    };
    let all_are_meant = given.from.is_some() || given.to.is_some();
    if all_are_meant && wanted.from.is_empty() {
        wanted.from = places(services, view, wanted.bus.as_ref(), Some(&"earliest".into())).await?;
    }
    if wanted.bus.is_none() && [&given.from, &given.to].into_iter().flatten().any(is_sequence) {
        wanted.bus = Some(BusName::default());
    }
    Ok(wanted)
}

/// The sequences that a time, a sequence or `earliest` stands for, on one bus or on all.
async fn places(
    services: &Services,
    view: &View,
    bus: Option<&BusName>,
    place: Option<&Value>,
) -> Result<Vec<(BusName, u64)>, Problem> {
    let text = match place {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let buses = view.buses().filter(|on| match bus {
        Some(bus) => on.name == *bus,
        None => !on.name.is_system(),
    });
    let mut places = Vec::new();
    for bus in buses {
        places.push((
            bus.name.clone(),
            select::from(&services.log, bus.id, &text).await?,
        ));
    }
    Ok(places)
}

fn is_sequence(place: &Value) -> bool {
    match place {
        Value::String(text) => text.parse::<u64>().is_ok(),
        other => other.is_u64(),
    }
}

fn reply(inferred: Inferred) -> Result<InferReply, Problem> {
    let drift = inferred.drift.iter().map(json);
    Ok(InferReply {
        events: inferred.statistics.events,
        complete: inferred.is_complete,
        statistics: json(&inferred.statistics)?,
        version: inferred.version,
        drift: drift.collect::<Result<_, _>>()?,
        schema: inferred.schema,
    })
}

fn json(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| internal(&error))
}
