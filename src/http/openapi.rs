//! The routes and their description: what is not described cannot be mounted.

use std::sync::Arc;

use axum::Json;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::apply;
use super::buses;
use super::catalog;
use super::confluent;
use super::connections;
use super::dead_letters;
use super::deliveries;
use super::events;
use super::guard;
use super::guard::Guarded;
use super::jobs;
use super::ops;
use super::publish;
use super::routes;
use super::rule_test;
use super::rules;
use super::schemas;
use super::sources;
use super::state::AppState;
use super::tail;

#[derive(OpenApi)]
#[openapi(info(
    title = "Tramline",
    description = "A self-hosted event bus: nothing acknowledged is ever lost, and every event's fate can be looked up.",
    license(name = "Apache-2.0", identifier = "Apache-2.0"),
))]
struct Description;

fn described() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(publish::publish, publish::handshake, events::list))
        .routes(routes!(publish::publish_default, publish::handshake_default))
        .routes(routes!(events::get))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::resend))
        .routes(routes!(tail::tail))
        .routes(routes!(buses::list))
        .routes(routes!(buses::get, buses::put, buses::delete))
        .routes(routes!(rules::list))
        .routes(routes!(rules::get, rules::put, rules::delete))
        .routes(routes!(rules::pause))
        .routes(routes!(rules::resume))
        .routes(routes!(connections::list))
        .routes(routes!(connections::get, connections::put, connections::delete))
        .routes(routes!(sources::list))
        .routes(routes!(sources::get, sources::put, sources::delete))
        .routes(routes!(schemas::list))
        .routes(routes!(schemas::get, schemas::put, schemas::delete))
        .routes(routes!(schemas::versions::list, schemas::versions::register))
        .routes(routes!(schemas::versions::get))
        .routes(routes!(schemas::judging::check))
        .routes(routes!(schemas::judging::validate))
        .routes(routes!(schemas::inference::infer))
        .routes(routes!(catalog::list))
        .routes(routes!(catalog::asyncapi))
        .routes(routes!(rule_test::test))
        .routes(routes!(apply::apply))
        .routes(routes!(routes::list))
        .routes(routes!(routes::get))
        .routes(routes!(routes::test))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::get))
        .routes(routes!(dead_letters::redrive))
        .routes(routes!(dead_letters::discard))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::cancel))
        .routes(routes!(ops::livez))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .routes(routes!(ops::status))
}

/// The OpenAPI document of this version.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

/// The whole HTTP interface.
pub fn router(state: Arc<AppState>) -> Guarded {
    let (router, document) = described().split_for_parts();
    let document = Arc::new(document);
    let router = router
        .route(
            "/openapi.json",
            axum::routing::get(async move || Json(Arc::clone(&document))),
        )
        // Somebody else's interface, which is described elsewhere.
        .merge(confluent::routes())
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .with_state(Arc::clone(&state));
    Guarded::new(router, state)
}
