//! Extractors whose rejections are problems like every other error.

use std::sync::Arc;

use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::extract::Request;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::body;
use super::state::AppState;
use crate::catalog::BusName;
use crate::catalog::InvalidName;
use crate::catalog::RuleName;
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

/// A JSON body.
pub(super) struct ApiJson<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<AppState>> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<AppState>) -> Result<Self, Problem> {
        let body = body::read(request, CONTROL_BYTES, "body-too-large").await?;
        let read = serde_json::from_slice(&body);
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

fn invalid_name(error: InvalidName) -> Problem {
    Problem::new(400, "invalid-name", error.to_string())
}
