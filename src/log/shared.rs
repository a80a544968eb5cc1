//! What the handles and the writer thread have in common.

use super::config::{LogConfig, Now};
use super::dedup::Dedup;
use super::error::{AppendError, LogError};
use super::feed::{FEED_APPENDS, Fed};
use super::format::body::Records;
use super::format::frame::FrameHeader;
use super::index::Index;
use super::queue::{Queue, Request};
use super::segment::Segments;
use super::stats::Counters;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Notify, Semaphore, broadcast, watch};
use uuid::Uuid;

/// Everything but the files being written.
///
/// Locks are held for memory work only and never two at a time.
pub(crate) struct Shared {
    pub(crate) config: LogConfig,
    pub(crate) now: Now,
    pub(crate) uuid: Uuid,
    pub(crate) segments: Segments,
    pub(crate) queue: Queue,
    /// Bytes that may still be queued.
    pub(crate) admission: Semaphore,
    pub(crate) index: RwLock<Index>,
    pub(crate) dedup: Mutex<Dedup>,
    /// Pending keys have changed.
    pub(crate) dedup_changed: Notify,
    pub(crate) feed: broadcast::Sender<Fed>,
    pub(crate) failure: watch::Sender<Option<Arc<LogError>>>,
    pub(crate) counters: Counters,
    started: Instant,
}

/// Index and dedup window while the log is scanned.
pub(crate) struct Rebuilt {
    pub(crate) index: Index,
    pub(crate) dedup: Dedup,
    now_ms: i64,
    oldest_ms: i64,
}

impl Rebuilt {
    /// Nothing scanned yet.
    pub(crate) fn new(config: &LogConfig, now: &Now) -> Self {
        let now_ms = now();
        let window = i64::try_from(config.dedup_window.as_millis()).unwrap_or(i64::MAX);
        Self {
            index: Index::default(),
            dedup: Dedup::new(config.dedup_window, config.dedup_max_events),
            now_ms,
            oldest_ms: now_ms.saturating_sub(window),
        }
    }

    /// Takes a frame in.
    pub(crate) fn add(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.index.add_scanned(header, records);
        if header.append_time < self.oldest_ms {
            return;
        }
        // A frame from a clock that was ahead counts as written now, not in the future.
        let at = header.append_time.saturating_sub(self.now_ms).min(0);
        for (sequence, event) in (header.first_sequence..).zip(&records.events) {
            self.dedup.complete(header.bus, event.key, sequence, at);
        }
    }
}

impl Shared {
    /// A log that was just recovered.
    pub(crate) fn new(config: LogConfig, now: Now, uuid: Uuid, segments: Segments, rebuilt: Rebuilt) -> Self {
        Self {
            now,
            uuid,
            segments,
            queue: Queue::new(),
            admission: Semaphore::new(config.admission_bytes),
            index: RwLock::new(rebuilt.index),
            dedup: Mutex::new(rebuilt.dedup),
            dedup_changed: Notify::new(),
            feed: broadcast::Sender::new(FEED_APPENDS),
            failure: watch::Sender::new(None),
            counters: Counters::default(),
            started: Instant::now(),
            config,
        }
    }

    /// Milliseconds since the log was opened: the dedup window's clock, which never goes back.
    pub(crate) fn at(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Ends writing for good after a failed write or sync.
    ///
    /// Everything under way, waiting requests included, answers `OutcomeUnknown`; its keys stay
    /// reserved, because the events may be on disk.
    pub(crate) fn poison(&self, error: LogError, under_way: impl Iterator<Item = Request>) {
        let waiting = self.queue.fail();
        self.admission.close();
        for request in under_way.chain(waiting) {
            // A caller that has gone away needs no answer.
            request.done.send(Err(AppendError::OutcomeUnknown)).ok();
        }
        self.dedup_changed.notify_waiters();
        self.failure.send_replace(Some(Arc::new(error)));
    }
}
