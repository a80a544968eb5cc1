//! Accepting, showing and cancelling jobs.

use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringTreemap;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Job;
use super::JobState;
use super::Redrive;
use super::Step;
use super::Work;
use super::states;
use super::states::Letters;
use super::step::JobStep;
use crate::delivery::dead_letters::DeadLetterFilter;
use crate::delivery::engine::DeliveryError;
use crate::delivery::engine::Engine;
use crate::delivery::engine::Shared;
use crate::delivery::recorder;
use crate::log::StateRecord;

/// Jobs that run at once.
const RUNNING: usize = 100;
/// Records of one frame while a job is accepted: each takes at most some 80 KiB.
const FRAME_RECORDS: usize = 8;
/// A redrive is answered for after its first part, or after this long if that has to wait.
const FIRST_PART: Duration = Duration::from_secs(1);
/// A discard is answered for when it is done, or after this long.
const WHOLE_DISCARD: Duration = Duration::from_secs(30);

impl Engine {
    /// Gives dead letters back to their routes: the same `webhook-id`, attempts and age from now.
    ///
    /// On return the job is durable, and so is what it has done so far. A letter that cannot be
    /// given back stays a dead letter and counts as failed. Dropping the future loses the answer only.
    ///
    /// # Errors
    /// [`DeliveryError::TooManyJobs`], or when the log cannot be read or written.
    pub async fn redrive(&self, filter: DeadLetterFilter, how: Redrive) -> Result<Job, DeliveryError> {
        self.accept(filter, Work::Redrive(how), FIRST_PART).await
    }

    /// Gives dead letters up, on record with this reason; also those of deleted rules.
    ///
    /// On return it is done, unless there are very many: then the job that does it is durable.
    ///
    /// # Errors
    /// As [`redrive`](Self::redrive).
    pub async fn discard(&self, filter: DeadLetterFilter, reason: String) -> Result<Job, DeliveryError> {
        self.accept(filter, Work::Discard { reason }, WHOLE_DISCARD).await
    }

    /// A job that is remembered.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<Job> {
        self.shared.jobs.states.lock().find(id).cloned()
    }

    /// All jobs that are remembered, in no order.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        self.shared.jobs.states.lock().all().cloned().collect()
    }

    /// Ends a job: what it has not done is and stays as it was. One that has ended stays as it is.
    ///
    /// On return that is durable. `None` when there is no such job.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn cancel_job(&self, id: &str) -> Result<Option<Job>, DeliveryError> {
        let (shared, job) = (Arc::clone(&self.shared), id.to_owned());
        let cancelling = self.shared.workers.spawn(async move {
            let _turn = shared.redrives.lock().await;
            let is_running = |job: &Job| job.state == JobState::Running;
            if !shared.jobs.states.lock().find(&job).is_some_and(is_running) {
                return Ok(());
            }
            shared.end_job(&job, JobState::Cancelled, None).await
        });
        cancelling.await.map_err(|_| DeliveryError::Stopping)??;
        Ok(self.job(id))
    }

    /// Makes a job durable, has it carried out, and waits for its first part or its end.
    async fn accept(
        &self,
        filter: DeadLetterFilter,
        work: Work,
        patience: Duration,
    ) -> Result<Job, DeliveryError> {
        let engine = self.clone();
        // Between a record and what it means in memory nothing may be dropped, so the engine
        // carries it out, whatever becomes of the caller.
        let accepting = self.shared.workers.spawn(async move {
            let found = engine.clone();
            let selecting = tokio::task::spawn_blocking(move || found.select(&filter));
            let letters = selecting.await.map_err(|_| DeliveryError::Stopping)??;
            engine.shared.accept_job(work, &letters).await
        });
        let (id, signal) = accepting.await.map_err(|_| DeliveryError::Stopping)??;
        // Late or lost, the signal says no more than the job itself.
        drop(tokio::time::timeout(patience, signal).await);
        self.job(&id).ok_or(DeliveryError::Stopping)
    }
}

impl Shared {
    /// Gives the id of the job, and what is signalled once it has something to answer for.
    async fn accept_job(
        self: &Arc<Self>,
        work: Work,
        letters: &Letters,
    ) -> Result<(String, oneshot::Receiver<()>), DeliveryError> {
        let turn = self.redrives.lock().await;
        let newest_ms = {
            let states = self.jobs.states.lock();
            if states.running().count() >= RUNNING {
                return Err(DeliveryError::TooManyJobs { max: RUNNING });
            }
            states.all().map(|job| job.at_ms).max()
        };
        // Jobs have an order, also those of one millisecond.
        let after_newest = newest_ms.map_or(i64::MIN, |at_ms| at_ms.saturating_add(1));
        let job = Job {
            id: Uuid::new_v4().simple().to_string(),
            work,
            at_ms: self.clock.now_ms().max(after_newest),
            state: JobState::Running,
            total: letters.values().map(RoaringTreemap::len).sum(),
            done: 0,
            failed: 0,
            reason: None,
        };
        let mut steps = states::accepting(&job, letters);
        if letters.is_empty() {
            steps.push(JobStep {
                job: job.id.clone(),
                step: Step::Ended {
                    state: JobState::Done,
                    reason: None,
                },
            });
        }
        for steps in steps.chunks(FRAME_RECORDS) {
            self.record_steps(Vec::new(), steps).await?;
        }
        drop(turn);
        let (answer, answered) = oneshot::channel();
        if letters.is_empty() {
            drop(answer);
        } else {
            self.start_job(&job, Some(answer));
        }
        Ok((job.id, answered))
    }

    /// Has a job carried out from where it stands.
    fn start_job(self: &Arc<Self>, job: &Job, answer: Option<oneshot::Sender<()>>) {
        let end = CancellationToken::new();
        self.jobs.ends.lock().insert(job.id.clone(), end.clone());
        let carried_out = Arc::clone(self).carry_out(job.clone(), end, answer);
        self.workers.spawn(carried_out);
    }

    /// Takes up the jobs that ran when the process ended.
    pub(in crate::delivery) fn resume_jobs(self: &Arc<Self>) {
        let running: Vec<_> = {
            let states = self.jobs.states.lock();
            states
                .running()
                .map(|(job, is_whole)| (job.clone(), is_whole))
                .collect()
        };
        for (job, is_whole) in running {
            if is_whole {
                tracing::info!(job = job.id, done = job.done, total = job.total, "a job goes on");
                self.start_job(&job, None);
                continue;
            }
            let shared = Arc::clone(self);
            self.workers.spawn(async move {
                let reason = "the server ended before it was accepted".to_owned();
                if let Err(error) = shared.end_job(&job.id, JobState::Failed, Some(reason)).await {
                    tracing::error!(%error, job = job.id, "the end of a job could not be recorded");
                }
            });
        }
    }

    /// Records that a job goes no further.
    pub(super) async fn end_job(
        &self,
        id: &str,
        state: JobState,
        reason: Option<String>,
    ) -> Result<(), DeliveryError> {
        let step = JobStep {
            job: id.to_owned(),
            step: Step::Ended { state, reason },
        };
        self.record_steps(Vec::new(), &[step]).await?;
        if let Some(end) = self.jobs.ends.lock().remove(id) {
            end.cancel();
        }
        Ok(())
    }

    /// Makes steps of jobs durable together with what they did, in one frame.
    pub(super) async fn record_steps(
        &self,
        mut records: Vec<StateRecord>,
        steps: &[JobStep],
    ) -> Result<(), DeliveryError> {
        records.extend(steps.iter().map(JobStep::record));
        recorder::record(&self.log, &self.stop, records)
            .await
            .map_err(DeliveryError::Append)?;
        let mut states = self.jobs.states.lock();
        for step in steps {
            states.apply(step.clone());
        }
        Ok(())
    }
}
