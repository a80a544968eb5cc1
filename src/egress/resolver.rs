//! Resolves the names of targets, and lets through only what the policy permits.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::Semaphore;
use tower::Service;

use super::Denied;
use super::Policy;
use super::stopwatch;

/// A resolver that has not answered by then will not help this attempt.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Lookups at once. Each holds a thread that reads of the log need too, for as long as the
/// system's resolver likes, whether anybody still waits for it or not.
const MAX_LOOKUPS: usize = 64;
/// More addresses than this are not tried.
const MAX_ADDRESSES: usize = 16;

/// Why a name gives no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// It has an address that may not be called.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The resolver gave none.
    #[error("the name cannot be resolved")]
    Failed(#[from] io::Error),
    /// The resolver gave no answer.
    #[error("the name is not resolved in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
}

/// The system's resolver behind the policy.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    policy: Arc<Policy>,
    lookups: Lookups,
}

impl GuardedResolver {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            lookups: Lookups::new(lookup),
        }
    }

    async fn permitted(self, name: Name) -> Result<vec::IntoIter<SocketAddr>, ResolveError> {
        self.policy.permit_name(name.as_str())?;
        let resolved = self.lookups.resolve(name.as_str().to_owned());
        let found = tokio::time::timeout(RESOLVE_TIMEOUT, resolved).await??;
        // All are judged, also those that would not be tried.
        let mut permitted = self.policy.permit_resolved(name.as_str(), &found)?;
        permitted.truncate(MAX_ADDRESSES);
        // Port 0: the client puts the port of the URL there.
        let addresses: Vec<_> = permitted.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
        Ok(addresses.into_iter())
    }
}

impl Service<Name> for GuardedResolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (watch, resolving) = (stopwatch::current(), self.clone().permitted(name));
        Box::pin(async move {
            let started = Instant::now();
            let resolved = resolving.await;
            if let Some(watch) = watch {
                watch.resolved(started.elapsed());
            }
            resolved
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
