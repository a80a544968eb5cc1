//! The state record: a change of delivery state that names its events by sequence.

use super::Refused;
use super::input::Input;
use super::record::{self, HEAD_LEN, STATE};
use super::stored_len;
use crate::log::event::{StateKind, StateRecord, StoredState};
use crate::log::ids::{BusId, RouteId};
use bytes::{BufMut, Bytes};
use std::ops::Range;

/// Bytes between the extensions and the sequences.
const FIXED_LEN: usize = 32;

/// A state record in the buffer it was read into.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StateView<'a> {
    /// See [`StateRecord::kind`].
    pub(crate) kind: StateKind,
    /// See [`StateRecord::route`].
    pub(crate) route: RouteId,
    /// See [`StateRecord::bus`].
    pub(crate) bus: BusId,
    /// See [`StateRecord::epoch`].
    pub(crate) epoch: u32,
    sequences: &'a [u8],
    /// See [`StateRecord::payload`].
    pub(crate) payload: &'a [u8],
}

/// Bytes of the record of `state`, padding not included.
pub(crate) fn encoded_len(state: &StateRecord) -> usize {
    HEAD_LEN + FIXED_LEN + state.sequences.len() * 8 + state.payload.len()
}

/// Writes the record of `state`, `len` bytes as [`encoded_len`] says.
pub(crate) fn encode(state: &StateRecord, len: usize, mut out: &mut [u8]) {
    let out = &mut out;
    record::put_head(out, STATE, len);
    out.put_u8(state.kind as u8);
    out.put_bytes(0, 3); // reserved
    out.put_u32_le(state.epoch);
    out.put_u64_le(state.route.0);
    out.put_u32_le(state.bus.0);
    out.put_u32_le(stored_len(state.sequences.len()));
    out.put_u32_le(stored_len(state.payload.len()));
    out.put_u32_le(0); // reserved
    state
        .sequences
        .iter()
        .for_each(|sequence| out.put_u64_le(*sequence));
    out.put_slice(&state.payload);
}

/// Reads a state record whose checksum has been verified.
pub(crate) fn decode(bytes: &[u8]) -> Result<StateView<'_>, Refused> {
    let mut input = record::open(bytes, STATE)?;
    let kind = input.u8().ok_or(Refused::Malformed("state record"))?;
    let kind = StateKind::from_number(kind).ok_or(Refused::Unsupported("kind of state record"))?;
    fields(&mut input, kind).ok_or(Refused::Malformed("state record"))
}

fn fields<'a>(input: &mut Input<'a>, kind: StateKind) -> Option<StateView<'a>> {
    if input.take(3)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    let (epoch, route, bus) = (input.u32()?, RouteId(input.u64()?), BusId(input.u32()?));
    let (sequence_count, payload_len) = (input.len()?, input.len()?);
    if input.u32()? != 0 {
        return None;
    }
    let sequences = input.take(sequence_count.checked_mul(8)?)?;
    let payload = input.take(payload_len)?;
    input.rest().is_empty().then_some(StateView {
        kind,
        route,
        bus,
        epoch,
        sequences,
        payload,
    })
}

impl StateView<'_> {
    /// The bus and the sequences that a gap record names; `None` for other records.
    pub(crate) fn gap(&self) -> Option<Result<(BusId, Range<u64>), Refused>> {
        if self.kind != StateKind::Gap {
            return None;
        }
        let mut named = self.sequences();
        let gap = match (named.next(), named.next(), named.next()) {
            (Some(first), Some(end), None) if 0 < first && first < end && self.bus != BusId(0) => {
                Ok((self.bus, first..end))
            }
            _ => Err(Refused::Malformed("gap record")),
        };
        Some(gap)
    }

    /// The sequences it names, in stored order.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = u64> {
        let mut input = Input::new(self.sequences);
        std::iter::from_fn(move || input.u64())
    }

    /// The record as readers get it, sharing `buffer`, which this view borrows from.
    pub(crate) fn stored(&self, buffer: &Bytes, time_ms: i64) -> StoredState {
        let record = StateRecord {
            kind: self.kind,
            route: self.route,
            bus: self.bus,
            epoch: self.epoch,
            sequences: self.sequences().collect(),
            payload: buffer.slice_ref(self.payload),
        };
        StoredState { time_ms, record }
    }
}
