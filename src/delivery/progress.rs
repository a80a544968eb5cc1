//! Gathers finished deliveries and records them in groups.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::record;
use super::record::Finished;
use crate::log::Log;
use crate::log::RouteId;

/// A finished delivery is on disk at the latest this long after it ended; a crash in between
/// repeats it.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// Finished deliveries that may wait for their record; beyond it the workers wait.
const MAX_PENDING: usize = 65_536;

/// Deliveries that ended well and are not recorded yet.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pending: Mutex<Pending>,
    filled: Notify,
    drained: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    by_route: HashMap<RouteId, Vec<Finished>>,
    count: usize,
}

impl Progress {
    /// Takes one finished delivery; waits while too many are unrecorded.
    ///
    /// Cancel-safe: a dropped future has taken nothing or everything.
    pub(super) async fn push(&self, route: RouteId, finished: Finished) {
        loop {
            let drained = self.drained.notified();
            {
                let mut pending = self.pending.lock();
                if pending.count < MAX_PENDING {
                    pending.count += 1;
                    pending.by_route.entry(route).or_default().push(finished);
                    self.filled.notify_one();
                    return;
                }
            }
            drained.await;
        }
    }

    /// A delivery that has ended and waits for its record.
    pub(super) fn find(&self, route: RouteId, sequence: u64) -> Option<Finished> {
        let pending = self.pending.lock();
        pending
            .by_route
            .get(&route)?
            .iter()
            .find(|entry| entry.sequence == sequence)
            .copied()
    }

    /// Records what was taken, at most every [`FLUSH_AFTER`], until `stop`; then once more.
    pub(super) async fn run(&self, log: &Log, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.filled.notified() => {
                    stop.run_until_cancelled(tokio::time::sleep(FLUSH_AFTER)).await;
                }
            }
            self.flush(log).await;
        }
    }

    async fn flush(&self, log: &Log) {
        let records: Vec<_> = {
            let pending = self.pending.lock();
            pending
                .by_route
                .iter()
                .map(|(route, finished)| (*route, record::progress(*route, finished)))
                .collect()
        };
        if records.is_empty() {
            return;
        }
        let counts: Vec<_> = records
            .iter()
            .map(|(route, record)| (*route, record.sequences.len()))
            .collect();
        let written = log
            .record(records.into_iter().map(|(_, record)| record).collect())
            .await;
        if let Err(error) = written {
            // The log is closed to writes: the process is about to end, the deliveries repeat.
            tracing::error!(%error, "finished deliveries could not be recorded");
            return;
        }
        let mut pending = self.pending.lock();
        for (route, recorded) in counts {
            pending.count -= recorded;
            if let Some(left) = pending.by_route.get_mut(&route) {
                left.drain(..recorded);
                if left.is_empty() {
                    pending.by_route.remove(&route);
                }
            }
        }
        drop(pending);
        self.drained.notify_waiters();
    }
}
