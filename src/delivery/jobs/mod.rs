//! Jobs: work on many dead letters that goes on after its request was answered.
//!
//! A job is durable before it is answered for. It knows its letters from the beginning, as
//! compressed sets, and takes them part by part: what is done with a part and how far that brings
//! the job is one frame. So a process that dies in between goes on where the log says, and at the
//! end `done` and `failed` are `total`. A job that is cancelled leaves the rest of its letters as
//! they are.
//!
//! What is known of jobs is a fold over their records, in memory as at a start.

mod accept;
mod carry_out;
mod plan;
mod states;
mod step;

use parking_lot::Mutex;
use serde::Deserialize;
use serde::Serialize;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

use crate::config::Rate;

pub(super) use states::JobStates;
pub(super) use step::Step;

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Gives dead letters back to their routes.
    Redrive(Redrive),
    /// Gives dead letters up.
    Discard {
        /// Why, in the words of whoever did it.
        reason: String,
    },
}

/// How dead letters are given back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// Not faster than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// With the present transform of the rule, not the one of the event's generation.
    #[serde(default)]
    pub retransform: bool,
    /// To this route of the same bus instead of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// A job and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub work: Work,
    /// When it was accepted, Unix milliseconds.
    pub at_ms: i64,
    /// Whether it goes on.
    pub state: JobState,
    /// Letters it has in all.
    pub total: u64,
    /// Letters that are done.
    pub done: u64,
    /// Letters that could not be done: they are as they were, or somebody else did something with them.
    pub failed: u64,
    /// Why it was cut off.
    pub reason: Option<String>,
}

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It goes on, also after a restart.
    Running,
    /// It did what it could.
    Done,
    /// Somebody ended it; what it had not done is as it was.
    Cancelled,
    /// It was cut off; what it had not done is as it was.
    Failed,
}

impl Work {
    /// The kind of job.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Redrive(_) => "redrive",
            Self::Discard { .. } => "discard",
        }
    }
}

/// The jobs of a running engine.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    states: Mutex<JobStates>,
    /// Ends the waits of a job that runs.
    ends: Mutex<HashMap<String, CancellationToken>>,
}

impl Jobs {
    pub(super) fn restored(states: JobStates) -> Self {
        Self {
            states: Mutex::new(states),
            ends: Mutex::default(),
        }
    }
}
