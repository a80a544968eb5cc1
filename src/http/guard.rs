//! What happens to every request: an id, the check of its origin, and a problem for every failure.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::HOST;
use http::header::ORIGIN;

use super::state::AppState;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// Gives every response an id, and refuses requests that a web page of somebody else could have sent.
pub(super) async fn guard(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let mut response = if state.info.is_loopback && is_foreign(request.headers()) {
        let detail =
            "on a loopback address only requests to localhost are served (protection against DNS rebinding)";
        Problem::new(403, "foreign-host", detail).into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The caller's id if it has a harmless form, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let given = headers.get(REQUEST_ID).filter(|id| {
        let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.as_bytes().iter().all(is_harmless)
    });
    given
        .cloned()
        .unwrap_or_else(|| HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).map(|host| host.to_str().is_ok_and(is_local));
    let origin = headers.get(ORIGIN).map(|origin| {
        let authority = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"))
            .map(|(_, rest)| rest);
        authority.is_some_and(is_local)
    });
    host == Some(false) || origin == Some(false)
}

/// `localhost`, or a loopback address, with or without a port.
fn is_local(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A handler panicked: that is a fault of ours, and still an answer.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    Problem::new(
        500,
        "internal",
        "the server could not serve this request; its log says why",
    )
    .into_response()
}

/// No route has this path.
pub(super) async fn not_found(request: Request) -> Problem {
    Problem::new(
        404,
        "not-found",
        format!("there is nothing at {}; see /openapi.json", request.uri().path()),
    )
}

/// The path exists, but not with this method.
pub(super) async fn method_not_allowed(request: Request) -> Problem {
    let detail = format!(
        "{} is not allowed at {}; see /openapi.json",
        request.method(),
        request.uri().path()
    );
    Problem::new(405, "method-not-allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_names_are_local() {
        for local in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:8080",
            "127.1.2.3",
        ] {
            assert!(is_local(local), "{local}");
        }
        for foreign in [
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "[::2]",
            "",
            "127.0.0.1.nip.io",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
