//! Where the events of one bus are, by sequence and by time.

use crate::log::format::frame::FrameHeader;
use tokio::sync::watch;

/// One frame with events of the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameEntry {
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

/// The durable frames of one bus, ascending by sequence, position and time alike.
pub(crate) struct BusIndex {
    frames: Vec<FrameEntry>,
    last: watch::Sender<u64>,
}

impl Default for BusIndex {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            last: watch::Sender::new(0),
        }
    }
}

impl BusIndex {
    /// Adds the next frame; watchers hear of it from [`announce`](Self::announce).
    pub(crate) fn add(&mut self, header: &FrameHeader) {
        self.frames.push(FrameEntry {
            first_sequence: header.first_sequence,
            position: header.position,
            time_ms: header.append_time,
            len: u32::try_from(header.frame_len()).unwrap_or(u32::MAX),
            events: header.event_count,
        });
    }

    /// Tells the watchers the last durable sequence.
    pub(crate) fn announce(&self) {
        let last = self.next() - 1;
        self.last
            .send_if_modified(|known| std::mem::replace(known, last) != last);
    }

    /// Follows the last durable sequence.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// The next sequence.
    pub(crate) fn next(&self) -> u64 {
        self.frames.last().map_or(1, FrameEntry::end)
    }

    /// The first sequence that is kept.
    pub(crate) fn first(&self) -> u64 {
        self.frames.first().map_or(1, |frame| frame.first_sequence)
    }

    /// The frame of `sequence`.
    pub(crate) fn frame_of(&self, sequence: u64) -> Option<FrameEntry> {
        self.frames_from(sequence)
            .first()
            .copied()
            .filter(|frame| frame.first_sequence <= sequence)
    }

    /// The frames with events at or above `sequence`.
    pub(crate) fn frames_from(&self, sequence: u64) -> &[FrameEntry] {
        let skip = self.frames.partition_point(|frame| frame.end() <= sequence);
        self.frames.get(skip..).unwrap_or_default()
    }

    /// The first sequence whose frame is not older than `time_ms`, or the next one.
    pub(crate) fn sequence_at(&self, time_ms: i64) -> u64 {
        let skip = self.frames.partition_point(|frame| frame.time_ms < time_ms);
        self.frames
            .get(skip)
            .map_or(self.next(), |frame| frame.first_sequence)
    }
}
