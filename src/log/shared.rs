//! What the handles and the writer thread have in common.

use super::answer::Answering;
use super::checkpoint::Checkpoints;
use super::config::{LogConfig, Now};
use super::dedup::Dedup;
use super::error::{AppendError, LogError};
use super::feed::{FEED_APPENDS, Fed};
use super::files::Files;
use super::index::Index;
use super::keeper::Keeper;
use super::queue::{Queue, Request};
use super::retention::Watch;
use super::segment::Segments;
use super::space::SpaceWatch;
use super::stats::Counters;
use super::supers::Supers;
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
    pub(crate) files: Arc<dyn Files>,
    /// The super slots; the writer and retention write them by turns.
    pub(crate) supers: Mutex<Supers>,
    pub(crate) segments: Segments,
    /// What retention remembers.
    pub(crate) retention: Mutex<Watch>,
    /// Whether the disk is full.
    pub(crate) space: SpaceWatch,
    pub(crate) queue: Queue,
    pub(crate) answering: Answering,
    /// Bytes that may still be queued.
    pub(crate) admission: Semaphore,
    pub(crate) index: RwLock<Index>,
    pub(crate) keeper: Keeper,
    /// Where snapshots may be taken.
    pub(crate) checkpoints: Checkpoints,
    pub(crate) dedup: Mutex<Dedup>,
    /// Position from which on every key is among the recent ones.
    pub(crate) recent_from: u64,
    /// Pending keys have changed.
    pub(crate) dedup_changed: Notify,
    pub(crate) feed: broadcast::Sender<Fed>,
    pub(crate) failure: watch::Sender<Option<Arc<LogError>>>,
    pub(crate) counters: Counters,
    started: Instant,
}

impl Shared {
    /// A log that was just recovered.
    pub(crate) fn new(
        config: LogConfig,
        now: Now,
        uuid: Uuid,
        files: Arc<dyn Files>,
        (supers, segments): (Supers, Segments),
        index: Index,
        keeper: Keeper,
    ) -> Self {
        let dedup = Dedup::after(&index, config.dedup_max_events);
        let recent_from = index.sealed().last().map_or(0, |part| part.segment().end());
        Self {
            files,
            now,
            uuid,
            supers: Mutex::new(supers),
            segments,
            retention: Mutex::default(),
            space: SpaceWatch::default(),
            queue: Queue::new(),
            answering: Answering::default(),
            admission: Semaphore::new(config.admission_bytes),
            index: RwLock::new(index),
            keeper,
            checkpoints: Checkpoints::default(),
            dedup: Mutex::new(dedup),
            recent_from,
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
        for mut request in under_way.chain(waiting) {
            request.answer(Err(AppendError::OutcomeUnknown));
        }
        self.dedup_changed.notify_waiters();
        self.failure.send_replace(Some(Arc::new(error)));
    }
}
