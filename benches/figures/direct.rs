//! The log without a server around it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tramline::log::BusId;
use tramline::log::DedupKey;
use tramline::log::FileLayer;
use tramline::log::Log;
use tramline::log::LogConfig;
use tramline::log::NewEvent;
use tramline::log::RouteId;

use super::payload::EVENT_BYTES;
use super::server::scratch;
use super::statistics::Latencies;

/// The bus of all events here.
pub(crate) const BUS: BusId = BusId(1);
/// Keys that were used in this run.
static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

/// An open log in a directory of its own.
pub(crate) struct Direct {
    /// The log.
    pub(crate) log: Log,
    dir: TempDir,
}

impl Direct {
    /// A new log with the settings it has by default.
    pub(crate) fn new() -> Self {
        Self::on(FileLayer::Prepared)
    }

    /// A new log whose segments come to be in this way.
    pub(crate) fn on(layer: FileLayer) -> Self {
        let dir = scratch();
        Self {
            log: open(&dir.path().join("data"), layer),
            dir,
        }
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

fn open(dir: &Path, file_layer: FileLayer) -> Log {
    let now = || {
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
        i64::try_from(since.as_millis()).expect("a time")
    };
    let config = LogConfig {
        file_layer,
        ..LogConfig::new(dir)
    };
    Log::open(config, Arc::new(now)).expect("the log opens").0
}

/// An event of 1 KiB that was never stored.
pub(crate) fn event(data: &Bytes, routes: Vec<RouteId>) -> NewEvent {
    let n = u128::from(NEXT_KEY.fetch_add(1, Relaxed) + 1);
    NewEvent {
        // Spread as the keys of real events are, which are cut from SHA-256.
        key: DedupKey(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        routes,
        data: data.clone(),
        ..NewEvent::default()
    }
}

/// What the data of such an event is.
pub(crate) fn data() -> Bytes {
    Bytes::from(vec![b'x'; EVENT_BYTES])
}

/// Appends one event after the other from `producers` tasks, each durable before the next.
pub(crate) async fn produce(
    log: &Log,
    producers: usize,
    time: Duration,
    routes: impl Fn() -> Vec<RouteId> + Clone + Send + 'static,
) -> Latencies {
    let until = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..producers {
        let (log, routes, data) = (log.clone(), routes.clone(), data());
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            while Instant::now() < until {
                let event = event(&data, routes());
                let started = Instant::now();
                log.append(BUS, vec![event], Vec::new()).await.expect("an append");
                latencies.add(started.elapsed());
            }
            latencies
        });
    }
    Latencies::merge(tasks.join_all().await)
}

/// Fills a log with batches of 100 events up to so many bytes.
pub(crate) async fn fill(log: &Log, bytes: u64) {
    let data = data();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (log, data) = (log.clone(), data.clone());
        tasks.spawn(async move {
            while log.stats().bytes < bytes {
                let batch = (0..100).map(|_| event(&data, Vec::new())).collect();
                log.append(BUS, batch, Vec::new()).await.expect("an append");
            }
        });
    }
    tasks.join_all().await;
}
