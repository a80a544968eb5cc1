//! Guarded connections for clients that speak other protocols than HTTP.

use std::fmt;
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
use super::stopwatch;

/// A connection, with TLS or without.
pub type Stream = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Opens connections only where its policy permits, by its proxy if there is one.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Dialer {
    connector: Connector,
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
            connector: Connector::new(policy, tls.config(), &[]),
            tls,
        }
    }

    /// A connection to `host`, which is a name or an address; with TLS, checked
    /// for `host`, if it is to be `secure`.
    ///
    /// Bounded by the time that connecting takes at most. Dropped, it leaves nothing behind.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(&self, host: &str, port: u16, secure: bool) -> Result<Stream, CallError> {
        let scheme = if secure { "https" } else { "http" };
        let is_bare = host.contains(':') && !host.starts_with('[');
        let host = if is_bare {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let uri = format!("{scheme}://{host}:{port}/");
        let uri: Uri = uri.parse().map_err(|_| CallError::Request)?;
        let watch = Stopwatch::start();
        let connecting = async { self.connector.clone().call(uri).await };
        let connected = stopwatch::timing(&watch, connecting).await;
        connected
            .map(TokioIo::new)
            .map_err(|error: BoxError| unconnected(Some(&*error), &watch))
    }

    /// How TLS is to be spoken, without a protocol to agree on.
    #[must_use]
    pub fn tls(&self) -> rustls::ClientConfig {
        self.tls.config()
    }
}
