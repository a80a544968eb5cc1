//! Carrying out a job: part by part, one route after the other, not faster than it may be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Job;
use super::JobState;
use super::Step;
use super::Work;
use super::step::JobStep;
use crate::config::Rate;
use crate::delivery::engine::DeliveryError;
use crate::delivery::engine::Shared;
use crate::log::RouteId;

/// Letters of one part of a redrive, and of a discard, which costs no calls.
const REDRIVE_PART: usize = 1_000;
const DISCARD_PART: usize = 8_192;
/// Deliveries of a route that may wait for an attempt before a redrive waits too: enough to keep
/// the route busy, and half of what would keep its new events waiting.
const ROOM: usize = 5_000;
/// While no route has room, a redrive looks again after this long.
const ROOM_AGAIN: Duration = Duration::from_millis(200);
/// A redrive with a rate gives back what this time is for, at once.
const STRIDE: Duration = Duration::from_millis(100);

/// What the job can do next.
enum Next {
    /// This many letters of this route.
    Part(RouteId, usize),
    /// Every route that it has letters of has enough to do.
    NoRoom,
    /// Nothing is left, or the job was ended.
    Nothing,
}

impl Shared {
    /// Goes on until the job has ended or the engine stops; then the next start takes it up.
    pub(super) async fn carry_out(
        self: Arc<Self>,
        job: Job,
        end: CancellationToken,
        mut answer: Option<oneshot::Sender<()>>,
    ) {
        let rate = match &job.work {
            Work::Redrive(how) => how.rate,
            Work::Discard { .. } => None,
        };
        let (mut pace, mut behind) = (Pace::new(rate), RouteId(0));
        loop {
            if self.stop.is_cancelled() || end.is_cancelled() {
                return;
            }
            let (route, n) = match self.next_part(&job, behind) {
                Next::Part(route, n) => (route, pace.bound(n)),
                Next::NoRoom => {
                    self.pause(&end, tokio::time::sleep(ROOM_AGAIN)).await;
                    continue;
                }
                Next::Nothing => return,
            };
            if !self.pause(&end, pace.wait()).await {
                return;
            }
            match self.do_part(&job, route, n).await {
                Ok(count) => pace.spend(count),
                Err(error) => return self.give_up_job(&job, &error).await,
            }
            behind = route;
            // A discard is answered for when it is over: by the end of the channel.
            if matches!(job.work, Work::Redrive(_))
                && let Some(answer) = answer.take()
            {
                // Nobody may be waiting any more.
                answer.send(()).unwrap_or_default();
            }
        }
    }

    /// Waits; false if the job or the engine ended meanwhile.
    async fn pause(&self, end: &CancellationToken, wait: impl Future<Output = ()>) -> bool {
        let waited = end.run_until_cancelled(self.stop.run_until_cancelled(wait)).await;
        waited.flatten().is_some()
    }

    async fn give_up_job(&self, job: &Job, error: &DeliveryError) {
        tracing::error!(%error, job = job.id, "a job stopped");
        // After a stop of the engine the next start takes it up.
        if !self.stop.is_cancelled() {
            let reason = Some(crate::problem::chain(error));
            let _turn = self.redrives.lock().await;
            if let Err(error) = self.end_job(&job.id, JobState::Failed, reason).await {
                tracing::error!(%error, job = job.id, "the end of a job could not be recorded");
            }
        }
    }

    fn next_part(&self, job: &Job, behind: RouteId) -> Next {
        let routes = self.jobs.states.lock().routes_left(&job.id, behind);
        if routes.is_empty() {
            return Next::Nothing;
        }
        let with_room = routes.into_iter().find_map(|route| {
            let n = match &job.work {
                Work::Redrive(how) => REDRIVE_PART.min(self.room(how.to.map_or(route, RouteId))),
                Work::Discard { .. } => DISCARD_PART,
            };
            (n > 0).then_some(Next::Part(route, n))
        });
        with_room.unwrap_or(Next::NoRoom)
    }

    /// How many more deliveries may wait on a route; on one that is gone nothing has to.
    fn room(&self, id: RouteId) -> usize {
        let route = self.routes.read().get(&id).cloned();
        let waiting = route.map_or(0, |route| route.queue.lock().retrying());
        ROOM.saturating_sub(waiting)
    }

    /// Does the next `n` letters of a route; gives how many there were.
    ///
    /// One at a time over all jobs, so that no letter is given back twice.
    async fn do_part(self: &Arc<Self>, job: &Job, id: RouteId, n: usize) -> Result<usize, DeliveryError> {
        let _turn = self.redrives.lock().await;
        let (letters, is_last, done, failed) = {
            let states = self.jobs.states.lock();
            let Some(now) = states.find(&job.id).filter(|job| job.state == JobState::Running) else {
                return Ok(0);
            };
            let (letters, is_last) = states.next(&job.id, id, n);
            (letters, is_last, now.done, now.failed)
        };
        let Some(last) = letters.last().copied() else {
            return Ok(0);
        };
        let count = letters.len();
        let plan = self.plan(&job.work, id, letters).await?;
        let now_done = plan.done;
        let mut steps = vec![Step::Advanced {
            route: id.0,
            sequence: last,
            done: done + now_done,
            failed: failed + count as u64 - now_done,
        }];
        if is_last {
            steps.push(Step::Ended {
                state: JobState::Done,
                reason: None,
            });
        }
        let of_job = |step| JobStep {
            job: job.id.clone(),
            step,
        };
        let steps: Vec<_> = steps.into_iter().map(of_job).collect();
        self.record_steps(plan.records(), &steps).await?;
        self.follow_plan(&plan);
        let name = match job.work {
            Work::Redrive(_) => "tramline_redriven_total",
            Work::Discard { .. } => "tramline_discarded_total",
        };
        metrics::counter!(name).increment(now_done);
        if is_last {
            self.jobs.ends.lock().remove(&job.id);
        }
        Ok(count)
    }
}

/// Spreads work evenly over time.
struct Pace {
    rate: Option<Rate>,
    /// When the next part may begin.
    free_at: Instant,
}

impl Pace {
    fn new(rate: Option<Rate>) -> Self {
        let free_at = Instant::now();
        Self { rate, free_at }
    }

    /// The part of `n` that may be done at once.
    fn bound(&self, n: usize) -> usize {
        let stride = self.rate.map(|rate| rate.count_in(STRIDE).max(1));
        stride
            .and_then(|stride| usize::try_from(stride).ok())
            .map_or(n, |stride| n.min(stride))
    }

    async fn wait(&self) {
        tokio::time::sleep_until(self.free_at).await;
    }

    fn spend(&mut self, count: usize) {
        if let Some(rate) = self.rate {
            // What a slow disk held up is caught up with, but no more than a stride of it.
            let now = Instant::now();
            let earliest = now.checked_sub(STRIDE).unwrap_or(now);
            self.free_at = self.free_at.max(earliest) + rate.time_for(count as u64);
        }
    }
}
