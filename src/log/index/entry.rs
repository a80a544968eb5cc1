//! The entries of an index: fixed in size and sorted, so that they are found by halving.

use crate::log::format::input::Input;
use crate::log::ids::{BusId, DedupKey, RouteId};
use bytes::BufMut as _;

/// One row of a sorted table, ordered by its fields from first to last.
pub(crate) trait Entry: Copy + Ord {
    /// Bytes of a row on disk.
    const LEN: usize;

    /// Appends the row.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads a row.
    fn take(input: &mut Input<'_>) -> Option<Self>;
}

/// The sequences of one bus that a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BusEntry {
    pub(crate) bus: BusId,
    /// Its first sequence there.
    pub(crate) first: u64,
    /// Behind its last.
    pub(crate) end: u64,
}

/// One frame with events of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameEntry {
    pub(crate) bus: BusId,
    /// Sequence of its first event.
    pub(crate) first_sequence: u64,
    /// Where it is.
    pub(crate) position: u64,
    /// Its time.
    pub(crate) time_ms: i64,
    /// Bytes, header included.
    pub(crate) len: u32,
    /// How many events it has.
    pub(crate) events: u16,
}

impl FrameEntry {
    /// The sequence behind its last event.
    pub(crate) fn end(&self) -> u64 {
        self.first_sequence + u64::from(self.events)
    }
}

/// An event that took a route: a row of the route's consume queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteEvent {
    pub(crate) route: RouteId,
    pub(crate) sequence: u64,
}

/// A state record of a route that names an event: a row of the event's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteState {
    pub(crate) route: RouteId,
    pub(crate) sequence: u64,
    /// The frame that holds the record.
    pub(crate) position: u64,
}

/// A frame that holds state records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StateFrame {
    pub(crate) position: u64,
}

/// The key of a stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyEntry {
    pub(crate) key: DedupKey,
    pub(crate) bus: BusId,
    pub(crate) sequence: u64,
}

impl Entry for BusEntry {
    const LEN: usize = 20;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u32_le(self.bus.0);
        out.put_u64_le(self.first);
        out.put_u64_le(self.end);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            bus: BusId(input.u32()?),
            first: input.u64()?,
            end: input.u64()?,
        })
    }
}

impl Entry for FrameEntry {
    const LEN: usize = 34;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u32_le(self.bus.0);
        out.put_u64_le(self.first_sequence);
        out.put_u64_le(self.position);
        out.put_i64_le(self.time_ms);
        out.put_u32_le(self.len);
        out.put_u16_le(self.events);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            bus: BusId(input.u32()?),
            first_sequence: input.u64()?,
            position: input.u64()?,
            time_ms: input.i64()?,
            len: input.u32()?,
            events: input.u16()?,
        })
    }
}

impl Entry for RouteEvent {
    const LEN: usize = 16;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.route.0);
        out.put_u64_le(self.sequence);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            route: RouteId(input.u64()?),
            sequence: input.u64()?,
        })
    }
}

impl Entry for RouteState {
    const LEN: usize = 24;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.route.0);
        out.put_u64_le(self.sequence);
        out.put_u64_le(self.position);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            route: RouteId(input.u64()?),
            sequence: input.u64()?,
            position: input.u64()?,
        })
    }
}

impl Entry for StateFrame {
    const LEN: usize = 8;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.position);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            position: input.u64()?,
        })
    }
}

impl Entry for KeyEntry {
    const LEN: usize = 28;

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u128_le(self.key.0);
        out.put_u32_le(self.bus.0);
        out.put_u64_le(self.sequence);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            key: DedupKey(input.u128()?),
            bus: BusId(input.u32()?),
            sequence: input.u64()?,
        })
    }
}
