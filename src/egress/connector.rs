//! Connects to targets: only where the policy permits, and noting how long it takes.

use std::error::Error;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::HttpsConnector;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::Policy;
use super::resolver::GuardedResolver;
use super::stopwatch;

/// Connecting takes a round trip or two; the attempt's own deadline still holds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Plain or TLS connections, as the scheme says.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<Tcp>);

impl Connector {
    /// Connections to what `policy` permits.
    pub(super) fn new(policy: Arc<Policy>, mut tls: rustls::ClientConfig) -> Self {
        let mut inner = HttpConnector::new_with_resolver(GuardedResolver::new(Arc::clone(&policy)));
        inner.enforce_http(false);
        inner.set_nodelay(true);
        inner.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self((Tcp { inner, policy }, tls).into())
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let (watch, connecting) = (stopwatch::current(), self.0.call(uri));
        Box::pin(async move {
            let stream = connecting.await?;
            if let Some(watch) = watch.filter(|_| is_secure) {
                watch.secured();
            }
            Ok(stream)
        })
    }
}

/// Connections without TLS.
#[derive(Clone)]
struct Tcp {
    inner: HttpConnector<GuardedResolver>,
    policy: Arc<Policy>,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The resolver is not asked for literal addresses.
        if let Some(Err(denied)) = literal(&uri).map(|address| self.policy.permit(address)) {
            return Box::pin(async move { Err(denied.into()) });
        }
        let (watch, connecting) = (stopwatch::current(), self.inner.call(uri));
        Box::pin(async move {
            let started = Instant::now();
            let stream = connecting.await?;
            if let (Some(watch), Ok(local)) = (watch, stream.inner().local_addr()) {
                watch.connected(local, started.elapsed());
            }
            Ok(stream)
        })
    }
}

/// The host, if it is an address.
fn literal(uri: &Uri) -> Option<IpAddr> {
    let host = uri.host()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
