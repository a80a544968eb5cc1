//! Jobs of this process: work that goes on after its request was answered.

use std::collections::VecDeque;

use parking_lot::Mutex;
use uuid::Uuid;

/// Jobs that are remembered; older ones are forgotten.
const KEPT: usize = 1_000;

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: &'static str,
    /// Whether it goes on.
    pub state: JobState,
    /// Parts it has in all.
    pub total: u64,
    /// Parts that are done.
    pub done: u64,
    /// Parts that could not be done.
    pub failed: u64,
    /// Why it was cut off.
    pub reason: Option<String>,
}

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It goes on.
    Running,
    /// It did what it could.
    Done,
    /// It was cut off.
    Failed,
}

/// The jobs that are remembered.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<VecDeque<Job>>);

impl Jobs {
    pub(super) fn add(&self, kind: &'static str, total: u64) -> Job {
        let id = Uuid::new_v4().simple().to_string();
        let job = Job {
            id,
            kind,
            state: JobState::Running,
            total,
            done: 0,
            failed: 0,
            reason: None,
        };
        let mut jobs = self.0.lock();
        jobs.push_back(job.clone());
        if jobs.len() > KEPT {
            jobs.pop_front();
        }
        job
    }

    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.0.lock().iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    /// The job was cut off.
    pub(super) fn fail(&self, id: &str, reason: String) {
        self.update(id, |job| {
            job.state = JobState::Failed;
            job.reason = Some(reason);
        });
    }

    pub(super) fn find(&self, id: &str) -> Option<Job> {
        self.0.lock().iter().find(|job| job.id == id).cloned()
    }
}
