//! The one HTTP client for outgoing calls, with every convenience that could be abused switched off.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;

use super::Policy;

/// A resolver that has not answered by then will not help this attempt.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connecting takes a round trip or two; the attempt's own deadline still holds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept per host: the default concurrency of one route.
const IDLE_PER_HOST: usize = 32;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// More addresses than this are not tried.
const MAX_ADDRESSES: usize = 16;

/// The HTTP client could not be made, for one when the system has no CA certificates.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the HTTP client for outgoing calls")]
pub struct ClientError(#[source] reqwest::Error);

/// Makes the client: no redirects, no proxy of the environment, no decompression, no retry of
/// its own, and only addresses that `policy` permits.
///
/// # Errors
/// [`ClientError`] when TLS cannot be set up.
pub fn client(policy: Arc<Policy>) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .dns_resolver(Arc::new(GuardedResolver { policy }))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("tramline/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(ClientError)
}

struct GuardedResolver {
    policy: Arc<Policy>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let lookup = tokio::net::lookup_host((name.as_str().to_owned(), 0));
            let mut found: Vec<IpAddr> = tokio::time::timeout(RESOLVE_TIMEOUT, lookup)
                .await??
                .map(|socket| socket.ip())
                .collect();
            found.truncate(MAX_ADDRESSES);
            let permitted = policy.permit_resolved(name.as_str(), &found)?;
            // Port 0: the client puts the port of the URL there.
            let addresses: Addrs = Box::new(permitted.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
