//! What handlers share.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Instant;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::SharedClock;
use crate::delivery::Engine;
use crate::ingest::Publisher;
use crate::log::Log;
use crate::problem::Problem;
use crate::routing::Control;
use crate::routing::Router;
use crate::traffic::Traffic;

/// State of the HTTP adapter. It serves health before anything else is there.
pub struct AppState {
    /// What works once start-up is done; until then everything but health answers 503.
    services: OnceLock<Services>,
    /// Facts about this server.
    pub info: Info,
    /// Bounds on what is taken in.
    pub limits: Limits,
    /// Tells the time.
    pub clock: SharedClock,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Cancelled when the server stops: long answers end.
    pub stop: CancellationToken,
    started: Instant,
}

/// Everything that start-up brings up.
pub struct Services {
    /// The log.
    pub log: Log,
    /// The rules in force.
    pub router: Arc<Router>,
    /// Changes the catalog.
    pub control: Arc<Control>,
    /// Takes events.
    pub publisher: Publisher,
    /// Delivers them.
    pub engine: Engine,
    /// Knows what was published.
    pub traffic: Arc<Traffic>,
}

/// Facts about this server.
#[derive(Debug, Clone)]
pub struct Info {
    /// `sqlite` or `postgres`.
    pub storage: &'static str,
    /// The address under which others know it, if they do not know it by where it listens.
    pub public_url: Option<String>,
    /// Whether it listens on a loopback address, where foreign `Host` and `Origin` are refused.
    pub is_loopback: bool,
    /// What "accepted" means: `fsync`, on disk before the answer, or `interval`, soon after it.
    pub durability: &'static str,
}

/// Bounds on what is taken in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest event, bytes.
    pub event_bytes: usize,
    /// Largest batch, bytes.
    pub batch_bytes: usize,
    /// Most events in a batch.
    pub batch_events: usize,
}

impl AppState {
    /// State of a server that is starting.
    #[must_use]
    pub fn new(
        info: Info,
        limits: Limits,
        clock: SharedClock,
        metrics: PrometheusHandle,
        stop: CancellationToken,
    ) -> Self {
        let started = Instant::now();
        Self {
            services: OnceLock::new(),
            info,
            limits,
            clock,
            metrics,
            stop,
            started,
        }
    }

    /// Opens the server: from now on everything is answered. Later calls change nothing.
    pub fn open(&self, services: Services) {
        drop(self.services.set(services));
    }

    /// The services, once they are up.
    ///
    /// # Errors
    /// 503 `catalog-unavailable` before.
    pub fn services(&self) -> Result<&Services, Problem> {
        self.services.get().ok_or_else(|| {
            let detail = "the server is starting: the log is recovered and the rules are loaded first";
            Problem::new(503, "catalog-unavailable", detail).retry_after(1)
        })
    }

    /// Seconds since the start.
    pub(super) fn uptime_seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}
