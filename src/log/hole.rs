//! What damage leaves behind, and the frames that fill it.
//!
//! A filler covers its hole exactly: gap records for what is lost, then padding, and a seal where
//! the segment ends. Its frames carry what a frame written there would have carried.

use super::chain::Link;
use super::damage::MissingEvents;
use super::event::{StateKind, StateRecord};
use super::format::frame::{FrameHeader, FrameKind};
use super::format::{FRAME_HEADER_LEN, MAX_BODY, SEAL_ROOM, SEGMENT_HEADER_LEN, body, stored_len};
use super::ids::BusId;
use super::snapshot::Base;
use bytes::Bytes;
use std::ops::Range;

const FRAME: u64 = FRAME_HEADER_LEN as u64;
/// Bytes of a gap record without payload, with its entry in the table.
const GAP: u64 = 72;
/// Bytes of the smallest event, with its entry in the table.
const LEAST_EVENT: u64 = 80;
/// Gap records of one frame: far below the largest body.
const MOST_GAPS: usize = 10_000;

/// What is left where damage is cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The header block of a segment; its frames are looked at by themselves.
    Header,
    /// Frames, with a good one behind them.
    Frames,
    /// Frames up to the end of the segment, the seal included.
    ToSeal,
    /// Only what must be zero.
    BehindSeal,
    /// The whole segment, or several.
    Segment,
}

/// A damaged range and what its surroundings say about it.
#[derive(Debug, Clone)]
pub(crate) struct Hole {
    pub(crate) positions: Range<u64>,
    pub(crate) extent: Extent,
    /// What a frame at its start carries.
    pub(crate) link: Link,
    /// Where the current opening began, and what a frame carries from there on.
    pub(crate) opening: (u64, Link),
    /// Everything that it held is accounted for by other witnesses.
    pub(crate) is_known: bool,
}

impl Hole {
    /// Moves on to a snapshot that knows what frames before it carried.
    pub(crate) fn catch_up(&mut self, base: &Base) {
        if base.open > self.link.open {
            (self.link.open, self.link.salt) = (base.open, base.salt);
        }
        self.link.time = self.link.time.max(base.time);
        self.opening.1.time = self.opening.1.time.max(base.time);
    }

    /// How many gap records its filler has room for.
    pub(crate) fn room(&self) -> usize {
        let fits = |(piece, _): &(Range<u64>, Link)| (piece.end - piece.start).saturating_sub(FRAME) / GAP;
        let room: u64 = self.pieces().iter().map(fits).sum();
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// The most events of one bus that it can have held, of those below `watermark`.
    pub(crate) fn most_events(&self, watermark: u64) -> u64 {
        let Range { start, end } = self.positions;
        (end.min(watermark).saturating_sub(start)).saturating_sub(FRAME) / LEAST_EVENT
    }

    /// The frames that fill it, ascending; what they leave out is zero. `None` when it cannot be
    /// filled, or not with all of `missing` on record.
    pub(crate) fn frames(&self, missing: &[MissingEvents], reason: &str) -> Option<Vec<(u64, Vec<u8>)>> {
        let mut filler = Filler {
            missing,
            reason,
            frames: Vec::new(),
        };
        for (piece, link) in self.pieces() {
            filler.fill(piece, link)?;
        }
        if let Some((at, link)) = self.seal() {
            let seal = header(FrameKind::Seal, at, link, 0, &[]);
            filler.frames.push((at, seal.encode().to_vec()));
        }
        filler.missing.is_empty().then_some(filler.frames)
    }

    /// The ranges to fill, the seal left out, each within one opening.
    fn pieces(&self) -> Vec<(Range<u64>, Link)> {
        let Range { start, end } = self.positions;
        let (start, end) = match self.extent {
            Extent::Header | Extent::BehindSeal => return Vec::new(),
            Extent::Frames => (start, end),
            Extent::ToSeal => (start, end.saturating_sub(SEAL_ROOM as u64)),
            Extent::Segment => (start + SEGMENT_HEADER_LEN, end.saturating_sub(SEAL_ROOM as u64)),
        };
        let begun = self.opening.0.clamp(start, end.max(start));
        let pieces = [(start..begun, self.link), (begun..end, self.opening.1)];
        pieces
            .into_iter()
            .filter(|(piece, _)| !piece.is_empty())
            .collect()
    }

    fn seal(&self) -> Option<(u64, Link)> {
        let ends_segment = matches!(self.extent, Extent::ToSeal | Extent::Segment);
        let at = self.positions.end - SEAL_ROOM as u64;
        let link = if at >= self.opening.0 {
            self.opening.1
        } else {
            self.link
        };
        ends_segment.then_some((at, link))
    }
}

struct Filler<'m> {
    /// What is still to be recorded.
    missing: &'m [MissingEvents],
    reason: &'m str,
    frames: Vec<(u64, Vec<u8>)>,
}

impl Filler<'_> {
    fn fill(&mut self, piece: Range<u64>, link: Link) -> Option<()> {
        let mut at = piece.start;
        while at < piece.end {
            let room = (piece.end - at).checked_sub(FRAME)?;
            let fit = usize::try_from(room / GAP).unwrap_or(usize::MAX).min(MOST_GAPS);
            let (gaps, rest) = self.missing.split_at(fit.min(self.missing.len()));
            let header = if gaps.is_empty() {
                self.pad(at, link, room)
            } else {
                self.missing = rest;
                self.gaps(at, link, gaps, room)
            };
            at = header.end();
        }
        Some(())
    }

    fn gaps(&mut self, at: u64, link: Link, gaps: &[MissingEvents], room: u64) -> FrameHeader {
        let said = self.reason.len().next_multiple_of(8) as u64;
        // What is left must hold a frame of its own or be taken in.
        let is_roomy = gaps.len() as u64 * (GAP + said) + FRAME <= room;
        let payload = Bytes::from(if is_roomy {
            self.reason.to_owned()
        } else {
            String::new()
        });
        let mut states: Vec<_> = gaps.iter().map(|gap| gap_record(gap, payload.clone())).collect();
        let left = room - body::encoded_len(&[], &states) as u64;
        if let Some(last) = states.last_mut().filter(|_| left < FRAME) {
            last.payload = vec![b' '; usize::try_from(left).unwrap_or_default()].into();
        }
        let body = body::encode(&[], &states);
        let header = header(FrameKind::Append, at, link, states.len(), &body);
        self.frames.push((at, [&header.encode()[..], &body].concat()));
        header
    }

    fn pad(&mut self, at: u64, link: Link, room: u64) -> FrameHeader {
        let mut len = room.min(MAX_BODY as u64);
        if (1..FRAME).contains(&(room - len)) {
            len -= FRAME;
        }
        let zeros = vec![0; usize::try_from(len).unwrap_or(MAX_BODY)];
        let header = header(FrameKind::Pad, at, link, 0, &zeros);
        self.frames.push((at, header.encode().to_vec()));
        header
    }
}

fn gap_record(missing: &MissingEvents, payload: Bytes) -> StateRecord {
    StateRecord {
        bus: missing.bus,
        sequences: vec![missing.sequences.start, missing.sequences.end],
        payload,
        ..StateRecord::new(StateKind::Gap)
    }
}

fn header(kind: FrameKind, position: u64, link: Link, records: usize, body: &[u8]) -> FrameHeader {
    FrameHeader {
        kind,
        event_count: 0,
        bus: BusId(0),
        record_count: stored_len(records),
        body_len: stored_len(body.len()),
        position,
        open: link.open,
        salt: link.salt,
        watermark: link.watermark,
        first_sequence: 0,
        append_time: link.time,
        body_crc: crc32c::crc32c(body),
    }
}
