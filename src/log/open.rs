//! The handle: opening, following and closing a log.

use super::config::{LogConfig, Now};
use super::error::LogError;
use super::feed::Feed;
use super::files::lock::DirLock;
use super::files::{self, Disk, Files};
use super::ids::BusId;
use super::keeper::Keeper;
use super::rebuild::Rebuild;
use super::recovery::{Recovery, recover};
use super::shared::Shared;
use super::snapshot;
use super::stats::LogStats;
use super::writer::{Writer, WriterStart};
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

/// An open log. Clones are the same log; all methods may be called concurrently.
///
/// Dropping the last clone closes the log as [`Log::close`] does and blocks until that is done.
#[derive(Clone)]
pub struct Log {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<Result<(), LogError>>>>,
    lock: Option<DirLock>,
}

impl Log {
    /// Recovers the log in `config.dir`, creating it when there is none, and starts the writer.
    ///
    /// Blocking: it reads the log from the newest snapshot on. Everything in it is durable on return.
    ///
    /// # Errors
    /// [`LogError::InUse`] when another process has it open; [`LogError::Corrupt`],
    /// [`LogError::Foreign`] and [`LogError::Unsupported`] leave everything as it was; after
    /// [`LogError::Io`] opening may be tried again.
    pub fn open(config: LogConfig, now: Now) -> Result<(Self, Recovery), LogError> {
        config.check()?;
        Disk.create_dir(&config.dir)
            .map_err(LogError::io("create", &config.dir))?;
        let lock = DirLock::take(&config.dir)?;
        Self::open_with(files::real(config.file_layer), config, now, Some(lock))
    }

    /// Opens a log on any files; `lock` is held until the log is closed.
    pub(super) fn open_with(
        files: Arc<dyn Files>,
        config: LogConfig,
        now: Now,
        lock: Option<DirLock>,
    ) -> Result<(Self, Recovery), LogError> {
        config.check()?;
        let begun = Instant::now();
        let mut rebuild = Rebuild::new(&config, &now);
        let recovered = recover(&*files, &config, &mut |header, records| {
            rebuild.add(header, &records);
        })?;
        let uuid = recovered.supers.newest().uuid;
        let sealed = recovered.segments.before(recovered.active.base);
        let index = rebuild.finish(&files, uuid, &sealed, recovered.snapshot.as_ref())?;
        let saved = snapshot::readable(&*files, &config.dir, uuid)?;
        let (start, supers, segments, starts, mut report) = WriterStart::split(recovered);
        let dir = config.dir.clone();
        let keeper = Keeper::start().map_err(LogError::io("start the index keeper of", &dir))?;
        index
            .sealed()
            .iter()
            .for_each(|part| keeper.keep(Arc::clone(part)));
        let shared = Arc::new(Shared::new(
            config,
            now,
            uuid,
            Arc::clone(&files),
            (supers, segments),
            index,
            keeper,
        ));
        shared.checkpoints.found(saved);
        for base in starts {
            shared.checkpoints.add(base);
        }
        let writer = Writer::new(Arc::clone(&shared), files, start);
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run());
        let writer = Mutex::new(Some(thread.map_err(LogError::io("start the writer of", &dir))?));
        report.duration = begun.elapsed();
        Ok((
            Self {
                inner: Arc::new(Inner { shared, writer, lock }),
            },
            report,
        ))
    }

    /// The identity of the log, chosen when it was created.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.inner.shared.uuid
    }

    /// Follows durable events from now on; see [`Feed`].
    #[must_use]
    pub fn subscribe(&self) -> Feed {
        Feed::new(&self.inner.shared.feed)
    }

    /// Follows the last durable sequence of a bus, 0 while it has none.
    #[must_use]
    pub fn watch(&self, bus: BusId) -> watch::Receiver<u64> {
        self.inner.shared.index.write().watch(bus)
    }

    /// Resolves when a write or sync has failed, with the cause; never otherwise.
    ///
    /// The process should then end: only opening again finds out what is on disk. Cancel-safe;
    /// the future does not keep the log open.
    pub fn failed(&self) -> impl Future<Output = Arc<LogError>> + Send + 'static {
        let mut failure = self.inner.shared.failure.subscribe();
        async move {
            match failure.wait_for(Option::is_some).await.map(|cause| cause.clone()) {
                Ok(Some(cause)) => cause,
                _ => std::future::pending().await,
            }
        }
    }

    /// Whether a write or sync has failed; see [`failed`](Self::failed).
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.inner.shared.failure.borrow().is_some()
    }

    /// What the log has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        let shared = &self.inner.shared;
        let kept = Duration::from_millis(shared.kept_ms().unsigned_abs());
        shared.counters.read(kept, shared.segments.count())
    }

    /// Writes what is queued, marks the end, and leaves the log closed in order.
    ///
    /// Blocking. Appends that come later are refused; reading goes on working. A second call
    /// waits for the first and returns at once.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] when a write had failed, now or earlier: the next opening recovers.
    pub fn close(&self) -> Result<(), LogError> {
        self.inner.close()
    }
}

impl Inner {
    fn close(&self) -> Result<(), LogError> {
        self.shared.queue.close();
        self.shared.admission.close();
        let mut writer = self.writer.lock();
        let ended = writer.take().map_or(Ok(Ok(())), JoinHandle::join);
        self.shared.keeper.stop();
        if let Some(lock) = &self.lock {
            lock.release();
        }
        ended.unwrap_or(Err(LogError::Poisoned))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.close().is_err() {
            tracing::debug!("the log was dropped after a failed write");
        }
    }
}
