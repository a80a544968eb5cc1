//! The worker of one route: keeps as many attempts in flight as the route may have.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;

use super::attempt::attempt;
use super::engine::Shared;
use super::route::Route;

/// On stop, attempts in flight have this long to end; what is cut off is sent again after the restart.
const DRAIN: Duration = Duration::from_secs(10);
/// Without a retry to wait for, look again after this long in case a wake-up was missed.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// With work but no free slot, look again after this long.
const SLOT_WAIT: Duration = Duration::from_millis(5);
/// An attempt that panicked is made again after this long.
const AFTER_PANIC_MS: i64 = 10_000;

/// Runs until the route has nothing to do or the engine stops.
///
/// All attempts belong to the worker: none outlives it.
pub(super) async fn run(shared: Arc<Shared>, route: Arc<Route>) {
    let mut worker = Worker {
        shared,
        route,
        attempts: JoinSet::new(),
        sequences: Vec::new(),
    };
    let shared = Arc::clone(&worker.shared);
    shared.active.fetch_add(1, Ordering::Relaxed);
    loop {
        let filling = worker.start_attempts();
        if worker.retire_if_idle() {
            break;
        }
        let wait = worker.wait(filling);
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => {
                worker.drain().await;
                break;
            }
            Some(ended) = worker.attempts.join_next_with_id(), if !worker.attempts.is_empty() => worker.note(ended),
            () = worker.route.work.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    shared.active.fetch_sub(1, Ordering::Relaxed);
}

/// Why no further attempt was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// The route has as many in flight as it may; an ending attempt wakes the worker.
    Full,
    /// All slots of the server are taken.
    NoSlot,
    /// Nothing is due.
    Empty,
}

struct Worker {
    shared: Arc<Shared>,
    route: Arc<Route>,
    attempts: JoinSet<()>,
    /// Which task carries which sequence, to find the delivery of a task that panicked.
    sequences: Vec<(Id, u64)>,
}

impl Worker {
    fn start_attempts(&mut self) -> Filling {
        while self.attempts.len() < self.share() {
            let Ok(slot) = Arc::clone(&self.shared.slots).try_acquire_owned() else {
                return Filling::NoSlot;
            };
            let now_ms = self.shared.clock.now_ms();
            let due = {
                let mut queue = self.route.queue.lock();
                queue.refill(|after, n| {
                    self.shared
                        .log
                        .route_events(self.route.id, after, n)
                        .unwrap_or_default()
                });
                queue.take(now_ms)
            };
            let Some(due) = due else { return Filling::Empty };
            let sequence = due.sequence;
            let (shared, route) = (Arc::clone(&self.shared), Arc::clone(&self.route));
            let task = self.attempts.spawn(async move {
                let _slot: OwnedSemaphorePermit = slot;
                attempt(&shared, &route, due).await;
            });
            self.sequences.push((task.id(), sequence));
        }
        Filling::Full
    }

    /// How many attempts this route may have in flight: its own bound, and a fair part of all
    /// slots, so that many hanging routes leave room for the others. None while paused.
    fn share(&self) -> usize {
        let view = self.shared.view.load();
        let Some(target) = view.target(self.route.id) else {
            return 0;
        };
        if target.paused || self.shared.stop.is_cancelled() {
            return 0;
        }
        let active = self.shared.active.load(Ordering::Relaxed).max(1);
        let fair = (super::engine::SLOTS / active).max(1);
        usize::try_from(target.concurrency)
            .unwrap_or(usize::MAX)
            .min(fair)
    }

    /// A task that panicked leaves its delivery in flight; it is tried again later.
    fn note(&mut self, ended: Result<(Id, ()), JoinError>) {
        let (id, panic) = match ended {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), Some(error)),
        };
        let Some(place) = self.sequences.iter().position(|(task, _)| *task == id) else {
            return;
        };
        let (_, sequence) = self.sequences.swap_remove(place);
        if let Some(error) = panic {
            tracing::error!(%error, sequence, "an attempt panicked");
            let due_ms = self.shared.clock.now_ms() + AFTER_PANIC_MS;
            self.route.queue.lock().put_back(sequence, due_ms);
        }
    }

    /// Under the lock that wakers take, so no wake-up falls between look and leave.
    fn retire_if_idle(&self) -> bool {
        let queue = self.route.queue.lock();
        let is_closed = self.shared.view.load().target(self.route.id).is_none() && self.attempts.is_empty();
        let is_done = (queue.is_idle() && self.attempts.is_empty()) || is_closed;
        if is_done {
            self.route.has_worker.store(false, Ordering::SeqCst);
        }
        is_done
    }

    fn wait(&self, filling: Filling) -> Duration {
        match filling {
            Filling::Full => LONGEST_WAIT,
            Filling::NoSlot => SLOT_WAIT,
            Filling::Empty => {
                let next = self.route.queue.lock().next_due_ms();
                let left = next.map(|due_ms| due_ms.saturating_sub(self.shared.clock.now_ms()).max(1));
                left.and_then(|left| u64::try_from(left).ok())
                    .map_or(LONGEST_WAIT, |left| Duration::from_millis(left).min(LONGEST_WAIT))
            }
        }
    }

    async fn drain(&mut self) {
        let ended = tokio::time::timeout(DRAIN, async {
            while self.attempts.join_next().await.is_some() {}
        })
        .await;
        if ended.is_err() {
            tracing::warn!(
                route = self.route.id.0,
                "attempts cut off by the stop are made again after the restart"
            );
        }
    }
}
