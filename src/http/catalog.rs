//! The shop window for consumers: the types of events, and a bus as an `AsyncAPI` document.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderMap;
use http::header::HOST;
use serde::Deserialize;
use utoipa::IntoParams;

use super::blocking::blocking;
use super::extract::ApiPath;
use super::extract::ApiQuery;
use super::extract::NoQuery;
use super::extract::bus_name;
use super::page;
use super::problem::no_such_bus;
use super::state::AppState;
use crate::api::CatalogEntry;
use crate::api::CatalogExample;
use crate::api::CatalogField;
use crate::api::CatalogList;
use crate::api::CatalogRule;
use crate::api::CatalogSchema;
use crate::api::CatalogSource;
use crate::catalog::SchemaEntry;
use crate::catalog::version_path;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::traffic;
use crate::traffic::Listed;
use crate::traffic::Listing;

/// What to look for in the catalog.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CatalogQuery {
    /// Words that must all be found in names, descriptions, owners, sources or paths of fields.
    q: Option<String>,
    /// The bus.
    bus: Option<String>,
    /// The event type, or how it begins followed by `*`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The owner of a source.
    owner: Option<String>,
    /// Most items to return, from 1 to 1,000; by default 100.
    limit: Option<usize>,
    /// Goes on where the page ended that gave this cursor.
    cursor: Option<String>,
}

/// List the types of events: seen, registered or declared by a source.
#[utoipa::path(
    get, path = "/v1/catalog", tag = "catalog", operation_id = "listCatalog", params(CatalogQuery),
    responses(
        (status = 200, description = "The types, ascending", body = CatalogList),
        (status = 400, description = "Not understood", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    ApiQuery(query): ApiQuery<CatalogQuery>,
) -> Result<Json<CatalogList>, Problem> {
    let services = state.services()?;
    let limit = page::checked_limit(query.limit)?;
    let after = query.cursor.as_deref().map(page::decode).transpose()?;
    let view = Arc::clone(services.router.snapshot().view());
    let bus = match &query.bus {
        Some(name) => Some(view.bus(name).ok_or_else(|| no_such_bus(name))?.name.clone()),
        None => None,
    };
    let words = query.q.unwrap_or_default();
    let listing = Listing {
        words: words.split_whitespace().map(str::to_owned).collect(),
        bus,
        kind: query.kind,
        owner: query.owner,
    };
    let (traffic, now_ms) = (Arc::clone(&services.traffic), state.clock.now_ms());
    let read = move || Ok(listing.page(&traffic, &view, (after.as_deref(), limit), now_ms)?);
    let (page, has_more) = blocking(read).await?;
    let last = page.last().map(|listed| page::encode(&listed.kind));
    Ok(Json(CatalogList {
        next_cursor: last.filter(|_| has_more),
        items: page.into_iter().map(entry).collect(),
    }))
}

/// Describe a bus as an `AsyncAPI` 3 document: each type of events with its schema.
#[utoipa::path(
    get, path = "/v1/buses/{bus}/asyncapi", tag = "catalog", operation_id = "getAsyncApi",
    params(("bus" = String, Path, description = "Name of the bus")),
    responses(
        (status = 200, description = "The document", body = Object),
        (status = 404, description = "No such bus", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn asyncapi(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    ApiPath(bus): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let services = state.services()?;
    let view = Arc::clone(services.router.snapshot().view());
    let name = bus_name(&bus)?;
    view.bus(&bus).ok_or_else(|| no_such_bus(&bus))?;
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    let server = state
        .info
        .public_url
        .clone()
        .or_else(|| asked.map(|host| format!("http://{host}")));
    let traffic = Arc::clone(&services.traffic);
    let read = move || Ok(traffic::asyncapi(&traffic, &view, &name, server.as_deref())?);
    Ok(Json(blocking(read).await?).into_response())
}

fn entry(listed: Listed) -> CatalogEntry {
    let settings = listed.schema.as_ref().map(|entry| &entry.settings);
    CatalogEntry {
        buses: listed.buses.iter().map(ToString::to_string).collect(),
        owner: listed.owners.first().cloned(),
        owners: listed.owners,
        description: settings.and_then(|settings| settings.description.clone()),
        schema: listed.schema.as_deref().map(schema),
        fields: listed
            .fields
            .into_iter()
            .map(|field| CatalogField {
                path: format!("$.data{}", field.path.strip_prefix('$').unwrap_or_default()),
                types: field.types.names().into_iter().map(str::to_owned).collect(),
                required: field.required,
                description: field.description,
            })
            .collect(),
        example: listed.example.map(|example| CatalogExample {
            bus: example.bus.to_string(),
            sequence: example.sequence,
            data: example.data,
        }),
        sources: listed
            .sources
            .into_iter()
            .map(|source| CatalogSource {
                bus: source.bus.to_string(),
                source: source.source,
                name: source.name,
                owner: source.owner,
                count: source.count,
            })
            .collect(),
        rules: listed
            .rules
            .into_iter()
            .map(|rule| CatalogRule {
                bus: rule.bus.to_string(),
                rule: rule.rule.to_string(),
                paths: rule.paths,
            })
            .collect(),
        count: listed.count,
        rate: listed.rate,
        first_seen: listed.seen_ms.map(|(first, _)| rfc3339(first)),
        last_seen: listed.seen_ms.map(|(_, last)| rfc3339(last)),
        kind: listed.kind,
    }
}

fn schema(entry: &SchemaEntry) -> CatalogSchema {
    let version = entry.latest().map(|version| version.number);
    CatalogSchema {
        version,
        url: version.map(|version| version_path(entry.kind.as_str(), version)),
        settings: entry.settings.shown(),
    }
}
