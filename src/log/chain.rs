//! What each frame must agree on with the frames before it and with the super slot.

use super::format::frame::FrameHeader;
use super::format::slot::Slot;
use super::ids::BusId;
use super::snapshot::Base;
use std::collections::HashMap;

/// The state of the log behind the last frame that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Absent inside one sealed segment, where the surroundings are not known.
    slot: Option<Slot>,
    /// A bus that was not seen yet may begin at any sequence.
    starts_anywhere: bool,
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
            slot: Some(slot),
            starts_anywhere: false,
            open: 0,
            salt: 0,
            watermark: 0,
            time: i64::MIN,
            next: HashMap::new(),
        }
    }

    /// The chain at a snapshot.
    pub(crate) fn at(slot: Slot, base: &Base) -> Self {
        Self {
            open: base.open,
            salt: base.salt,
            time: base.time,
            next: base.next.iter().copied().collect(),
            ..Self::new(slot)
        }
    }

    /// The chain before the first segment of a log that was trimmed and has no snapshot at hand.
    pub(crate) fn behind_trimmed(slot: Slot) -> Self {
        Self {
            starts_anywhere: true,
            ..Self::new(slot)
        }
    }

    /// The chain inside one sealed segment, whatever came before.
    pub(crate) fn within() -> Self {
        Self {
            slot: None,
            starts_anywhere: true,
            open: 0,
            salt: 0,
            watermark: 0,
            time: i64::MIN,
            next: HashMap::new(),
        }
    }

    /// What a snapshot at `position`, behind the last frame, must hold of the chain.
    pub(crate) fn base(&self, position: u64) -> Base {
        let mut next: Vec<_> = self.next.iter().map(|(bus, next)| (*bus, *next)).collect();
        next.sort_unstable();
        Base {
            position,
            time: self.time,
            open: self.open,
            salt: self.salt,
            next,
            ..Base::default()
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
        let is_same = header.open != self.open || header.salt == self.salt;
        match self.slot {
            Some(slot) if header.position >= slot.open_position => {
                header.open == slot.open && header.salt == slot.salt
            }
            Some(slot) => header.open < slot.open && is_same,
            None => is_same,
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
        let may_begin = self.starts_anywhere && !self.next.contains_key(&header.bus);
        if header.event_count > 0 && !may_begin && header.first_sequence != self.next(header.bus) {
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
