//! The one HTTP client for outgoing calls, with every convenience that could be abused left out.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header::CONTENT_LENGTH;
use http::header::TRANSFER_ENCODING;
use http::header::USER_AGENT;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::CaptureConnection;
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use tokio::sync::Notify;

use super::Denied;
use super::Policy;
use super::connector::Connector;
use super::connector::NoTunnel;
use super::resolver::ResolveError;
use super::stopwatch;
use super::stopwatch::Stopwatch;
use super::tls::Tls;

/// Idle connections kept per host: as many as there may be calls at once, because many routes may
/// lead to one host. Fewer would be closed and made again with every burst.
const IDLE_PER_HOST: usize = 4_096;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of the head of an answer, and of what is read at once.
const READ_BUFFER: usize = 32 * 1024;
/// Interim answers (100, 103, …) before the answer; a server that sends more will send no other.
const MAX_INTERIM: usize = 16;

/// Why a call has no answer. Never says what was called: a URL may hold a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The address may not be called.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The name has no address now.
    #[error("the name of the target could not be resolved")]
    Unresolved,
    /// Nobody answers at the address; nothing was sent.
    #[error("cannot connect to the target{}", .0.map_or_else(String::new, |kind| format!(": {kind}")))]
    Unconnected(Option<io::ErrorKind>),
    /// The proxy on the way made no connection; nothing was sent.
    #[error("the egress proxy made no connection to the target")]
    NoTunnel,
    /// No TLS could be agreed on; nothing was sent.
    #[error("no secure connection to the target{}", .0.as_ref().map_or_else(String::new, |why| format!(": {why}")))]
    Insecure(Option<rustls::Error>),
    /// The connection broke or what came was no HTTP; the target may have the request.
    #[error("the target closed the connection or did not speak HTTP")]
    Protocol,
    /// The request is none; nothing was sent.
    #[error("the request cannot be built")]
    Request,
}

/// Makes outgoing calls: no redirects, no proxy of the environment, no decompression, no cookies,
/// no repetition of what may have been sent, and only to addresses that its policy permits.
///
/// Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client(legacy::Client<Connector, Full<Bytes>>);

impl Client {
    /// A client that calls what `policy` permits.
    #[must_use]
    pub fn new(policy: Arc<Policy>, tls: &Tls) -> Self {
        let connector = Connector::new(policy, tls.config(), &[b"h2", b"http/1.1"]);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http1_max_buf_size(READ_BUFFER)
            .build(connector);
        Self(client)
    }

    /// Sends a request and returns with the head of the answer; the body is still to be read.
    ///
    /// Has no deadline of its own. Dropped, it closes its connection; the target may have the
    /// request. `watch` knows how far it came.
    ///
    /// # Errors
    /// Sorted by what can be said about the request.
    pub async fn send(
        &self,
        mut request: Request<Bytes>,
        watch: &Arc<Stopwatch>,
    ) -> Result<Response<Incoming>, CallError> {
        let agent = HeaderValue::from_static(concat!("tramline/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(agent);
        let (mut request, flooded) = (request.map(Full::new), Arc::new(Notify::new()));
        let (interim, too_many) = (AtomicUsize::new(0), Arc::clone(&flooded));
        hyper::ext::on_informational(&mut request, move |_| {
            if interim.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
                too_many.notify_one();
            }
        });
        let connection = capture_connection(&mut request);
        let answered = pin!(stopwatch::timing(watch, self.0.request(request)));
        let answer = tokio::select! {
            biased;
            () = flooded.notified() => return Err(broken(&connection)),
            answer = answered => answer.map_err(|error| sort(&error, watch))?,
        };
        watch.answered(answer.extensions().get::<HttpInfo>().map(HttpInfo::local_addr));
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS || is_ambiguous(&answer) {
            return Err(broken(&connection));
        }
        Ok(answer)
    }
}

/// Sees to it that the connection carries no other call: what comes next over it may be anything.
fn broken(connection: &CaptureConnection) -> CallError {
    if let Some(connection) = connection.connection_metadata().as_ref() {
        connection.poison();
    }
    CallError::Protocol
}

/// Two lengths for one body: whoever reads it cannot know where it ends.
fn is_ambiguous(answer: &Response<Incoming>) -> bool {
    let has = |headers: &HeaderMap, name| headers.contains_key(name);
    let headers = answer.headers();
    answer.version() <= Version::HTTP_11 && has(headers, CONTENT_LENGTH) && has(headers, TRANSFER_ENCODING)
}

/// The TLS error that an I/O error is made of: one hides what it is made of from its own sources, and
/// may be made of another one.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let made_of = error.get_ref()?;
    let inner = || of_tls(made_of.downcast_ref::<io::Error>()?);
    made_of.downcast_ref::<rustls::Error>().or_else(inner)
}

/// Sorts an error of the client by what happened.
fn sort(error: &legacy::Error, watch: &Stopwatch) -> CallError {
    match unconnected(error.source(), watch) {
        CallError::Unconnected(_) | CallError::Insecure(_) if !error.is_connect() => CallError::Protocol,
        sorted => sorted,
    }
}

/// Sorts why there is no connection.
pub(super) fn unconnected(mut cause: Option<&(dyn Error + 'static)>, watch: &Stopwatch) -> CallError {
    let (mut tls, mut kind) = (None, None);
    while let Some(inner) = cause {
        if let Some(denied) = inner.downcast_ref::<Denied>() {
            return denied.clone().into();
        }
        if let Some(NoTunnel) = inner.downcast_ref() {
            return CallError::NoTunnel;
        }
        match inner.downcast_ref::<ResolveError>() {
            Some(ResolveError::Denied(denied)) => return denied.clone().into(),
            Some(_) => return CallError::Unresolved,
            None => {}
        }
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            kind = kind.or(Some(io.kind()));
            tls = tls.or_else(|| of_tls(io).cloned());
        }
        cause = inner.source();
    }
    if watch.is_insecure() {
        return CallError::Insecure(tls);
    }
    CallError::Unconnected(kind)
}
