//! The delivery engine: all routes, their workers, and the feed of durable events.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use parking_lot::RwLock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::jobs::Jobs;
use super::keep;
use super::keep::Keeping;
use super::letters::Letters;
use super::memory::Memory;
use super::meters::Meters;
use super::progress::Progress;
use super::publish::Publish;
use super::queue::Queue;
use super::reconcile::Restored;
use super::resend::TESTS;
use super::retries::Retries;
use super::route::Route;
use super::slots::Slots;
use super::system::Outbox;
use super::unfinished;
use super::unfinished::OnRoute;
use super::worker;
use crate::catalog::View;
use crate::clock::SharedClock;
use crate::log::Durable;
use crate::log::FeedError;
use crate::log::Log;
use crate::log::LogError;
use crate::log::RouteId;
use crate::target::Targets;

/// Attempts in flight at once over all routes, beside one for each route: what one process can
/// hold open with ease.
const SLOTS: usize = 4_096;
/// Bytes of events that all routes together hold in memory for their attempt; more is read again.
const HELD_BYTES: usize = 64 << 20;

/// How often idle links to brokers are looked for.
const TENDING: Duration = Duration::from_secs(30);

/// A question or an order that delivery cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The log could not be read or written.
    #[error("the log cannot answer")]
    Log(#[source] LogError),
    /// The change could not be made durable.
    #[error("the change could not be recorded")]
    Append(#[source] crate::log::AppendError),
    /// A stored event or record does not read back.
    #[error("a stored event cannot be read")]
    Unreadable(#[from] crate::event::StoredError),
    /// Wait for one of the jobs to end, or cancel one.
    #[error("{max} jobs are running, which is the limit")]
    TooManyJobs {
        /// How many may run at once.
        max: usize,
    },
    /// Try again when one of the tests has ended.
    #[error("{max} tests of targets are running, which is the limit")]
    TooManyTests {
        /// How many may run at once.
        max: usize,
    },
    /// The work was cut off by the end of the process.
    #[error("the server is stopping")]
    Stopping,
}

/// Delivers what the log holds. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) log: Log,
    pub(super) targets: Targets,
    pub(super) clock: SharedClock,
    pub(super) view: ArcSwap<View>,
    pub(super) routes: RwLock<HashMap<RouteId, Arc<Route>>>,
    pub(super) progress: Progress,
    pub(super) jobs: Jobs,
    pub(super) letters: Letters,
    pub(super) publish: Arc<dyn Publish>,
    pub(super) outbox: Outbox,
    /// Unfinished deliveries of routes that the catalog does not know.
    pub(super) unclaimed: Mutex<HashMap<RouteId, OnRoute>>,
    pub(super) memory: Memory,
    pub(super) meters: Meters,
    /// One at a time changes what becomes of letters: jobs, resends, and giving up old ones.
    pub(super) redrives: tokio::sync::Mutex<()>,
    pub(super) tests: Arc<Semaphore>,
    pub(super) slots: Arc<Slots>,
    /// The bound on retries that all routes share.
    pub(super) retries: Retries,
    pub(super) workers: TaskTracker,
    pub(super) stop: CancellationToken,
    recorder: TaskTracker,
    stop_recorder: CancellationToken,
}

/// The logs that the engine works on.
pub struct Logs {
    /// Events and what became of them.
    pub events: Log,
    /// Dead letters.
    pub letters: Log,
    /// How long they keep what nobody needs any more.
    pub keeping: Keeping,
}

/// What the engine reaches beside the logs.
pub struct Outside {
    /// Calls targets.
    pub targets: Targets,
    /// Decides about the events that delivery itself brings.
    pub publish: Arc<dyn Publish>,
    /// Tells the time.
    pub clock: SharedClock,
}

impl Engine {
    /// Folds the delivery state out of the log and starts to deliver. Blocks while it reads.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn start(logs: Logs, outside: Outside, view: &Arc<View>) -> Result<Self, LogError> {
        let Logs {
            events: log,
            letters,
            keeping,
        } = logs;
        let feed = log.subscribe();
        let (unfinished, next) = unfinished::at_end(&log)?;
        let mut restored = Restored {
            routes: unfinished.routes,
            next,
        };
        let shared = Arc::new(Shared {
            log,
            targets: outside.targets,
            clock: outside.clock,
            view: ArcSwap::new(Arc::clone(view)),
            routes: RwLock::default(),
            progress: Progress::default(),
            jobs: Jobs::restored(unfinished.jobs),
            letters: Letters::new(letters),
            publish: outside.publish,
            outbox: Outbox::default(),
            unclaimed: Mutex::default(),
            memory: Memory::new(HELD_BYTES),
            meters: Meters::new(),
            redrives: tokio::sync::Mutex::default(),
            tests: Arc::new(Semaphore::new(TESTS)),
            slots: Arc::new(Slots::new(SLOTS)),
            retries: Retries::default(),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            recorder: TaskTracker::new(),
            stop_recorder: CancellationToken::new(),
        });
        shared.restore_routes(view, &mut restored);
        shared.hold(restored.routes);
        let recorder = Arc::clone(&shared);
        shared.recorder.spawn(async move {
            recorder
                .progress
                .run(&recorder.log, recorder.stop_recorder.clone())
                .await;
        });
        let publisher = Arc::clone(&shared);
        shared.recorder.spawn(async move {
            let stop = publisher.stop_recorder.clone();
            publisher.publish_system_events(stop).await;
        });
        let keeper = Arc::clone(&shared);
        shared.workers.spawn(keep::run(keeper, keeping));
        let tender = Arc::clone(&shared);
        shared.workers.spawn(async move { tender.tend_links().await });
        shared.resume_jobs();
        let feeder = Arc::clone(&shared);
        shared.workers.spawn(async move { feeder.follow(feed).await });
        Ok(Self { shared })
    }

    /// Takes over a changed catalog: new routes open, closed ones stop, settings change with the
    /// next attempt.
    pub fn reconcile(&self, view: &Arc<View>) {
        let before = self.shared.view.swap(Arc::clone(view));
        self.shared.take_over(&before, view);
    }

    /// The brokers that cannot be reached, each with the reason.
    #[must_use]
    pub fn failed_brokers(&self) -> Vec<(String, String)> {
        self.shared.targets.failed_brokers()
    }

    /// Stops taking work, lets attempts end within a bound, and records what was delivered.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.workers.close();
        self.shared.workers.wait().await;
        self.shared.targets.close().await;
        self.shared.stop_recorder.cancel();
        self.shared.recorder.close();
        self.shared.recorder.wait().await;
    }
}

impl Shared {
    /// Keeps what belongs to routes that the catalog does not know.
    fn hold(&self, routes: HashMap<RouteId, OnRoute>) {
        for id in routes.keys() {
            tracing::warn!(
                route = id.0,
                "a route of the log is not in the catalog: its deliveries are held"
            );
        }
        *self.unclaimed.lock() = routes;
    }

    /// Closes links to brokers that have become idle, until the engine stops.
    async fn tend_links(&self) {
        let pause = || self.stop.run_until_cancelled(tokio::time::sleep(TENDING));
        while pause().await.is_some() {
            self.targets.close_idle().await;
        }
    }

    /// Makes sure that a worker looks at the route, unless it has nothing to do.
    pub(super) fn wake(self: &Arc<Self>, route: &Arc<Route>) {
        self.change(route, |_| ());
    }

    /// Changes the queue of a route, and makes sure that a worker looks at it if there is work.
    ///
    /// Under one lock with the worker's decision to retire, so that no wake-up is lost.
    pub(super) fn change<T>(self: &Arc<Self>, route: &Arc<Route>, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = route.queue.lock();
        let result = change(&mut queue);
        if queue.is_idle() {
            return result;
        }
        if route.has_worker.swap(true, Ordering::SeqCst) {
            route.work.notify_one();
        } else {
            self.workers
                .spawn(worker::run(Arc::clone(self), Arc::clone(route)));
        }
        result
    }

    /// Hands durable events to their routes until the engine stops.
    async fn follow(self: Arc<Self>, mut feed: crate::log::Feed) {
        loop {
            let next = tokio::select! {
                () = self.stop.cancelled() => return,
                next = feed.next() => next,
            };
            match next {
                Ok(durable) => self.hand_out(&durable),
                Err(FeedError::Lagged) => self.catch_up(),
                Err(FeedError::Closed) => return,
            }
        }
    }

    fn hand_out(self: &Arc<Self>, durable: &Durable) {
        for event in &durable.events {
            // Once for all its routes, and not at all if none of them has room.
            let held = LazyCell::new(|| self.memory.hold(event));
            for id in &event.routes {
                let route = self.routes.read().get(id).cloned();
                // A route that is not known yet reads the event from the log when it opens.
                if let Some(route) = route {
                    self.change(&route, |queue| queue.offer(event.sequence, || held.clone()));
                }
            }
        }
    }

    fn catch_up(self: &Arc<Self>) {
        let all: Vec<_> = self.routes.read().values().cloned().collect();
        for route in all {
            self.change(&route, Queue::fall_behind);
        }
    }
}
