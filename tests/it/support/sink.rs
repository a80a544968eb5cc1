//! A webhook receiver on a real socket that records what comes and answers as told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::PATIENCE;

/// What the sink does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and this header.
    With(u16, &'static str, &'static str),
    /// Never answers.
    Hang,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// The text of a header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// Gives the response to a request; none if there is never one.
type Script = Box<dyn FnMut(&Received) -> Option<Response> + Send>;

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

fn script(mut answer: impl FnMut(&Received) -> Answer + Send + 'static) -> Script {
    Box::new(move |received| match answer(received) {
        Answer::Status(code) => Some(status(code).into_response()),
        Answer::With(code, name, value) => Some((status(code), [(name, value)]).into_response()),
        Answer::Hang => None,
    })
}

struct Shared {
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    script: Mutex<Script>,
}

/// A running receiver; ends when dropped.
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

impl Sink {
    /// A sink that takes everything.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| Answer::Status(200)).await
    }

    /// A sink that answers each request as `script` says.
    pub(crate) async fn answering(script: impl FnMut(&Received) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, script)
    }

    /// A sink that gives each request the response that `respond` makes.
    pub(crate) async fn responding(mut respond: impl FnMut(&Received) -> Response + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::serving(listener, Box::new(move |received| Some(respond(received))))
    }

    /// A sink on a listener that is there already.
    pub(crate) fn on(
        listener: TcpListener,
        answer: impl FnMut(&Received) -> Answer + Send + 'static,
    ) -> Self {
        Self::serving(listener, script(answer))
    }

    fn serving(listener: TcpListener, script: Script) -> Self {
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            count: watch::Sender::new(0),
            script: Mutex::new(script),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self {
            address,
            shared,
            _server: server,
        }
    }

    /// Changes what it answers from now on.
    pub(crate) fn answer(&self, answer: impl FnMut(&Received) -> Answer + Send + 'static) {
        *self.shared.script.lock().expect("no panic") = script(answer);
    }

    /// The URL of a path of the sink.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("no panic").clone()
    }

    /// Everything that came, once there are so many.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut seen = self.shared.count.subscribe();
        let coming = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| *seen >= count)).await;
        let got = self.received();
        assert!(coming.is_ok(), "{} of {count} requests came", got.len());
        got
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let received = Received {
        method,
        path: uri.to_string(),
        headers,
        body,
    };
    let response = (shared.script.lock().expect("no panic"))(&received);
    shared.received.lock().expect("no panic").push(received);
    shared.count.send_modify(|count| *count += 1);
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}
