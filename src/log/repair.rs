//! Repairing a log offline: damage is set aside and the log says what it cost.
//!
//! One segment after the other, each in steps that may be cut off and done again:
//!
//! 1. Every damaged range is copied to the quarantine, durably.
//! 2. The index is moved there too: until the end of step 3 it may know what the segment held.
//! 3. A new file is written beside the segment: its good bytes as they are, fillers in the place of
//!    the damage. It is synced and renamed over the segment, so there is no moment between.

use super::damage::{Damage, MissingEvents};
use super::error::LogError;
use super::files::lock::DirLock;
use super::files::{Disk, File, Files};
use super::format::segment::SegmentHeader;
use super::hole::{Extent, Hole};
use super::ids::BusId;
use super::quarantine;
use super::recovery;
use super::segment::{self, Segment};
use super::snapshot;
use super::supers;
use super::survey::{Scope, Survey, survey};
use super::verify::{Progress, Size};
use std::ops::Range;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const CHUNK: usize = 1 << 20;

/// What [`repair`] found and did. Nothing was changed when `repaired` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepairReport {
    /// The damage that is no more; what it cost is now on record as gaps. Where no witness is left
    /// of what a range held, as many sequences are given up as it can have held at most.
    pub repaired: Vec<Damage>,
    /// Where the damaged bytes are now.
    pub quarantined: Vec<PathBuf>,
}

/// Sets the damage of the log in the data directory `dir` aside, so that it opens again.
///
/// Events that can be read stay as they are; those that cannot become gaps, which readers are
/// told of. Blocking. May be repeated after it was cut off. Needs the room of one more segment.
/// `progress` is told how many bytes of how many were read; it reads the log twice.
///
/// # Errors
/// [`LogError::InUse`] while a process has the log open. [`LogError::Corrupt`] for damage that cannot
/// be set aside: unreadable super slots, a lost snapshot of a trimmed log.
pub fn repair(dir: &Path, progress: &mut Progress<'_>) -> Result<RepairReport, LogError> {
    // A directory that never was a log stays untouched.
    drop(DirLock::share(dir)?);
    let lock = DirLock::take(dir)?;
    let report = repair_with(&Disk, dir, progress);
    lock.release();
    report
}

/// [`repair`] on any files; the caller holds the lock.
pub(crate) fn repair_with(
    files: &dyn Files,
    dir: &Path,
    progress: &mut Progress<'_>,
) -> Result<RepairReport, LogError> {
    let mut survey = look(files, dir, progress)?;
    if survey.damage.is_empty() {
        return Ok(RepairReport::default());
    }
    survey.presume_lost();
    let mut repair = Repair {
        files,
        dir,
        uuid: survey.uuid,
        quarantined: Vec::new(),
    };
    let plan: Vec<Cut<'_>> = survey.holes.iter().zip(&survey.damage).collect();
    for cut in plan.iter().filter(|(hole, _)| hole.extent == Extent::Segment) {
        let has_next = survey
            .segments
            .iter()
            .any(|next| next.base == cut.0.positions.end);
        repair.replace(*cut, has_next)?;
    }
    for segment in &survey.segments {
        let within = segment.base..segment.end();
        let cuts: Vec<_> = plan
            .iter()
            .filter(|(hole, _)| hole.extent != Extent::Segment && within.contains(&hole.positions.start))
            .copied()
            .collect();
        if !cuts.is_empty() {
            repair.mend(segment, &cuts)?;
        }
    }
    let left = look(files, dir, progress)?.damage;
    if !left.is_empty() {
        return Err(LogError::Corrupt { damage: left });
    }
    Ok(RepairReport {
        repaired: survey.damage,
        quarantined: repair.quarantined,
    })
}

fn look(files: &dyn Files, dir: &Path, progress: &mut Progress<'_>) -> Result<Survey, LogError> {
    let slots = supers::read(files, dir)?;
    let slot = slots.newest.ok_or_else(|| LogError::Corrupt {
        damage: vec![supers::unreadable(dir)],
    })?;
    recovery::start(files, dir, slot, slots.watermark)?;
    let scope = Scope {
        slots: &slots,
        slot,
        write: false,
        from: None,
    };
    let size = Size::of(files, dir)?;
    survey(files, dir, &scope, &mut |header, _| {
        progress(size.until(header.end()), size.len);
    })
}

/// A hole and the damage that it is of.
type Cut<'s> = (&'s Hole, &'s Damage);

struct Repair<'s> {
    files: &'s dyn Files,
    dir: &'s Path,
    uuid: Uuid,
    quarantined: Vec<PathBuf>,
}

impl Repair<'_> {
    /// Replaces a segment by a copy without its damage.
    fn mend(&mut self, segment: &Segment, cuts: &[Cut<'_>]) -> Result<(), LogError> {
        for (hole, _) in cuts {
            let kept = quarantine::keep(self.files, self.dir, segment, &hole.positions)?;
            self.quarantined.push(kept);
        }
        let mut made = self.make(segment.base, segment.size)?;
        let mut at = segment.first_frame();
        for (hole, damage) in cuts {
            made.copy(segment, at..hole.positions.start)?;
            made.fill(hole, damage, &damage.missing)?;
            at = at.max(hole.positions.end);
        }
        made.copy(segment, at..segment.end())?;
        self.adopt(made)
    }

    /// Makes segments where there are none, so that every snapshot still stands at the start of one.
    fn replace(&mut self, (hole, damage): Cut<'_>, has_next: bool) -> Result<(), LogError> {
        let Range { start, mut end } = hole.positions;
        let step = segment::HEADER_LEN;
        if !has_next {
            // It ends with a seal behind everything that is known to have been synced.
            let size = (end - start + step).next_multiple_of(step);
            end = start + size.max(segment::LEAST_SIZE);
        }
        let mut ends = snapshot::list(self.files, self.dir)?;
        ends.retain(|at| *at > start && at + 2 * step <= end && at.is_multiple_of(step));
        ends.push(end);
        let mut part = hole.clone();
        let mut missing = damage.missing.clone();
        for end in ends {
            let known = snapshot::load(self.files, self.dir, self.uuid, end)?.map(|known| known.base);
            let later = known
                .as_ref()
                .map_or_else(Vec::new, |known| split_at(&mut missing, &known.next));
            part.positions.end = end;
            let mut made = self.make(part.positions.start, end - part.positions.start)?;
            made.fill(&part, damage, &missing)?;
            self.adopt(made)?;
            part.positions.start = end;
            missing = later;
            if let Some(known) = known {
                part.catch_up(&known);
            }
        }
        Ok(())
    }

    /// A segment to be, beside its name, with its header.
    fn make(&self, base: u64, size: u64) -> Result<Made, LogError> {
        let path = segment::path(self.dir, base).with_extension("seg.new");
        let file = self.files.create(&path).map_err(LogError::io("create", &path))?;
        let uuid = self.uuid;
        let header = SegmentHeader { uuid, base, size };
        let made = Made {
            segment: Segment {
                path,
                base,
                size,
                file,
            },
        };
        made.segment.write(base, &header.encode())?;
        Ok(made)
    }

    /// Gives a segment its name, in the place of the damaged one.
    fn adopt(&self, made: Made) -> Result<(), LogError> {
        let Segment {
            path,
            base,
            size,
            file,
        } = made.segment;
        stretch(&*file, size).map_err(LogError::io("write", &path))?;
        file.sync_all().map_err(LogError::io("sync", &path))?;
        quarantine::keep_index(self.files, self.dir, base)?;
        let folder = segment::folder(self.dir);
        let name = segment::path(self.dir, base);
        self.files
            .rename(&path, &name)
            .map_err(LogError::io("rename", &path))?;
        self.files
            .sync_dir(&folder)
            .map_err(LogError::io("sync", &folder))
    }
}

/// Leaves in `missing` what came before a snapshot that knows these next sequences; gives the rest.
fn split_at(missing: &mut Vec<MissingEvents>, known: &[(BusId, u64)]) -> Vec<MissingEvents> {
    let mut later = Vec::new();
    for gap in missing.iter_mut() {
        let next = known.iter().find(|(bus, _)| *bus == gap.bus);
        let next = next.map_or(1, |(_, next)| *next);
        let Range { start, end } = gap.sequences;
        let cut = next.clamp(start, end);
        gap.sequences.end = cut;
        let (bus, sequences) = (gap.bus, cut..end);
        later.push(MissingEvents { bus, sequences });
    }
    missing.retain(|gap| !gap.sequences.is_empty());
    later.retain(|gap| !gap.sequences.is_empty());
    later
}

/// Gives a file its length.
fn stretch(file: &dyn File, size: u64) -> std::io::Result<()> {
    if file.len()? < size {
        file.write_at(&[0], size - 1)?;
    }
    Ok(())
}

/// A segment that does not have its name yet.
struct Made {
    segment: Segment,
}

impl Made {
    /// Copies good bytes, as far as the other file reaches.
    fn copy(&mut self, from: &Segment, positions: Range<u64>) -> Result<(), LogError> {
        let mut buffer = vec![0; CHUNK];
        let mut at = positions.start;
        while at < positions.end {
            let len = CHUNK.min(usize::try_from(positions.end - at).unwrap_or(CHUNK));
            let (chunk, _) = buffer.split_at_mut(len);
            let read = from.file.read_at(chunk, at - from.base);
            let read = read.map_err(LogError::io("read", &from.path))?;
            let (chunk, _) = chunk.split_at(read);
            self.segment.write(at, chunk)?;
            if read < len {
                break;
            }
            at += len as u64;
        }
        Ok(())
    }

    fn fill(&mut self, hole: &Hole, damage: &Damage, missing: &[MissingEvents]) -> Result<(), LogError> {
        let frames = hole.frames(missing, damage.reason);
        let frames = frames.ok_or_else(|| LogError::Corrupt {
            damage: vec![damage.clone()],
        })?;
        frames
            .iter()
            .try_for_each(|(at, bytes)| self.segment.write(*at, bytes))
    }
}
