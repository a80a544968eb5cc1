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
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::Denied;
use super::Policy;
use super::resolver::GuardedResolver;
use super::resolver::ResolveError;
use super::stopwatch;

/// Connecting takes a round trip or two; the attempt's own deadline still holds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Plain or TLS connections, as the scheme says.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<Tcp>);

impl Connector {
    /// Connections to what `policy` permits, for these protocols if TLS is to agree on one.
    pub(super) fn new(policy: Arc<Policy>, mut tls: rustls::ClientConfig, protocols: &[&[u8]]) -> Self {
        let guard = GuardedResolver::new(Arc::clone(&policy));
        let way = match policy.proxy() {
            None => Way::Direct(prepared(HttpConnector::new_with_resolver(guard))),
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri.clone(), prepared(HttpConnector::new()));
                let tunnel = match &proxy.authorization {
                    Some(authorization) => tunnel.with_auth(authorization.clone()),
                    None => tunnel,
                };
                Way::Proxied { tunnel, guard }
            }
        };
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self((Tcp { way, policy }, tls).into())
    }
}

fn prepared<R>(mut connector: HttpConnector<R>) -> HttpConnector<R> {
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

/// The proxy has made no connection. Never says why: what it answers may be anything.
#[derive(Debug, thiserror::Error)]
#[error("no connection by the proxy")]
pub(super) struct NoTunnel;

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
    way: Way,
    policy: Arc<Policy>,
}

/// How a connection is made.
#[derive(Clone)]
enum Way {
    /// To the target itself, as the resolver permits.
    Direct(HttpConnector<GuardedResolver>),
    /// By a proxy that is asked for it, once the resolver has permitted it.
    Proxied {
        tunnel: Tunnel<HttpConnector>,
        guard: GuardedResolver,
    },
}

impl Way {
    fn connect(&mut self, uri: Uri) -> Connecting<TokioIo<TcpStream>> {
        match self {
            Self::Direct(connector) => {
                let connecting = connector.call(uri);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Self::Proxied { tunnel, guard } => {
                let (mut tunnel, guard) = (tunnel.clone(), guard.clone());
                Box::pin(async move {
                    judge(guard, &uri).await?;
                    std::future::poll_fn(|context| tunnel.poll_ready(context))
                        .await
                        .map_err(|_| NoTunnel)?;
                    let connected = tunnel.call(with_port(&uri)?).await;
                    Ok(connected.map_err(|_| NoTunnel)?)
                })
            }
        }
    }
}

/// Refuses a name that has an address that may not be called. One that this machine cannot resolve
/// is left to the proxy, which may be the only one here that can.
async fn judge(mut guard: GuardedResolver, uri: &Uri) -> Result<(), Denied> {
    let name = uri.host().filter(|_| literal(uri).is_none());
    let Some(Ok(name)) = name.map(str::parse) else {
        return Ok(());
    };
    match guard.call(name).await {
        Err(ResolveError::Denied(denied)) => Err(denied),
        _ => Ok(()),
    }
}

/// The address for a proxy, which is not told the scheme.
fn with_port(uri: &Uri) -> Result<Uri, http::Error> {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(default);
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(format!("{}:{port}", uri.host().unwrap_or_default()))
        .path_and_query("/")
        .build()
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.way {
            Way::Direct(connector) => connector.poll_ready(context).map_err(Into::into),
            // Asked when the target is judged.
            Way::Proxied { .. } => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // The resolver is not asked for literal addresses.
        if let Some(Err(denied)) = literal(&uri).map(|address| self.policy.permit(address)) {
            return Box::pin(async move { Err(denied.into()) });
        }
        let (watch, connecting) = (stopwatch::current(), self.way.connect(uri));
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
