//! How long each phase of one outgoing call took.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use serde::Deserialize;
use serde::Serialize;

tokio::task_local! {
    /// The stopwatch of the call that this task is making.
    static CURRENT: Arc<Stopwatch>;
}

/// Milliseconds that the phases of a call took, one after the other.
///
/// A phase that did not take place has none: a literal address is not resolved, and on a
/// connection that was there already only the wait for the answer is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Resolving the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<u32>,
    /// Connecting to the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<u32>,
    /// Agreeing on TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<u32>,
    /// From the connection to the first byte of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<u32>,
}

impl Phases {
    /// Whether no phase is over, or none was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Notes the phases of one call while it is made; after a timeout it knows how far the call came.
#[derive(Debug)]
pub struct Stopwatch {
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    dns: Option<Duration>,
    connect: Option<Duration>,
    tls: Option<Duration>,
    first_byte: Option<Duration>,
    /// Our end of the connection that was made for this call, and since when it is there.
    connected: Option<(SocketAddr, Instant)>,
}

impl Stopwatch {
    /// A stopwatch that runs from now on.
    #[must_use]
    pub fn start() -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            seen: Mutex::default(),
        })
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The phases that are over.
    #[must_use]
    pub fn phases(&self) -> Phases {
        let seen = self.seen.lock();
        Phases {
            dns: seen.dns.map(millis),
            connect: seen.connect.map(millis),
            tls: seen.tls.map(millis),
            first_byte: seen.first_byte.map(millis),
        }
    }

    pub(super) fn resolved(&self, took: Duration) {
        self.seen.lock().dns = Some(took);
    }

    /// A connection was made in so much time, resolving included.
    pub(super) fn connected(&self, local: SocketAddr, took: Duration) {
        let mut seen = self.seen.lock();
        seen.connect = Some(took.saturating_sub(seen.dns.unwrap_or_default()));
        seen.connected = Some((local, Instant::now()));
    }

    pub(super) fn secured(&self) {
        let mut seen = self.seen.lock();
        seen.tls = seen.connected.map(|(_, since)| since.elapsed());
    }

    /// Whether a connection was made and no TLS agreed on.
    pub(super) fn is_insecure(&self) -> bool {
        let seen = self.seen.lock();
        seen.connected.is_some() && seen.tls.is_none()
    }

    /// The head of the answer came over the connection with this end of ours. Another one than
    /// was made for this call became free while it was being made.
    pub(super) fn answered(&self, local: Option<SocketAddr>) {
        let elapsed = self.elapsed();
        let mut seen = self.seen.lock();
        let is_reused = local.is_none() || seen.connected.map(|(local, _)| local) != local;
        if is_reused {
            *seen = Seen::default();
        }
        let before = [seen.dns, seen.connect, seen.tls];
        let before: Duration = before.into_iter().flatten().sum();
        seen.first_byte = Some(elapsed.saturating_sub(before));
    }
}

/// Runs a call so that whatever connects for it finds its stopwatch.
pub(super) async fn timing<F: Future>(watch: &Arc<Stopwatch>, call: F) -> F::Output {
    CURRENT.scope(Arc::clone(watch), call).await
}

/// The stopwatch of the call that is being made; a connection that nobody waits for any more has none.
pub(super) fn current() -> Option<Arc<Stopwatch>> {
    CURRENT.try_with(Arc::clone).ok()
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_connection_made_for_a_call_counts_for_it() {
        let (ours, other): (SocketAddr, SocketAddr) =
            ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        for (answered_on, is_ours) in [(Some(ours), true), (Some(other), false), (None, false)] {
            let watch = Stopwatch::start();
            watch.resolved(Duration::from_millis(3));
            watch.connected(ours, Duration::from_millis(5));
            watch.secured();
            watch.answered(answered_on);
            let phases = watch.phases();
            assert_eq!(phases.dns, is_ours.then_some(3));
            assert_eq!(phases.connect, is_ours.then_some(2));
            assert_eq!(phases.tls.is_some(), is_ours);
            assert!(phases.first_byte.is_some());
        }
    }
}
