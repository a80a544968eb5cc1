//! The schema registry as clients of Confluent's Schema Registry know it, for JSON Schema, under `/confluent`.
//!
//! A subject is an event type. Names, shapes and numbers of errors are Confluent's, also of errors that are no
//! matter of schemas: nothing here answers `application/problem+json`.

mod answer;
mod compatibility;
mod config;
mod extract;
mod fixed;
mod ids;
mod refusal;
mod request;
mod subjects;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum::routing::post;

use super::state::AppState;

pub(super) use refusal::refused;

/// Where these routes begin.
const PREFIX: &str = "/confluent";

/// Whether a path is one of those under [`PREFIX`].
pub(super) fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The routes.
pub(super) fn routes() -> Router<Arc<AppState>> {
    Router::new()
        // A nest takes its prefix without the slash only.
        .route(
            "/confluent/",
            get(fixed::root).fallback(refusal::method_not_allowed),
        )
        .nest(PREFIX, below())
}

/// The routes, without [`PREFIX`].
fn below() -> Router<Arc<AppState>> {
    Router::new()
        .route("/", get(fixed::root))
        .route("/subjects", get(subjects::list))
        .route(
            "/subjects/{subject}",
            post(subjects::look_up).delete(subjects::delete),
        )
        .route(
            "/subjects/{subject}/versions",
            get(versions::list).post(versions::register),
        )
        .route(
            "/subjects/{subject}/versions/{version}",
            get(versions::get).delete(versions::delete),
        )
        .route(
            "/subjects/{subject}/versions/{version}/schema",
            get(versions::text),
        )
        .route(
            "/subjects/{subject}/versions/{version}/referencedby",
            get(versions::referenced_by),
        )
        .route("/subjects/{subject}/metadata", get(versions::with_metadata))
        .route("/schemas/types", get(fixed::types))
        .route("/schemas/ids/{id}", get(ids::get))
        .route("/schemas/ids/{id}/schema", get(ids::text))
        .route("/schemas/ids/{id}/subjects", get(ids::subjects))
        .route("/schemas/ids/{id}/versions", get(ids::versions))
        .route("/schemas/guids/{guid}", get(ids::by_guid))
        .route(
            "/compatibility/subjects/{subject}/versions",
            post(compatibility::check_all),
        )
        .route(
            "/compatibility/subjects/{subject}/versions/{version}",
            post(compatibility::check),
        )
        .route(
            "/config",
            get(config::global).put(config::put_global).delete(config::global),
        )
        .route(
            "/config/{subject}",
            get(config::get).put(config::put).delete(config::delete),
        )
        .route("/contexts", get(fixed::contexts))
        .route("/mode", get(fixed::mode).put(fixed::put_mode))
        .route("/mode/{subject}", get(fixed::subject_mode).put(fixed::put_mode))
        .fallback(refusal::not_found)
        .method_not_allowed_fallback(refusal::method_not_allowed)
}
