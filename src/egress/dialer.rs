//! Guarded connections for clients that speak other protocols than HTTP.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service as _;

use super::CallError;
use super::Policy;
use super::Stopwatch;
use super::Tls;
use super::client::unconnected;
use super::connector::BoxError;
use super::connector::Connector;
use super::resolver::GuardedResolver;
use super::resolver::ResolveError;
use super::stopwatch;

/// A connection, with TLS or without.
pub type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Opens connections only where its policy permits, by its proxy if there is one.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    policy: Arc<Policy>,
    connector: Connector,
    guard: GuardedResolver,
    tls: Tls,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dialer").finish_non_exhaustive()
    }
}

impl Dialer {
    /// Connections to what `policy` permits.
    #[must_use]
    pub fn new(policy: Arc<Policy>, tls: Tls) -> Self {
        Self {
            connector: Connector::new(Arc::clone(&policy), tls.config(), &[]),
            guard: GuardedResolver::new(Arc::clone(&policy)),
            policy,
            tls,
        }
    }

    /// A connection to `host`, which is a name or an address, an IPv6 one in brackets; with TLS, checked
    /// for `host`, if it is to be `secure`.
    ///
    /// Bounded by the time that connecting takes at most. Dropped, it leaves nothing behind.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(&self, host: &str, port: u16, secure: bool) -> Result<Stream, CallError> {
        let scheme = if secure { "https" } else { "http" };
        let uri = format!("{scheme}://{host}:{port}/");
        let uri: Uri = uri.parse().map_err(|_| CallError::Request)?;
        let watch = Stopwatch::start();
        let connecting = self.connector.clone().call(uri);
        let connected = stopwatch::timing(&watch, connecting).await;
        connected
            .map(TokioIo::new)
            .map_err(|error: BoxError| unconnected(Some(&*error), &watch))
    }

    /// The permitted addresses of `host`, resolved now, for clients that connect by themselves.
    ///
    /// # Errors
    /// Why there is none; always when calls go by a proxy, which such a client would not ask.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, CallError> {
        if self.policy.proxy().is_some() {
            return Err(CallError::NoTunnel);
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse() {
            self.policy.permit(address)?;
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.parse().map_err(|_| CallError::Unresolved)?;
        match self.guard.clone().call(name).await {
            Ok(found) => Ok(found.map(|found| SocketAddr::new(found.ip(), port)).collect()),
            Err(ResolveError::Denied(denied)) => Err(denied.into()),
            Err(_) => Err(CallError::Unresolved),
        }
    }

    /// How TLS is to be spoken, without a protocol to agree on.
    #[must_use]
    pub fn tls(&self) -> rustls::ClientConfig {
        self.tls.config()
    }
}
