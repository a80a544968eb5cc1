//! What each frame must agree on with the frames before it and with the super slot.

use super::format::frame::FrameHeader;
use super::format::slot::Slot;
use super::ids::BusId;
use std::collections::HashMap;

/// The state of the log behind the last frame that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    slot: Slot,
    open: u64,
    salt: u64,
    /// Highest watermark witnessed by a frame.
    pub(crate) watermark: u64,
    /// Time of the last frame.
    pub(crate) time: i64,
    /// Next sequence of every bus that has events.
    pub(crate) next: HashMap<BusId, u64>,
}

impl Chain {
    /// The chain before the first frame of a log whose newest super slot is `slot`.
    pub(crate) fn new(slot: Slot) -> Self {
        Self {
            slot,
            open: 0,
            salt: 0,
            watermark: 0,
            time: i64::MIN,
            next: HashMap::new(),
        }
    }

    /// The next sequence of a bus.
    pub(crate) fn next(&self, bus: BusId) -> u64 {
        self.next.get(&bus).copied().unwrap_or(1)
    }

    /// Whether a header whose checksum fits, found at its own position, can be of this log.
    ///
    /// What an event carries as data cannot pass: it would need the salt of the opening.
    pub(crate) fn admits(&self, header: &FrameHeader) -> bool {
        let of_current = header.position >= self.slot.open_position;
        if of_current {
            header.open == self.slot.open && header.salt == self.slot.salt
        } else {
            header.open < self.slot.open && (header.open != self.open || header.salt == self.salt)
        }
    }

    /// Whether the frame follows from those before it.
    pub(crate) fn check(&self, header: &FrameHeader) -> Result<(), &'static str> {
        if !self.admits(header) || header.open < self.open {
            return Err("the frame is of another opening of the log than its place");
        }
        if header.watermark < self.watermark {
            return Err("the frame witnesses less than one before it");
        }
        if header.append_time < self.time {
            return Err("the frame is older than the one before it");
        }
        if header.event_count > 0 && header.first_sequence != self.next(header.bus) {
            return Err("the frame's sequences do not follow");
        }
        Ok(())
    }

    /// Takes the frame as the last one.
    pub(crate) fn advance(&mut self, header: &FrameHeader) {
        (self.open, self.salt) = (header.open, header.salt);
        self.watermark = self.watermark.max(header.watermark);
        self.time = header.append_time;
        if header.event_count > 0 {
            self.next
                .insert(header.bus, header.first_sequence + u64::from(header.event_count));
        }
    }
}
