//! Reading a whole log without changing it: what is there, where it ends, what is damaged.
//!
//! Recovery and `verify` both stand on this, so they cannot disagree about damage.

use super::chain::Chain;
use super::damage::{Damage, MissingEvents};
use super::error::LogError;
use super::files::Files;
use super::format::Refused;
use super::format::frame::FrameHeader;
use super::format::slot::Slot;
use super::scan::{Bad, Scanner, Stop, Visit};
use super::segment::{self, BadSegment, Segment};
use super::snapshot::Base;
use super::supers::SlotsRead;
use std::ops::Range;
use std::path::Path;

/// How far behind the end of the log witnesses are looked for: no write in flight reaches further.
const WITNESS_REACH: u64 = 64 << 20;

/// What a log holds.
pub(crate) struct Survey {
    /// The segments whose headers are good, ascending.
    pub(crate) segments: Vec<Segment>,
    /// What is known at the start of each segment that was read, ascending.
    pub(crate) starts: Vec<Base>,
    /// The state behind the last frame.
    pub(crate) chain: Chain,
    /// Position behind the last frame, or behind the last segment when that is sealed.
    pub(crate) end: u64,
    /// The last segment is sealed, or there is none: the next frame needs a new one.
    pub(crate) sealed: bool,
    /// Everything below is known to have been synced.
    pub(crate) watermark: u64,
    /// Damage below the watermark, ascending; empty for a healthy log.
    pub(crate) damage: Vec<Damage>,
}

/// What a survey reads, and what it may rely on.
pub(crate) struct Scope<'s> {
    pub(crate) slots: &'s SlotsRead,
    pub(crate) slot: Slot,
    /// Segments are opened for writing.
    pub(crate) write: bool,
    /// A snapshot: sealed segments before it are opened but not read.
    pub(crate) from: Option<&'s Base>,
}

/// Reads the log in `dir`, handing every good frame to `visit` in order.
///
/// # Errors
/// I/O, foreign files and bytes of a later version. Damage is not an error here: see [`Survey::damage`].
pub(crate) fn survey(
    files: &dyn Files,
    dir: &Path,
    scope: &Scope<'_>,
    visit: &mut Visit<'_>,
) -> Result<Survey, LogError> {
    let (slot, write) = (scope.slot, scope.write);
    let mut bases = segment::list(files, dir)?;
    bases.retain(|base| *base >= slot.start);
    let read_from = scope.from.map_or(0, |base| base.position);
    let mut survey = Survey {
        segments: Vec::new(),
        starts: Vec::new(),
        chain: match scope.from {
            Some(base) => Chain::at(slot, base),
            None if slot.start > 0 => Chain::behind_trimmed(slot),
            None => Chain::new(slot),
        },
        end: slot.start,
        sealed: true,
        watermark: scope.slots.watermark,
        damage: Vec::new(),
    };
    for (index, base) in bases.iter().copied().enumerate() {
        survey.join(dir, base)?;
        // A segment gets its name only after everything before it was synced.
        survey.watermark = survey.watermark.max(base);
        match segment::open(files, dir, base, slot.uuid, write)? {
            Ok(segment) if base < read_from => {
                (survey.end, survey.sealed) = (segment.end(), true);
                let len = segment
                    .file
                    .len()
                    .map_err(LogError::io("measure", &segment.path))?;
                if len < segment.size {
                    let missing = segment.base + len..segment.end();
                    survey.blame(
                        segment.path.clone(),
                        missing,
                        "the segment is shorter than its header says",
                    );
                }
                survey.segments.push(segment);
            }
            Ok(segment) => {
                survey.starts.push(survey.chain.base(base));
                survey.read(&segment, index + 1 == bases.len(), visit)?;
                survey.segments.push(segment);
            }
            Err(BadSegment::Refused(error)) => return Err(error),
            Err(BadSegment::Damaged(reason)) => {
                survey.end = bases
                    .get(index + 1)
                    .copied()
                    .unwrap_or(base + segment::HEADER_LEN);
                survey.sealed = true;
                survey.blame(segment::path(dir, base), base..survey.end, reason);
            }
        }
    }
    if survey.end < survey.watermark
        && survey
            .damage
            .last()
            .is_none_or(|last| last.positions.end < survey.watermark)
    {
        let missing = survey.end..survey.watermark;
        survey.blame(segment::path(dir, survey.end), missing, "the segment is missing");
    }
    Ok(survey)
}

impl Survey {
    /// Checks that the segment at `base` begins where the one before it ends.
    fn join(&mut self, dir: &Path, base: u64) -> Result<(), LogError> {
        if base < self.end {
            let path = segment::path(dir, base);
            return Err(LogError::Foreign {
                path,
                reason: "it overlaps the segment before it",
            });
        }
        if base > self.end {
            self.blame(
                segment::path(dir, self.end),
                self.end..base,
                "the segment is missing",
            );
        }
        Ok(())
    }

    fn read(&mut self, segment: &Segment, is_last: bool, visit: &mut Visit<'_>) -> Result<(), LogError> {
        self.watermark = self.watermark.max(segment.first_frame());
        let mut scanner = Scanner::new(segment);
        let mut position = segment.first_frame();
        let mut retried = None;
        loop {
            let stop = self.walk(&mut scanner, position, visit)?;
            let Some(bad) = stop.bad else {
                (self.end, self.sealed) = (segment.end(), true);
                return Ok(());
            };
            if let Bad::Refused(Refused::Unsupported(what)) = bad {
                return Err(LogError::Unsupported {
                    path: segment.path.clone(),
                    what,
                });
            }
            self.watermark = self.watermark.max(self.chain.watermark);
            let next = scanner.find(stop.position + 8, segment.end(), &self.chain)?;
            if is_last {
                self.hear_witnesses(&mut scanner, next, stop.position)?;
                let torn = !matches!(bad, Bad::Refused(_));
                if torn && stop.position >= self.watermark {
                    (self.end, self.sealed) = (stop.position, stop.sealed);
                    return Ok(());
                }
                // Beside a writer at work the frame may have become whole since it was read.
                if retried != Some(stop.position) {
                    scanner.refresh();
                    (position, retried) = (stop.position, Some(stop.position));
                    if !stop.sealed {
                        continue;
                    }
                }
            }
            let resume = next.map_or(segment.end(), |header| header.position);
            self.blame_frame(segment, stop, bad, resume);
            if next.is_none() {
                (self.end, self.sealed) = (segment.end(), true);
                return Ok(());
            }
            position = resume;
        }
    }

    /// Walks on; behind damage it first notes the sequences that are gone.
    fn walk(
        &mut self,
        scanner: &mut Scanner<'_>,
        position: u64,
        visit: &mut Visit<'_>,
    ) -> Result<Stop, LogError> {
        let Some(damage) = self.damage.last_mut() else {
            return scanner.walk(position, &mut self.chain, visit);
        };
        // A gap is a gap only while frames around it are missing: the chain is checked frame by
        // frame against what it would be if the missing sequences had been read.
        let chain = &mut self.chain;
        let mut position = position;
        loop {
            if let Some(header) = scanner.find(position, position + 8, chain)? {
                let next = chain.next(header.bus);
                if header.event_count > 0 && header.first_sequence > next {
                    let sequences = next..header.first_sequence;
                    damage.missing.push(MissingEvents {
                        bus: header.bus,
                        sequences,
                    });
                    chain.next.insert(header.bus, header.first_sequence);
                }
            }
            match scanner.step(position, chain, visit)? {
                Ok(next) => position = next,
                Err(stop) => return Ok(stop),
            }
        }
    }

    /// Raises the watermark to the highest one of the headers behind `position`.
    fn hear_witnesses(
        &mut self,
        scanner: &mut Scanner<'_>,
        first: Option<FrameHeader>,
        position: u64,
    ) -> Result<(), LogError> {
        let limit = position.saturating_add(WITNESS_REACH);
        let mut witness = first.filter(|header| header.position < limit);
        while let Some(header) = witness {
            self.watermark = self.watermark.max(header.watermark);
            witness = scanner.find(header.position + 8, limit, &self.chain)?;
        }
        Ok(())
    }

    fn blame_frame(&mut self, segment: &Segment, stop: Stop, bad: Bad, resume: u64) {
        self.blame(segment.path.clone(), stop.position..resume, bad.reason());
        if let (Bad::Body(header), Some(damage)) = (bad, self.damage.last_mut())
            && header.event_count > 0
        {
            let sequences = header.first_sequence..header.first_sequence + u64::from(header.event_count);
            damage.missing.push(MissingEvents {
                bus: header.bus,
                sequences: sequences.clone(),
            });
            self.chain.next.insert(header.bus, sequences.end);
        }
    }

    fn blame(&mut self, segment: std::path::PathBuf, positions: Range<u64>, reason: &'static str) {
        self.damage.push(Damage {
            segment,
            positions,
            reason,
            missing: Vec::new(),
        });
    }
}
