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
use tracing::Instrument as _;

use super::leftover::Leftover;
use super::state::AppState;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// Gives every response an id, and refuses requests that a web page of somebody else could have sent.
pub(super) async fn guard(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let (request, leftover) = Leftover::of(request);
    let mut response = if state.info.is_loopback && is_foreign(&request) {
        let detail =
            "on a loopback address only requests to localhost are served (protection against DNS rebinding)";
        Problem::new(403, "foreign-host", detail).into_response()
    } else {
        let span = tracing::error_span!("request", id = id.to_str().unwrap_or_default());
        next.run(request).instrument(span).await
    };
    leftover.drain().await;
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

/// Whether anything says that the request was made for another site: `Host`, the authority of the
/// request line (which stands for it in HTTP/2), or `Origin`.
fn is_foreign(request: &Request) -> bool {
    let of = |name: HeaderName| {
        request
            .headers()
            .get_all(name)
            .iter()
            .map(|value| value.to_str().ok())
    };
    let target = request
        .uri()
        .authority()
        .map(|authority| Some(authority.as_str()));
    let mut origins = of(ORIGIN).map(|origin| Some(origin?.split_once("://")?.1));
    let is_local = |authority: Option<&str>| authority.is_some_and(is_local);
    !(of(HOST).chain(target).all(is_local) && origins.all(is_local))
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
    use axum::Router;
    use axum::body::Body;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_a_problem_that_does_not_repeat_it() {
        let router = Router::new()
            .fallback(async || -> StatusCode { panic!("secret") })
            .layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (500, "internal"));
        assert!(!problem.detail.contains("secret"), "{problem:?}");
    }

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
