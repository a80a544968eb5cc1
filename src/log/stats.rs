//! What the log has done since it was opened.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters since the log was opened; each is exact, together they are not one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStats {
    /// Bytes of frames that are durable.
    pub bytes: u64,
    /// Appends that are durable, marks and seals not included.
    pub appends: u64,
    /// Events in them.
    pub events: u64,
    /// Groups: one write and one sync each.
    pub groups: u64,
    /// Syncs of groups, marks and seals.
    pub syncs: u64,
    /// Time spent in those syncs.
    pub sync_time: Duration,
    /// The dedup window really kept: shorter than configured when a bus outgrows its limit.
    pub dedup_kept: Duration,
    /// Segment files.
    pub segments: usize,
    /// Copies of stored events that came with other data, which was not stored.
    pub differing_copies: u64,
}

/// The counters themselves; all but the last are the writer's.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bytes: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) sync_nanos: AtomicU64,
    pub(crate) differing_copies: AtomicU64,
}

impl Counters {
    /// Reads them all.
    pub(crate) fn read(&self, dedup_kept: Duration, segments: usize) -> LogStats {
        LogStats {
            bytes: self.bytes.load(Relaxed),
            appends: self.appends.load(Relaxed),
            events: self.events.load(Relaxed),
            groups: self.groups.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            sync_time: Duration::from_nanos(self.sync_nanos.load(Relaxed)),
            dedup_kept,
            segments,
            differing_copies: self.differing_copies.load(Relaxed),
        }
    }

    /// Counts a sync.
    pub(crate) fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Relaxed);
        self.sync_nanos
            .fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}
