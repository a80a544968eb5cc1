//! The one HTTP client for outgoing calls, with every convenience that could be abused switched off.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use tokio::sync::Semaphore;

use super::Policy;

/// A resolver that has not answered by then will not help this attempt.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Lookups at once. Each holds a thread that reads of the log need too, for as long as the
/// system's resolver likes, whether anybody still waits for it or not.
const MAX_LOOKUPS: usize = 64;
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
        .dns_resolver(Arc::new(GuardedResolver {
            policy,
            lookups: Lookups::new(lookup),
        }))
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
    lookups: Lookups,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookups) = (Arc::clone(&self.policy), self.lookups.clone());
        Box::pin(async move {
            let resolved = lookups.resolve(name.as_str().to_owned());
            let mut found = tokio::time::timeout(RESOLVE_TIMEOUT, resolved).await??;
            found.truncate(MAX_ADDRESSES);
            let permitted = policy.permit_resolved(name.as_str(), &found)?;
            // Port 0: the client puts the port of the URL there.
            let addresses: Addrs = Box::new(permitted.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// Asks the system's resolver. Blocks for as long as that takes.
fn lookup(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|socket| socket.ip()).collect())
}

/// Blocking lookups, so many at once.
#[derive(Clone)]
struct Lookups {
    places: Arc<Semaphore>,
    lookup: fn(&str) -> io::Result<Vec<IpAddr>>,
}

impl Lookups {
    fn new(lookup: fn(&str) -> io::Result<Vec<IpAddr>>) -> Self {
        let places = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Self { places, lookup }
    }

    /// The addresses of a name. Dropped, it ends only when the resolver does, and keeps its place
    /// until then.
    async fn resolve(self, name: String) -> io::Result<Vec<IpAddr>> {
        let place = self.places.acquire_owned().await.map_err(io::Error::other)?;
        let looking = tokio::task::spawn_blocking(move || {
            let found = (self.lookup)(&name);
            drop(place);
            found
        });
        looking.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use futures_util::FutureExt as _;

    use super::*;

    static STUCK: Barrier = Barrier::new(MAX_LOOKUPS + 1);

    #[tokio::test]
    async fn a_lookup_that_nobody_waits_for_keeps_its_place_until_it_ends() {
        let lookups = Lookups::new(|name| {
            if name == "stuck" {
                STUCK.wait();
            }
            Ok(Vec::new())
        });
        for _ in 0..MAX_LOOKUPS {
            assert!(
                lookups
                    .clone()
                    .resolve("stuck".to_owned())
                    .now_or_never()
                    .is_none()
            );
        }
        let mut next = Box::pin(lookups.clone().resolve("next".to_owned()));
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(
            lookups.places.available_permits(),
            0,
            "the dropped ones have given up theirs"
        );
        STUCK.wait();
        assert!(next.await.unwrap().is_empty());
    }
}
