//! Apply: a rules file, made the state of its buses in one step.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::extract::State;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body;
use super::extract::ApiQuery;
use super::extract::CONTROL_BYTES;
use super::problem::of_issues;
use super::state::AppState;
use crate::api::PlanReply;
use crate::catalog;
use crate::catalog::EventType;
use crate::catalog::Plan;
use crate::catalog::PlanEntry;
use crate::event;
use crate::problem::Problem;
use crate::routing::Desired;

/// How to apply.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ApplyQuery {
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
    /// Remove rules that the document does not name, on the buses that it names.
    #[serde(default)]
    prune: bool,
}

/// Apply a rules file: all of it or nothing.
#[utoipa::path(
    post, path = "/v1/apply", tag = "rules", operation_id = "apply", params(ApplyQuery),
    request_body(content((String = "application/yaml"), (Object = "application/json")), description = "The rules file"),
    responses(
        (status = 200, description = "The plan, carried out unless dry_run", body = PlanReply),
        (status = 400, description = "Not well formed", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A file owns one of the rules", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Rules are refused; each with its place", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn apply(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<ApplyQuery>,
    request: Request,
) -> Result<Json<PlanReply>, Problem> {
    let services = state.services()?;
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_json = event::is_json(content_type);
    if !is_json && !content_type.is_empty() && !content_type.contains("yaml") {
        return Err(Problem::new(
            415,
            "unsupported-media-type",
            "send application/yaml or application/json",
        ));
    }
    let body = body::read(request, CONTROL_BYTES, "body-too-large").await?;
    let text = std::str::from_utf8(&body.bytes)
        .map_err(|_| Problem::new(400, "invalid-yaml", "the body is not UTF-8"))?;
    let read = if is_json {
        catalog::read_json(text).map(|file| vec![file])
    } else {
        catalog::read_yaml(text)
    };
    let files = read.map_err(|issues| of_issues(&issues))?;
    let plan = services
        .control
        .change(
            Desired::Apply {
                files,
                prune: query.prune,
            },
            query.dry_run,
        )
        .await?;
    Ok(Json(reply(&plan, query.dry_run)))
}

fn reply(plan: &Plan, dry_run: bool) -> PlanReply {
    let mut all = [&plan.add, &plan.change, &plan.remove, &plan.unchanged]
        .into_iter()
        .flatten();
    let first = all.next().map(|entry| &entry.bus);
    let is_one_bus = all.all(|entry| Some(&entry.bus) == first);
    let name = |entry: &PlanEntry| {
        if is_one_bus {
            entry.rule.as_str().to_owned()
        } else {
            format!("{}/{}", entry.bus, entry.rule)
        }
    };
    let names = |entries: &[PlanEntry], schemas: &[EventType]| {
        let schemas = schemas.iter().map(|kind| format!("schemas/{kind}"));
        schemas.chain(entries.iter().map(name)).collect()
    };
    PlanReply {
        add: names(&plan.add, &plan.schemas.add),
        change: names(&plan.change, &plan.schemas.change),
        remove: names(&plan.remove, &[]),
        unchanged: names(&plan.unchanged, &plan.schemas.unchanged),
        buses: plan
            .buses_created
            .iter()
            .map(|bus| bus.as_str().to_owned())
            .collect(),
        dry_run,
    }
}
