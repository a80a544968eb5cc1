//! What each frame must agree on with the frames before it and with the super slot.

use super::damage::MissingEvents;
use super::format::Refused;
use super::format::body::Records;
use super::format::frame::FrameHeader;
use super::format::slot::Slot;
use super::format::state::StateView;
use super::ids::BusId;
use super::snapshot::Base;
use std::collections::HashMap;

/// What a frame carries of its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) open: u64,
    pub(crate) salt: u64,
    pub(crate) watermark: u64,
    pub(crate) time: i64,
}

/// The state of the log behind the last frame that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Absent inside one sealed segment, where the surroundings are not known.
    slot: Option<Slot>,
    /// A bus that was not seen yet may begin at any sequence.
    starts_anywhere: bool,
    /// Behind damage: sequences may jump, and each jump is noted in `missing`.
    is_broken: bool,
    /// What was jumped over behind damage, until somebody takes it.
    pub(crate) missing: Vec<MissingEvents>,
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
            is_broken: false,
            missing: Vec::new(),
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
            is_broken: false,
            missing: Vec::new(),
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

    /// What a frame at `position` would carry if it came next.
    pub(crate) fn link(&self, position: u64) -> Link {
        let (open, salt) = match self.slot {
            Some(slot) if position >= slot.open_position => (slot.open, slot.salt),
            _ => (self.open, self.salt),
        };
        Link {
            open,
            salt,
            watermark: self.watermark,
            time: self.time.max(0),
        }
    }

    /// Where the current opening began, and what its frames carry; nowhere when that is not known.
    pub(crate) fn opening(&self) -> (u64, Link) {
        let start = self.slot.map_or(u64::MAX, |slot| slot.open_position);
        (start, self.link(start))
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
        if header.event_count > 0 && !self.continues(header.bus, header.first_sequence) {
            return Err("the frame's sequences do not follow");
        }
        Ok(())
    }

    /// Whether sequences of `bus` may go on at `first`.
    fn continues(&self, bus: BusId, first: u64) -> bool {
        let may_begin = self.starts_anywhere && !self.next.contains_key(&bus);
        let next = self.next(bus);
        may_begin || first == next || (self.is_broken && first > next)
    }

    /// Frames are missing here: from now on sequences may jump.
    pub(crate) fn break_off(&mut self) {
        self.is_broken = true;
    }

    /// Another witness says that the next sequence of `bus` is at least `next`.
    pub(crate) fn hear(&mut self, bus: BusId, next: u64) {
        if self.next.contains_key(&bus) || !self.starts_anywhere {
            let known = self.next(bus);
            if next > known {
                let sequences = known..next;
                self.missing.push(MissingEvents { bus, sequences });
            }
        }
        let known = self.next.entry(bus).or_insert(next);
        *known = next.max(*known);
    }

    /// Takes in what a snapshot knows of the frames before it, some of which are missing.
    pub(crate) fn catch_up(&mut self, base: &Base) {
        if base.open > self.open {
            (self.open, self.salt) = (base.open, base.salt);
        }
        self.time = self.time.max(base.time);
    }

    /// Takes in the gaps that an accepted frame records.
    ///
    /// # Errors
    /// A gap that does not begin where its bus was, which no repair writes.
    pub(crate) fn advance_over_gaps(&mut self, records: &Records<'_>) -> Result<(), Refused> {
        for gap in records.states.iter().filter_map(StateView::gap) {
            let (bus, sequences) = gap?;
            if !self.continues(bus, sequences.start) {
                return Err(Refused::Malformed("the gap's sequences do not follow"));
            }
            self.hear(bus, sequences.start);
            self.next.insert(bus, sequences.end);
        }
        Ok(())
    }

    /// Takes the frame as the last one.
    pub(crate) fn advance(&mut self, header: &FrameHeader) {
        (self.open, self.salt) = (header.open, header.salt);
        self.watermark = self.watermark.max(header.watermark);
        self.time = header.append_time;
        if header.event_count > 0 {
            self.hear(header.bus, header.first_sequence);
            self.next
                .insert(header.bus, header.first_sequence + u64::from(header.event_count));
        }
    }
}
