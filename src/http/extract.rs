//! Extractors whose rejections are problems like every other error.

use std::sync::Arc;

use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::Request;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::body;
use super::state::AppState;
use crate::catalog::BusName;
use crate::catalog::ConnectionName;
use crate::catalog::InvalidName;
use crate::catalog::RuleName;
use crate::catalog::SourceName;
use crate::problem::Problem;

/// Largest body of a call that publishes nothing.
pub(super) const CONTROL_BYTES: usize = 32 * 1024 * 1024;

/// Query parameters.
pub(super) struct ApiQuery<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Problem::new(400, "invalid-query", error.body_text())),
        }
    }
}

/// No query at all: a call that takes no parameters refuses them, so that nobody believes in a
/// `dry_run` that is not there.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.uri.query() {
            None | Some("") => Ok(Self),
            Some(_) => Err(Problem::new(
                400,
                "invalid-query",
                "this call takes no query parameters",
            )),
        }
    }
}

/// The variable parts of a path.
pub(super) struct ApiPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(found) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(400, "invalid-path", error.body_text()))?;
        Ok(Self(found))
    }
}

/// A JSON body.
pub(super) struct ApiJson<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<AppState>> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<AppState>) -> Result<Self, Problem> {
        let body = body::read(request, CONTROL_BYTES, "body-too-large").await?;
        let read = serde_json::from_slice(&body.bytes);
        read.map(Self)
            .map_err(|error| Problem::new(400, "invalid-json", format!("the body cannot be read: {error}")))
    }
}

/// The name of a bus in a path.
pub(super) fn bus_name(text: &str) -> Result<BusName, Problem> {
    BusName::parse(text).map_err(invalid_name)
}

/// The name of a rule in a path.
pub(super) fn rule_name(text: &str) -> Result<RuleName, Problem> {
    RuleName::parse(text).map_err(invalid_name)
}

/// The name of a connection in a path.
pub(super) fn connection_name(text: &str) -> Result<ConnectionName, Problem> {
    ConnectionName::parse(text).map_err(invalid_name)
}

/// The name of a source in a path.
pub(super) fn source_name(text: &str) -> Result<SourceName, Problem> {
    SourceName::parse(text).map_err(invalid_name)
}

fn invalid_name(error: InvalidName) -> Problem {
    Problem::new(400, "invalid-name", error.to_string())
}
