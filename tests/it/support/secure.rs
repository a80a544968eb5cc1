//! A webhook receiver behind TLS that takes everything, and records over what it came.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::http::Response;
use axum::http::Version;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Authority;
use super::Identity;
use super::PATIENCE;

/// What a TLS record of a handshake begins with, and no HTTP request.
const HANDSHAKE: u8 = 0x16;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct SecureRequest {
    pub(crate) version: Version,
    /// The certificate that the client showed.
    pub(crate) client: Option<CertificateDer<'static>>,
}

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecureSeen {
    /// Connections on which the client began a handshake.
    pub(crate) handshakes: usize,
    /// Connections on which it sent anything else.
    pub(crate) plain: usize,
    /// Requests, in order.
    pub(crate) requests: Vec<SecureRequest>,
}

/// A running receiver; ends when dropped.
pub(crate) struct SecureSink {
    address: SocketAddr,
    seen: watch::Sender<SecureSeen>,
    config: watch::Sender<Arc<ServerConfig>>,
    _listening: JoinSet<()>,
}

impl SecureSink {
    /// A receiver with this certificate that speaks HTTP/1.1 and, if asked by ALPN, HTTP/2.
    pub(crate) async fn showing(identity: &Identity) -> Self {
        Self::start(config(identity, None, &["h2", "http/1.1"])).await
    }

    /// One that does not know HTTP/2.
    pub(crate) async fn showing_http1(identity: &Identity) -> Self {
        Self::start(config(identity, None, &["http/1.1"])).await
    }

    /// One that takes only clients with a certificate of this authority.
    pub(crate) async fn demanding(identity: &Identity, clients: &Authority) -> Self {
        Self::start(config(identity, Some(clients), &["http/1.1"])).await
    }

    async fn start(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (seen, config) = (watch::Sender::default(), watch::Sender::new(Arc::new(config)));
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, seen.clone(), config.subscribe()));
        Self {
            address,
            seen,
            config,
            _listening: listening,
        }
    }

    /// Shows another certificate from the next connection on.
    pub(crate) fn show(&self, identity: &Identity) {
        let next = config(identity, None, &["h2", "http/1.1"]);
        self.config.send_replace(Arc::new(next));
    }

    /// The URL of a path of the receiver, by its address.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// What happened so far.
    pub(crate) fn seen(&self) -> SecureSeen {
        self.seen.borrow().clone()
    }

    /// What happened, once `is_enough` says so.
    pub(crate) async fn wait_for(
        &self,
        what: &str,
        is_enough: impl FnMut(&SecureSeen) -> bool,
    ) -> SecureSeen {
        let mut seen = self.seen.subscribe();
        let coming = tokio::time::timeout(PATIENCE, seen.wait_for(is_enough)).await;
        assert!(coming.is_ok(), "never happened: {what}; {:?}", self.seen());
        self.seen()
    }
}

fn config(identity: &Identity, clients: Option<&Authority>, protocols: &[&str]) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let mut config = builder
        .with_single_cert(vec![identity.der()], identity.key())
        .expect("a certificate with its key");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn listen(
    listener: TcpListener,
    seen: watch::Sender<SecureSeen>,
    config: watch::Receiver<Arc<ServerConfig>>,
) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let config = Arc::clone(&config.borrow());
        serving.spawn(serve(stream, config, seen.clone()));
    }
}

/// Serves a connection until the client has enough of it.
async fn serve(stream: TcpStream, config: Arc<ServerConfig>, seen: watch::Sender<SecureSeen>) {
    let mut first = [0];
    // A client that connects and says nothing has said nothing plain.
    if !matches!(stream.peek(&mut first).await, Ok(1)) {
        return;
    }
    if first != [HANDSHAKE] {
        return seen.send_modify(|seen| seen.plain += 1);
    }
    seen.send_modify(|seen| seen.handshakes += 1);
    let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else {
        return;
    };
    let shown = stream.get_ref().1.peer_certificates();
    let client = shown.and_then(|chain| Some(chain.first()?.clone().into_owned()));
    let service = service_fn(move |request: Request<Incoming>| {
        let request = SecureRequest {
            version: request.version(),
            client: client.clone(),
        };
        seen.send_modify(|seen| seen.requests.push(request));
        std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(Body::empty())))
    });
    let builder = Builder::new(TokioExecutor::new());
    // However the client ends it, what counts is recorded.
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}
