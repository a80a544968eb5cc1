//! What happens to every request: an id, the check of its origin, and a problem for every failure.
//!
//! A service around the whole router rather than layers inside it: those are cloned and boxed for
//! every request.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::HOST;
use http::header::ORIGIN;
use hyper::body::Incoming;
use tower::Service as _;

use super::confluent;
use super::leftover::Leftover;
use super::state::AppState;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

tokio::task_local! {
    static CURRENT_ID: HeaderValue;
}

/// The id of the request that the calling task serves, for the server's log.
pub(super) fn current_id() -> String {
    let id = CURRENT_ID.try_with(|id| id.to_str().map(str::to_owned));
    id.ok().and_then(Result::ok).unwrap_or_default()
}

/// The whole HTTP interface. Gives every response an id, refuses requests that a web page of
/// somebody else could have sent, and answers a panic with a problem. Cheap to clone.
#[derive(Clone)]
pub struct Guarded {
    router: Router,
    state: Arc<AppState>,
}

impl Guarded {
    /// Guards `router`.
    pub(super) const fn new(router: Router, state: Arc<AppState>) -> Self {
        Self { router, state }
    }

    async fn serve(mut self, request: http::Request<Incoming>) -> Response {
        let id = request_id(request.headers());
        let (request, leftover) = Leftover::of(request);
        let mut response = if self.state.info.is_loopback && is_foreign(&request) {
            let detail = "on a loopback address only requests to localhost are served (protection against DNS rebinding)";
            let is_confluent = confluent::is_below(request.uri().path());
            shaped(is_confluent, Problem::new(403, "foreign-host", detail))
        } else {
            CURRENT_ID
                .scope(id.clone(), answer(&mut self.router, request))
                .await
        };
        leftover.drain().await;
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Guarded {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let guarded = self.clone();
        Box::pin(async move { Ok(guarded.serve(request).await) })
    }
}

/// What the router answers; a panic in a handler is a fault of ours, and still an answer.
async fn answer(router: &mut Router, request: Request) -> Response {
    let is_confluent = confluent::is_below(request.uri().path());
    match AssertUnwindSafe(router.call(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_) => {
            tracing::error!(request = current_id(), "a handler panicked");
            let detail = "the server could not serve this request; its log says why";
            shaped(is_confluent, Problem::new(500, "internal", detail))
        }
    }
}

/// A problem, in the shape that its reader knows.
fn shaped(is_confluent: bool, problem: Problem) -> Response {
    if is_confluent {
        confluent::refused(problem)
    } else {
        problem.into_response()
    }
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
    use axum::body::Body;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_a_problem_that_does_not_repeat_it() {
        let mut router = Router::new().fallback(async || -> StatusCode { panic!("secret") });
        let response = answer(&mut router, Request::new(Body::empty())).await;
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
