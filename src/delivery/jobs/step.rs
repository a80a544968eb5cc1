//! How jobs are written into the payloads of the log's job records: JSON, one step a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use roaring::RoaringTreemap;
use serde::Deserialize;
use serde::Serialize;

use super::JobState;
use super::Work;
use crate::log::StateKind;
use crate::log::StateRecord;

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::delivery) struct JobStep {
    /// Its id.
    pub(super) job: String,
    #[serde(flatten)]
    pub(super) step: Step,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(in crate::delivery) enum Step {
    /// It is to be carried out, once all parts of its letters are there.
    Accepted {
        /// What to do.
        work: Work,
        /// When, Unix milliseconds.
        at_ms: i64,
        /// Letters in all.
        total: u64,
        /// In how many records they follow.
        parts: u64,
    },
    /// Some of its letters, all of one route.
    Letters {
        /// The route.
        route: u64,
        /// Their sequences.
        set: Set,
    },
    /// It is through with its letters of a route up to this one.
    Advanced {
        /// The route.
        route: u64,
        /// The last sequence.
        sequence: u64,
        /// Letters done so far, of all routes.
        done: u64,
        /// Letters that could not be done so far.
        failed: u64,
    },
    /// It goes no further.
    Ended {
        /// How it ended.
        state: JobState,
        /// Why, if it was cut off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// Sequences, written as a compressed bitmap in base64.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::delivery) struct Set(pub(super) RoaringTreemap);

impl From<Set> for String {
    fn from(set: Set) -> Self {
        let mut bytes = Vec::with_capacity(set.0.serialized_size());
        // Writing to memory does not fail.
        set.0.serialize_into(&mut bytes).unwrap_or_default();
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Set {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let set = RoaringTreemap::deserialize_from(bytes.as_slice());
        set.map(Self).map_err(|error| error.to_string())
    }
}

impl JobStep {
    pub(super) fn payload(&self) -> Bytes {
        // Plain structs of strings and numbers always serialise.
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }

    pub(super) fn record(&self) -> StateRecord {
        StateRecord {
            payload: self.payload(),
            ..StateRecord::new(StateKind::Job)
        }
    }
}
