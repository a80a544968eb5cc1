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
use super::hole::{Extent, Hole};
use super::ids::BusId;
use super::index::{self, Of};
use super::quarantine;
use super::scan::{Bad, Scanner, Stop, Visit};
use super::segment::{self, BadSegment, Segment};
use super::snapshot::{self, Base};
use super::supers::SlotsRead;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How far behind the end of the log witnesses are looked for: no write in flight reaches further.
const WITNESS_REACH: u64 = 64 << 20;

/// What a log holds.
pub(crate) struct Survey {
    /// The identity of the log.
    pub(crate) uuid: Uuid,
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
    /// What each damage left behind, in the same order.
    pub(crate) holes: Vec<Hole>,
    /// How many damages there were when a bus was last read.
    heard: HashMap<BusId, usize>,
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
        uuid: slot.uuid,
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
        holes: Vec::new(),
        heard: HashMap::new(),
    };
    let evidence = Evidence { files, dir, slot };
    for (index, base) in bases.iter().copied().enumerate() {
        let is_last = index + 1 == bases.len();
        survey.join(&evidence, base)?;
        // A segment gets its name only after everything before it was synced.
        survey.watermark = survey.watermark.max(base);
        let segment = match segment::open(files, dir, base, slot.uuid, write)? {
            Ok(segment) => segment,
            Err(BadSegment::Refused(error)) => return Err(error),
            Err(BadSegment::Damaged(reason)) => {
                let segment = evidence.presume(base, bases.get(index + 1).copied(), write)?;
                let header = base..segment.first_frame();
                survey.blame(segment.path.clone(), header, reason, Extent::Header);
                segment
            }
        };
        if base < read_from {
            (survey.end, survey.sealed) = (segment.end(), true);
            let len = segment
                .file
                .len()
                .map_err(LogError::io("measure", &segment.path))?;
            if len < segment.size {
                let missing = segment.base + len..segment.end();
                let reason = "the segment is shorter than its header says";
                survey.blame(segment.path.clone(), missing, reason, Extent::ToSeal);
            }
        } else {
            survey.starts.push(survey.chain.base(base));
            let before = survey.damage.len();
            survey.read(&segment, is_last, visit)?;
            if survey.damage.len() > before {
                survey.hear_index(&evidence, base);
            }
        }
        survey.segments.push(segment);
    }
    let covered = survey.damage.last().map_or(0, |last| last.positions.end);
    if survey.end < survey.watermark && covered < survey.watermark {
        survey.blame_absence(&evidence, survey.end..survey.watermark)?;
    }
    Ok(survey)
}

impl Survey {
    /// Checks that the segment at `base` begins where the one before it ends.
    fn join(&mut self, evidence: &Evidence<'_>, base: u64) -> Result<(), LogError> {
        if base < self.end {
            let path = segment::path(evidence.dir, base);
            return Err(LogError::Foreign {
                path,
                reason: "it overlaps the segment before it",
            });
        }
        if base > self.end {
            self.blame_absence(evidence, self.end..base)?;
        }
        // Who was there when the segment began may know more than what is left.
        if !self.damage.is_empty()
            && let Some(known) = evidence.snapshot(base)?
        {
            self.chain.catch_up(&known);
            self.settle(&known.next);
            self.holes.iter_mut().for_each(|hole| hole.is_known = true);
        }
        Ok(())
    }

    /// Takes in how far each bus came at least, and blames what is missing on the damage.
    fn hear(&mut self, known: &[(BusId, u64)]) {
        for (bus, next) in known {
            self.chain.hear(*bus, *next);
            self.assign();
        }
    }

    /// Takes in how far each bus has come behind all damage so far.
    fn settle(&mut self, known: &[(BusId, u64)]) {
        self.hear(known);
        let count = self.damage.len();
        self.heard.extend(known.iter().map(|(bus, _)| (*bus, count)));
    }

    /// Takes in what the index of a damaged segment knows of it.
    fn hear_index(&mut self, evidence: &Evidence<'_>, base: u64) {
        if let Some(known) = evidence.index(base) {
            self.settle(&known);
            let behind = self.holes.iter_mut().filter(|hole| hole.positions.start >= base);
            behind.for_each(|hole| hole.is_known = true);
        }
    }

    /// Assigns jumps of sequences to the newest damage since their bus was read that has room to record them.
    fn assign(&mut self) {
        for missing in std::mem::take(&mut self.chain.missing) {
            let since = self.heard.get(&missing.bus).copied().unwrap_or(0);
            let last = self.damage.len().saturating_sub(1);
            let has_room = |at: &usize| {
                let taken = self.damage.get(*at).map_or(0, |damage| damage.missing.len());
                self.holes.get(*at).is_some_and(|hole| hole.room() > taken)
            };
            let at = (since..=last).rev().find(has_room).unwrap_or(last);
            let Some(damage) = self.damage.get_mut(at) else {
                continue;
            };
            match damage.missing.last_mut() {
                Some(last) if last.bus == missing.bus && last.sequences.end == missing.sequences.start => {
                    last.sequences.end = missing.sequences.end;
                }
                _ => damage.missing.push(missing),
            }
        }
    }

    /// Presumes lost what damage without a witness can have held at most: the sequences of buses
    /// that were not read behind it. So none of them is given a second time.
    pub(crate) fn presume_lost(&mut self) {
        for at in 0..self.holes.len() {
            let Some(hole) = self.holes.get(at).filter(|hole| !hole.is_known) else {
                continue;
            };
            let (most, room) = (hole.most_events(self.watermark), hole.room());
            let mut quiet: Vec<BusId> = self.chain.next.keys().copied().collect();
            quiet.retain(|bus| self.heard.get(bus).copied().unwrap_or(0) <= at);
            quiet.sort_unstable();
            let Some(damage) = self.damage.get_mut(at) else {
                continue;
            };
            for bus in quiet.into_iter().filter(|_| most > 0) {
                if damage.missing.len() < room {
                    let next = self.chain.next(bus);
                    let sequences = next..next + most;
                    damage.missing.push(MissingEvents { bus, sequences });
                    self.chain.next.insert(bus, next + most);
                }
            }
        }
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
            // Nothing belongs behind a seal.
            let resume = if stop.sealed { segment.end() } else { resume };
            self.blame_frame(segment, stop, bad, resume);
            if resume == segment.end() {
                (self.end, self.sealed) = (segment.end(), true);
                return Ok(());
            }
            position = resume;
        }
    }

    /// Walks on; behind damage it notes the sequences that are gone.
    fn walk(
        &mut self,
        scanner: &mut Scanner<'_>,
        mut position: u64,
        visit: &mut Visit<'_>,
    ) -> Result<Stop, LogError> {
        if self.damage.is_empty() {
            return scanner.walk(position, &mut self.chain, visit);
        }
        loop {
            let mut bus = None;
            let stepped = scanner.step(position, &mut self.chain, &mut |header, records| {
                bus = Some(header.bus).filter(|_| header.event_count > 0);
                visit(header, records);
            })?;
            self.assign();
            if let Some(bus) = bus {
                self.heard.insert(bus, self.damage.len());
            }
            match stepped {
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
        let extent = match bad {
            Bad::Behind => Extent::BehindSeal,
            _ if resume == segment.end() => Extent::ToSeal,
            _ => Extent::Frames,
        };
        self.blame(segment.path.clone(), stop.position..resume, bad.reason(), extent);
        if let Bad::Body(header) = bad {
            let sequences = header.first_sequence..header.first_sequence + u64::from(header.event_count);
            if header.event_count > 0 {
                self.chain.hear(header.bus, sequences.start);
                self.chain.hear(header.bus, sequences.end);
                self.assign();
                self.heard.insert(header.bus, self.damage.len());
            }
            if let Some(hole) = self.holes.last_mut() {
                hole.is_known = header.end() >= resume;
            }
        }
    }

    fn blame_absence(&mut self, evidence: &Evidence<'_>, positions: Range<u64>) -> Result<(), LogError> {
        let base = positions.start;
        let within = positions.clone();
        let path = segment::path(evidence.dir, base);
        self.blame(path, positions, "the segment is missing", Extent::Segment);
        for position in snapshot::list(evidence.files, evidence.dir)? {
            if within.contains(&position)
                && let Some(known) = evidence.snapshot(position)?
            {
                self.chain.catch_up(&known);
                self.hear(&known.next);
            }
        }
        // There may be more behind its first segment, which is the one that the index knows.
        if let Some(known) = evidence.index(base) {
            self.hear(&known);
        }
        Ok(())
    }

    fn blame(&mut self, segment: PathBuf, positions: Range<u64>, reason: &'static str, extent: Extent) {
        self.holes.push(Hole {
            is_known: matches!(extent, Extent::Header | Extent::BehindSeal),
            link: self.chain.link(positions.start),
            opening: self.chain.opening(),
            positions: positions.clone(),
            extent,
        });
        self.chain.break_off();
        self.damage.push(Damage {
            segment,
            positions,
            reason,
            missing: Vec::new(),
        });
    }
}

/// What is known about a damaged log beside its frames.
struct Evidence<'s> {
    files: &'s dyn Files,
    dir: &'s Path,
    slot: Slot,
}

impl Evidence<'_> {
    /// What was known at the start of the segment at `base`, if a snapshot was taken there.
    fn snapshot(&self, base: u64) -> Result<Option<Base>, LogError> {
        let found = snapshot::load(self.files, self.dir, self.slot.uuid, base)?;
        Ok(found.map(|found| found.base))
    }

    /// The next sequences behind the segment at `base`, as far as its index names their buses. Where
    /// a repair was cut short it has moved the index aside.
    fn index(&self, base: u64) -> Option<Vec<(BusId, u64)>> {
        let of = Of {
            uuid: self.slot.uuid,
            base,
        };
        let beside = segment::path(self.dir, base).with_extension("idx");
        let aside = quarantine::index(self.dir, base);
        [beside, aside]
            .iter()
            .find_map(|path| index::ends(self.files, path, of).ok())
    }

    /// The segment at `base`, whose header cannot be read, as its neighbours say it must be.
    fn presume(&self, base: u64, next: Option<u64>, write: bool) -> Result<Segment, LogError> {
        let path = segment::path(self.dir, base);
        let file = self
            .files
            .open(&path, write)
            .map_err(LogError::io("open", &path))?;
        let len = file.len().map_err(LogError::io("measure", &path))?;
        let least = self.slot.watermark.saturating_sub(base).max(segment::LEAST_SIZE);
        let size = match next {
            Some(next) => next - base,
            None => len.max(least).next_multiple_of(segment::HEADER_LEN),
        };
        Ok(Segment {
            path,
            base,
            size,
            file,
        })
    }
}
