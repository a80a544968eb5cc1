//! The worker of one route: keeps as many attempts in flight as the route may have.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;

use super::attempt;
use super::attempt::Errand;
use super::engine::Shared;
use super::gate::Admission;
use super::queue::Due;
use super::queue::WINDOW;
use super::record;
use super::recorder;
use super::route::Route;
use super::slots::Slot;
use super::turn;

/// On stop, attempts in flight have this long to end; what is cut off is sent again after the restart.
const DRAIN: Duration = Duration::from_secs(10);
/// Without a retry to wait for, look again after this long in case a wake-up was missed.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// While the target is left alone, look for what became too old at most so often.
const OVERDUE_AGAIN_MS: i64 = 250;
/// Events whose keys are found in one go, by reading those that are not in memory.
const KEYS_TOGETHER: usize = 64;
/// Events that cannot be read for their keys are looked at again after this long.
const READ_AGAIN_MS: i64 = 1_000;
/// Held deliveries in one record.
const HELD_TOGETHER: usize = 4_096;
/// While nothing can be recorded, look again after this long.
const SPACE_AGAIN: Duration = Duration::from_secs(1);
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
        slots: Vec::new(),
        starved_with: None,
    };
    let shared = Arc::clone(&worker.shared);
    loop {
        let filling = worker.start_attempts().await;
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
}

/// Why no further attempt was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filling {
    /// The route has as many in flight as it may, or waits for a slot; an ending attempt wakes
    /// the worker, and so does the slot.
    Full,
    /// Nothing is due.
    Empty,
    /// The target is left alone until this steady time, at the longest.
    Later(i64),
    /// The next may begin at this steady time.
    Paced(i64),
}

struct Worker {
    shared: Arc<Shared>,
    route: Arc<Route>,
    attempts: JoinSet<()>,
    /// Which task carries which sequence now, to find the delivery of a task that panicked.
    sequences: Vec<(Id, Arc<AtomicU64>)>,
    /// One for each attempt but one: the first needs none, so every route always has an attempt.
    slots: Vec<Slot>,
    /// How many slots were held when one more was refused; it wakes the worker.
    starved_with: Option<usize>,
}

impl Worker {
    async fn start_attempts(&mut self) -> Filling {
        if let Some(held) = self.starved_with.take() {
            self.shared.slots.forgo(self.route.id, held);
        }
        let filling = loop {
            let more = self.refill().await;
            self.read_ahead().await;
            if !self.learn_keys().await {
                break Filling::Paced(self.shared.clock.steady_ms() + READ_AGAIN_MS);
            }
            let filling = self.fill();
            self.record_held().await;
            if let Filling::Later(until) = filling {
                break Filling::Later(until.min(self.expire().await));
            }
            if matches!(filling, Filling::Full | Filling::Paced(_)) || !more {
                break filling;
            }
        };
        self.slots.truncate(self.attempts.len().saturating_sub(1));
        if self.starved_with.is_none() {
            // It may have been woken for a slot that another route is waiting for.
            self.shared.slots.pass_on();
        }
        filling
    }

    /// Brings the next part of the backlog into memory when nothing is ready; false when there is
    /// none, or none can be read now.
    async fn refill(&self) -> bool {
        let (log, id) = (self.shared.log.clone(), self.route.id);
        let wanted = {
            let mut queue = self.route.queue.lock();
            match queue.wanted() {
                None => return queue.has_ready(),
                // Close to the end of the log nothing is read, and under the lock nothing is
                // missed: what is found empty here is all there is.
                Some(wanted) => match log.recent_route_events(id, wanted.after, WINDOW) {
                    Some(next) => {
                        queue.refill(&wanted, next);
                        return queue.has_ready() || queue.is_behind();
                    }
                    None => wanted,
                },
            }
        };
        let read = tokio::task::spawn_blocking(move || log.route_events(id, wanted.after, WINDOW));
        match read.await {
            Ok(Ok(next)) => {
                let mut queue = self.route.queue.lock();
                queue.refill(&wanted, next);
                queue.has_ready() || queue.is_behind()
            }
            Ok(Err(error)) => {
                tracing::error!(%error, route = id.0, "the backlog of a route cannot be read");
                false
            }
            Err(_) => false,
        }
    }

    /// Brings the events of what is ready into memory, many with one reading.
    async fn read_ahead(&self) {
        let unread = self.route.queue.lock().take_unread();
        if unread.is_empty() {
            return;
        }
        let (shared, bus) = (Arc::clone(&self.shared), self.route.bus);
        let read = tokio::task::spawn_blocking(move || shared.read_ahead(bus, &unread));
        // What was not read is read at its attempt, which says why if that fails again.
        let events = read.await.unwrap_or_default();
        self.route.queue.lock().hold(events);
    }

    fn fill(&mut self) -> Filling {
        loop {
            let steady_ms = self.shared.clock.steady_ms();
            let (bound, errand) = match turn::admission(&self.shared, &self.route, steady_ms) {
                Some((Admission::All, bound)) => (bound, Errand::Attempt),
                Some((Admission::One, _)) => (1, Errand::Attempt),
                Some((Admission::Refused, bound)) => (bound, Errand::Refuse),
                Some((Admission::Later(until), _)) => return Filling::Later(until),
                Some((Admission::Paced(until), _)) => return Filling::Paced(until),
                Some((Admission::Nobody, _)) | None => return Filling::Full,
            };
            if self.attempts.len() >= bound || !self.take_slot() {
                return Filling::Full;
            }
            // What is refused need not wait for its time.
            let until = if errand == Errand::Refuse {
                i64::MAX
            } else {
                steady_ms
            };
            let due = {
                let mut queue = self.route.queue.lock();
                queue.take(until)
            };
            match due {
                Some(due) => {
                    if errand == Errand::Attempt {
                        turn::begin(&self.shared, &self.route, steady_ms);
                    }
                    self.spawn(due, errand);
                }
                None => return Filling::Empty,
            }
        }
    }

    /// Finds the keys of the next events, if the route keeps order; false if they cannot be read now.
    async fn learn_keys(&self) -> bool {
        let view = self.shared.view.load_full();
        let order = view.target(self.route.id).and_then(|target| target.order.clone());
        let keyless = self.route.queue.lock().keyless(KEYS_TOGETHER);
        if keyless.is_empty() {
            return true;
        }
        let (shared, bus) = (Arc::clone(&self.shared), self.route.bus);
        let read = tokio::task::spawn_blocking(move || shared.keys_of(bus, keyless, order.as_ref()));
        let found = match read.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::error!(%error, route = self.route.id.0, "the events of a route cannot be read");
                return false;
            }
            Err(_) => return false,
        };
        self.route.queue.lock().learn(found);
        true
    }

    /// Puts on record what is held behind a failing delivery.
    async fn record_held(&self) {
        let held = self.route.queue.lock().take_unrecorded();
        for held in held.chunks(HELD_TOGETHER) {
            let records = vec![record::held(self.route.id, held)];
            // Without the record they are still unfinished, and found again in the order of the bus.
            if let Err(error) = recorder::record(&self.shared.log, &self.shared.stop, records).await {
                tracing::error!(%error, "held deliveries could not be recorded");
            }
        }
    }

    /// Makes sure that there is a slot for one more attempt; if there is none, one wakes the worker.
    fn take_slot(&mut self) -> bool {
        if self.slots.len() < self.attempts.len() {
            let Some(slot) = self.shared.slots.take(&self.route, self.slots.len()) else {
                self.starved_with = Some(self.slots.len());
                return false;
            };
            self.slots.push(slot);
        }
        true
    }

    /// Runs the errand, and then attempts for as long as the route has more that may go at once:
    /// a task that goes on is cheaper than one that ends and wakes the worker to begin another.
    fn spawn(&mut self, due: Due, errand: Errand) {
        let sequence = Arc::new(AtomicU64::new(due.sequence));
        let (shared, route) = (Arc::clone(&self.shared), Arc::clone(&self.route));
        let carried = Arc::clone(&sequence);
        let task = self.attempts.spawn(async move {
            attempt::run(&shared, &route, due, errand).await;
            while let Some(due) = turn::next(&shared, &route) {
                carried.store(due.sequence, Ordering::Relaxed);
                attempt::run(&shared, &route, due, Errand::Attempt).await;
            }
        });
        self.sequences.push((task.id(), sequence));
    }

    /// Gives up what became too old while nothing could be attempted; when to look again.
    async fn expire(&mut self) -> i64 {
        let view = self.shared.view.load_full();
        let Some(target) = view.target(self.route.id) else {
            return i64::MAX;
        };
        let max_age = i64::try_from(target.retry.max_age.as_millis()).unwrap_or(i64::MAX);
        let bound = usize::try_from(target.concurrency).unwrap_or(usize::MAX);
        let now = self.shared.clock.moment();
        let oldest_ms = now.wall_ms.saturating_sub(max_age);
        let mut next_since_ms = Vec::new();
        while self.attempts.len() < bound && self.take_slot() {
            let waiting = self.route.queue.lock().take_older(oldest_ms);
            let due = match waiting {
                Ok(due) => Some(due),
                Err(since_ms) => {
                    next_since_ms = Vec::from_iter(since_ms);
                    match self.first_accepted_ms().await {
                        Some((first, since_ms)) if since_ms < oldest_ms => {
                            self.route.queue.lock().take_first(first)
                        }
                        first => {
                            next_since_ms.extend(first.map(|(_, since_ms)| since_ms));
                            None
                        }
                    }
                }
            };
            let Some(due) = due else { break };
            self.spawn(due, Errand::Expire);
        }
        let next = next_since_ms.into_iter().min();
        next.map_or(i64::MAX, |since_ms| {
            let left = since_ms.saturating_sub(oldest_ms).max(OVERDUE_AGAIN_MS);
            now.steady_ms.saturating_add(left)
        })
    }

    /// The first event that was not tried yet, and when it was accepted.
    async fn first_accepted_ms(&self) -> Option<(u64, i64)> {
        let (sequence, time_ms) = self.route.queue.lock().first_ready()?;
        if let Some(time_ms) = time_ms {
            return Some((sequence, time_ms));
        }
        let (log, bus) = (self.shared.log.clone(), self.route.bus);
        let read = tokio::task::spawn_blocking(move || log.time_of(bus, sequence));
        Some((sequence, read.await.ok()?.ok()??))
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
            let sequence = sequence.load(Ordering::Relaxed);
            tracing::error!(%error, sequence, "an attempt panicked");
            let now = self.shared.clock.moment();
            self.route
                .queue
                .lock()
                .put_back(sequence, now.wall_ms, AFTER_PANIC_MS, now);
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
        let (until, longest) = match filling {
            Filling::Full if self.shared.log.is_reserve_used_up() => return SPACE_AGAIN,
            Filling::Full => return LONGEST_WAIT,
            Filling::Later(until) | Filling::Paced(until) => (Some(until), LONGEST_WAIT),
            Filling::Empty => {
                let queue = self.route.queue.lock();
                // Without room for retries, another route may make some.
                let longest = if queue.has_room_for_retries() {
                    LONGEST_WAIT
                } else {
                    SPACE_AGAIN
                };
                (queue.next_due(), longest)
            }
        };
        let left = until.map(|until| until.saturating_sub(self.shared.clock.steady_ms()).max(1));
        left.and_then(|left| u64::try_from(left).ok())
            .map_or(longest, |left| Duration::from_millis(left).min(longest))
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
