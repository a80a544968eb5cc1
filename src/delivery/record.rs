//! How delivery state is written into the payloads of the log's state records.
//!
//! `retry`, `dead` and `dropped` records are JSON: they are rare and must explain themselves. A `progress`
//! record names many sequences; its payload holds 30 bytes for each, in the same order: time of
//! the attempt (i64, Unix ms), duration (u32, ms), status (u16, 0 for none), and the phases of the
//! call (four u32, ms, all bits set for none): DNS, connect, TLS, first byte. Little endian. Records of
//! older releases hold 14 bytes for each, without the phases.

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::again::Again;
use crate::log::BusId;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StateRecord;
use crate::log::StoredState;
use crate::target::Phases;

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
    /// How long its phases took.
    #[serde(default, skip_serializing_if = "Phases::is_empty")]
    pub phases: Phases,
    /// Harmless headers of the answer; kept as the response is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The start of what the target answered; kept for the first failure and the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// When the next attempt is due, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
}

/// A failed attempt whose delivery waits for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retry {
    /// The attempt.
    #[serde(flatten)]
    pub(super) attempt: Attempt,
    /// From when the age of the delivery counts, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since_ms: Option<i64>,
    /// What the delivery keeps its order by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<u64>,
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

impl Death {
    /// The end of a delivery that was not called for this time.
    pub(super) fn unsent(code: &str, reason: &str) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.to_owned(),
            last: None,
        }
    }
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

/// What is said of an event that is kept for a route it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When the event was accepted, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accepted_at_ms: Option<i64>,
}

/// Why a delivery was given up on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ending {
    /// Stable code.
    pub(super) code: String,
    /// The reason in words.
    pub(super) reason: String,
}

impl Ending {
    pub(super) fn new(code: &str, reason: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.into(),
        }
    }
}

/// One finished delivery inside a progress record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finished {
    pub(super) sequence: u64,
    pub(super) at_ms: i64,
    pub(super) ms: u32,
    pub(super) status: u16,
    pub(super) phases: Phases,
}

/// Bytes of one entry in the payload of a progress record.
pub(super) const FINISHED_LEN: usize = 30;
/// The same in a record without phases.
const SHORT_LEN: usize = 14;
/// Stands for a phase that did not take place.
const NO_PHASE: u32 = u32::MAX;

impl Finished {
    /// What is recorded of the attempt that finished a delivery.
    pub(super) fn of(sequence: u64, made: &Attempt) -> Self {
        Self {
            sequence,
            at_ms: made.at_ms,
            ms: made.ms,
            status: made.status.unwrap_or(0),
            phases: made.phases,
        }
    }

    /// The attempt as it is shown; its number is one more than the failures before it.
    pub(super) fn attempt(&self, n: u32) -> Attempt {
        Attempt {
            n,
            at_ms: self.at_ms,
            class: "ok".to_owned(),
            status: (self.status != 0).then_some(self.status),
            ms: self.ms,
            phases: self.phases,
            headers: Vec::new(),
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
        let Phases {
            dns,
            connect,
            tls,
            first_byte,
        } = entry.phases;
        for phase in [dns, connect, tls, first_byte] {
            payload.put_u32_le(phase.unwrap_or(NO_PHASE));
        }
    }
    let sequences = finished.iter().map(|entry| entry.sequence).collect();
    state(StateKind::Progress, route, sequences, payload.into())
}

/// The entry for one sequence in a progress record.
pub(super) fn finished_in(record: &StoredState, sequence: u64) -> Option<Finished> {
    let (sequences, payload) = (&record.record.sequences, &record.record.payload);
    let place = sequences.iter().position(|known| *known == sequence)?;
    let is_short = payload.len() == sequences.len() * SHORT_LEN;
    let entry_len = if is_short { SHORT_LEN } else { FINISHED_LEN };
    let mut entry = payload.get(place * entry_len..)?;
    let mut finished = Finished {
        sequence,
        at_ms: entry.try_get_i64_le().ok()?,
        ms: entry.try_get_u32_le().ok()?,
        status: entry.try_get_u16_le().ok()?,
        phases: Phases::default(),
    };
    if !is_short {
        let Phases {
            dns,
            connect,
            tls,
            first_byte,
        } = &mut finished.phases;
        for phase in [dns, connect, tls, first_byte] {
            *phase = Some(entry.try_get_u32_le().ok()?).filter(|ms| *ms != NO_PHASE);
        }
    }
    Some(finished)
}

pub(super) fn retry(route: RouteId, sequence: u64, retry: &Retry) -> StateRecord {
    state(StateKind::Retry, route, vec![sequence], json(retry))
}

/// Deliveries held behind a failing one: 8 bytes of payload for each, its key, little endian.
pub(super) fn held(route: RouteId, held: &[(u64, u64)]) -> StateRecord {
    let keys = held
        .iter()
        .flat_map(|(_, key)| key.to_le_bytes())
        .collect::<Vec<u8>>();
    let sequences = held.iter().map(|(sequence, _)| *sequence).collect();
    state(StateKind::Held, route, sequences, keys.into())
}

/// The sequences of a record of held deliveries, with their keys.
pub(super) fn held_in(record: &StoredState) -> impl Iterator<Item = (u64, u64)> {
    let keys = record
        .record
        .payload
        .chunks_exact(8)
        .filter_map(|key| key.try_into().ok());
    record
        .record
        .sequences
        .iter()
        .copied()
        .zip(keys.map(u64::from_le_bytes))
}

pub(super) fn dead(route: RouteId, sequence: u64, death: &Death) -> StateRecord {
    state(StateKind::Dead, route, vec![sequence], json(death))
}

/// The record of a dead letter in the dead-letter log.
pub(super) fn letter(route: RouteId, sequence: u64, letter: &Letter) -> StateRecord {
    state(StateKind::Dead, route, vec![sequence], json(letter))
}

/// The record of a kept event in the dead-letter log.
pub(super) fn kept(route: RouteId, sequence: u64, kept: &Kept) -> StateRecord {
    state(StateKind::Redriven, route, vec![sequence], json(kept))
}

/// Deliveries that are given up.
pub(super) fn dropped((route, bus): (RouteId, BusId), sequences: Vec<u64>, ending: &Ending) -> StateRecord {
    StateRecord {
        bus,
        ..state(StateKind::Dropped, route, sequences, json(ending))
    }
}

/// Deliveries that go over their route once more.
pub(super) fn redriven(route: RouteId, sequences: Vec<u64>, again: &Again) -> StateRecord {
    state(StateKind::Redriven, route, sequences, json(again))
}

/// How the deliveries of a `redriven` record go once more; as usual if it does not say.
pub(super) fn again(record: &StoredState) -> Again {
    read(record).unwrap_or_default()
}

/// The payload of a record in JSON; `None` for bytes that this version cannot read.
pub(super) fn read<'a, T: Deserialize<'a>>(record: &'a StoredState) -> Option<T> {
    serde_json::from_slice(&record.record.payload).ok()
}

pub(super) fn json(value: &impl Serialize) -> Bytes {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(record: StateRecord) -> StoredState {
        StoredState { time_ms: 0, record }
    }

    fn finished(sequence: u64) -> Finished {
        let phases = Phases {
            dns: Some(0),
            connect: Some(7),
            tls: None,
            first_byte: Some(u32::MAX - 1),
        };
        Finished {
            sequence,
            at_ms: -5,
            ms: 12,
            status: 204,
            phases,
        }
    }

    #[test]
    fn a_finished_delivery_reads_back_with_its_phases() {
        let record = stored(progress(RouteId(1), &[finished(7), finished(9)]));
        for sequence in [7, 9] {
            assert_eq!(finished_in(&record, sequence), Some(finished(sequence)));
        }
        assert_eq!(finished_in(&record, 8), None);
    }

    #[test]
    fn records_without_phases_still_read() {
        let mut payload = Vec::new();
        for at_ms in [1, 2] {
            payload.put_i64_le(at_ms);
            payload.put_u32_le(3);
            payload.put_u16_le(200);
        }
        let short = stored(state(StateKind::Progress, RouteId(1), vec![5, 6], payload.into()));
        let read = finished_in(&short, 6).unwrap();
        assert_eq!((read.at_ms, read.ms, read.status), (2, 3, 200));
        assert!(read.phases.is_empty());
        let attempt = r#"{"n":1,"at_ms":2,"class":"timeout","ms":3}"#;
        let attempt: Attempt = serde_json::from_str(attempt).unwrap();
        assert!(attempt.phases.is_empty() && attempt.headers.is_empty());
    }

    #[test]
    fn an_attempt_takes_at_most_256_bytes_beside_the_answer() {
        let most = Some(u32::MAX);
        let attempt = Attempt {
            n: 10_000,
            at_ms: 9_999_999_999_999,
            class: "redirect_not_followed".to_owned(),
            status: Some(599),
            ms: 300_000,
            phases: Phases {
                dns: most,
                connect: most,
                tls: most,
                first_byte: most,
            },
            headers: Vec::new(),
            response: None,
            next_at_ms: Some(9_999_999_999_999),
        };
        let record = retry(
            RouteId(1),
            2,
            &Retry {
                attempt: attempt.clone(),
                since_ms: Some(9_999_999_999_999),
                key: None,
            },
        );
        assert!(record.payload.len() <= 256, "{}", record.payload.len());
        assert_eq!(read(&stored(record)), Some(attempt));
    }
}
