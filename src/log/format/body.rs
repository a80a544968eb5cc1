//! The body of a frame: a table of (offset, checksum), then the records.

use super::event::{self, EventView};
use super::frame::{FrameHeader, FrameKind};
use super::input::Input;
use super::state::{self, StateView};
use super::{Refused, padded, stored_len};
use crate::log::event::{NewEvent, StateRecord, StoredEvent};
use bytes::BufMut as _;

/// Bytes of one table entry.
pub(crate) const ENTRY_LEN: usize = 8;

const MALFORMED: Refused = Refused::Malformed("table of records");

/// Bytes of the body that these records encode to.
pub(crate) fn encoded_len(events: &[NewEvent], states: &[StateRecord]) -> usize {
    let events = events.iter().map(event::new_event_len);
    let states = states.iter().map(state::encoded_len);
    events.chain(states).map(|len| ENTRY_LEN + padded(len)).sum()
}

/// Encodes and checksums the records, events first.
///
/// Runs on the calling task: the writer only copies the result.
pub(crate) fn encode(events: &[StoredEvent], states: &[StateRecord]) -> Vec<u8> {
    let table_len = (events.len() + states.len()) * ENTRY_LEN;
    let event_len = |event: &StoredEvent| event::encoded_len(&event.routes, &event.attributes, &event.data);
    let lens = events
        .iter()
        .map(event_len)
        .chain(states.iter().map(state::encoded_len));
    let mut body = vec![0; table_len + lens.map(padded).sum::<usize>()];
    let (table, mut rest) = body.split_at_mut(table_len);
    let mut entries = table.chunks_exact_mut(ENTRY_LEN);
    let mut offset = table_len;
    let mut place = |len: usize, write: &dyn Fn(&mut [u8])| {
        let (record, behind) = std::mem::take(&mut rest).split_at_mut(padded(len));
        write(record);
        if let Some(mut entry) = entries.next() {
            entry.put_u32_le(stored_len(offset));
            entry.put_u32_le(crc32c::crc32c(record));
        }
        offset += record.len();
        rest = behind;
    };
    for event in events {
        let len = event_len(event);
        place(len, &|out| event::encode(event, len, out));
    }
    for state in states {
        let len = state::encoded_len(state);
        place(len, &|out| state::encode(state, len, out));
    }
    body
}

/// Where a record is in its body, and its checksum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// First byte, from the start of the body.
    pub(crate) start: usize,
    /// Behind the last byte, padding included.
    pub(crate) end: usize,
    /// CRC32C of those bytes.
    pub(crate) crc: u32,
}

/// Reads the table entry of record `index` from the first bytes of a body.
///
/// `table` holds at least the entries `0..=index` and, unless it is the last, `index + 1`.
pub(crate) fn place(header: &FrameHeader, table: &[u8], index: usize) -> Result<Place, Refused> {
    let (count, body_len) = (header.record_count as usize, header.body_len as usize);
    let mut input = Input::new(table.get(index * ENTRY_LEN..).ok_or(MALFORMED)?);
    let start = input.len().ok_or(MALFORMED)?;
    let crc = input.u32().ok_or(MALFORMED)?;
    let end = if index + 1 == count {
        body_len
    } else {
        input.len().ok_or(MALFORMED)?
    };
    let first = count * ENTRY_LEN;
    let fits = start < end && end <= body_len && start.is_multiple_of(8) && end.is_multiple_of(8);
    if fits && start >= first && (index > 0 || start == first) {
        Ok(Place { start, end, crc })
    } else {
        Err(MALFORMED)
    }
}

/// Every record of a body with its checksum verified: events, then states.
pub(crate) struct Records<'a> {
    /// The events in the order of their sequences.
    pub(crate) events: Vec<EventView<'a>>,
    /// The states in the order they were given.
    pub(crate) states: Vec<StateView<'a>>,
}

/// Decodes all records of a body and verifies the checksum of each.
pub(crate) fn decode<'a>(header: &FrameHeader, body: &'a [u8]) -> Result<Records<'a>, Refused> {
    records(header, body, true)
}

/// Decodes all records of a body whose own checksum was verified: it covers the records too.
pub(crate) fn decode_verified<'a>(header: &FrameHeader, body: &'a [u8]) -> Result<Records<'a>, Refused> {
    records(header, body, false)
}

fn records<'a>(header: &FrameHeader, body: &'a [u8], verify: bool) -> Result<Records<'a>, Refused> {
    let (count, events) = (header.record_count as usize, usize::from(header.event_count));
    if header.kind == FrameKind::Pad && body.iter().any(|byte| *byte != 0) {
        return Err(Refused::Malformed("padding is not zero"));
    }
    let mut records = Records {
        events: Vec::with_capacity(events),
        states: Vec::with_capacity(count - events),
    };
    for index in 0..count {
        let place = place(header, body, index)?;
        let record = body.get(place.start..place.end).ok_or(MALFORMED)?;
        if verify && crc32c::crc32c(record) != place.crc {
            return Err(Refused::Malformed(
                "checksum of a record in a body whose checksum fits",
            ));
        }
        if index < events {
            records.events.push(event::decode(record)?);
        } else {
            records.states.push(state::decode(record)?);
        }
    }
    Ok(records)
}
