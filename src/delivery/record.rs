//! How delivery state is written into the payloads of the log's state records.
//!
//! `retry` and `dead` records are JSON: they are rare and must explain themselves. A `progress`
//! record names many sequences; its payload holds 14 bytes for each, in the same order: time of
//! the attempt (i64, Unix ms), duration (u32, ms), status (u16, 0 for none). Little endian.

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StateRecord;
use crate::log::StoredState;

/// One attempt to deliver one event, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the attempt, from 1; starts again after a redrive.
    pub n: u32,
    /// When it started, Unix milliseconds.
    pub at_ms: i64,
    /// Stable name of how it ended.
    pub class: String,
    /// Status the target answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// The start of what the target answered; kept for the first failure and the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// When the next attempt is due, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
}

/// Why a delivery ended without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Death {
    /// Stable code.
    pub(super) code: String,
    /// The reason in words.
    pub(super) reason: String,
    /// The last attempt; none when the event died before it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Attempt>,
}

/// What a dead letter says, beside its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    #[serde(flatten)]
    pub(super) death: Death,
    /// When the event was accepted, Unix milliseconds; none if the event could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accepted_at_ms: Option<i64>,
}

/// One finished delivery inside a progress record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finished {
    pub(super) sequence: u64,
    pub(super) at_ms: i64,
    pub(super) ms: u32,
    pub(super) status: u16,
}

/// Bytes of one entry in the payload of a progress record.
pub(super) const FINISHED_LEN: usize = 14;

impl Finished {
    /// The attempt as it is shown; its number is one more than the failures before it.
    pub(super) fn attempt(&self, n: u32) -> Attempt {
        Attempt {
            n,
            at_ms: self.at_ms,
            class: "ok".to_owned(),
            status: (self.status != 0).then_some(self.status),
            ms: self.ms,
            response: None,
            next_at_ms: None,
        }
    }
}

pub(super) fn progress(route: RouteId, finished: &[Finished]) -> StateRecord {
    let mut payload = Vec::with_capacity(finished.len() * FINISHED_LEN);
    for entry in finished {
        payload.put_i64_le(entry.at_ms);
        payload.put_u32_le(entry.ms);
        payload.put_u16_le(entry.status);
    }
    let sequences = finished.iter().map(|entry| entry.sequence).collect();
    state(StateKind::Progress, route, sequences, payload.into())
}

/// The entry for one sequence in a progress record.
pub(super) fn finished_in(record: &StoredState, sequence: u64) -> Option<Finished> {
    let place = record
        .record
        .sequences
        .iter()
        .position(|known| *known == sequence)?;
    let mut entry = record.record.payload.get(place * FINISHED_LEN..)?;
    Some(Finished {
        sequence,
        at_ms: entry.try_get_i64_le().ok()?,
        ms: entry.try_get_u32_le().ok()?,
        status: entry.try_get_u16_le().ok()?,
    })
}

pub(super) fn retry(route: RouteId, sequence: u64, attempt: &Attempt) -> StateRecord {
    state(StateKind::Retry, route, vec![sequence], json(attempt))
}

pub(super) fn dead(route: RouteId, sequence: u64, death: &Death) -> StateRecord {
    state(StateKind::Dead, route, vec![sequence], json(death))
}

/// The record of a dead letter in the dead-letter log.
pub(super) fn letter(route: RouteId, sequence: u64, letter: &Letter) -> StateRecord {
    state(StateKind::Dead, route, vec![sequence], json(letter))
}

/// Dead letters given back to their route.
pub(super) fn redriven(route: RouteId, sequences: Vec<u64>) -> StateRecord {
    state(StateKind::Redriven, route, sequences, Bytes::new())
}

/// The payload of a `retry` or `dead` record; `None` for bytes that this version cannot read.
pub(super) fn read<'a, T: Deserialize<'a>>(record: &'a StoredState) -> Option<T> {
    serde_json::from_slice(&record.record.payload).ok()
}

fn json(value: &impl Serialize) -> Bytes {
    // Plain structs of strings and numbers always serialise.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

fn state(kind: StateKind, route: RouteId, sequences: Vec<u64>, payload: Bytes) -> StateRecord {
    StateRecord {
        route,
        sequences,
        payload,
        ..StateRecord::new(kind)
    }
}
