//! Checking a log offline: everything is read, nothing is changed.

use super::damage::Damage;
use super::error::LogError;
use super::files::lock::DirLock;
use super::files::{Disk, Files};
use super::format::body::Records;
use super::format::frame::{FrameHeader, FrameKind};
use super::ids::BusId;
use super::index::{self, Memory, Of};
use super::recovery;
use super::scan::Scanner;
use super::segment;
use super::snapshot;
use super::supers;
use super::survey::{Scope, Survey, survey};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Told from time to time how many bytes of how many were read.
pub type Progress<'p> = dyn FnMut(u64, u64) + 'p;

/// What [`verify`] found. The log is sound when `damage` is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// A process had the log open: only what was durable when it was read was checked.
    pub in_use: bool,
    /// Segment files.
    pub segments: usize,
    /// Good frames.
    pub frames: u64,
    /// Good events.
    pub events: u64,
    /// Good state records.
    pub states: u64,
    /// What became of the sequences of every bus.
    pub buses: BTreeMap<BusId, BusReport>,
    /// Acknowledged data that cannot be read, ascending by position.
    pub damage: Vec<Damage>,
    /// Bytes of an unfinished write behind the end, which opening the log would remove.
    pub torn_bytes: u64,
    /// Super slots that cannot be read; opening the log replaces one, two are damage.
    pub damaged_slots: u8,
    /// Indexes that are not what their segments say: to be deleted, the log builds them again.
    pub stale_indexes: Vec<PathBuf>,
    /// Snapshots that cannot be read or contradict the log. One is passed over; that none is left
    /// of a trimmed log is damage.
    pub bad_snapshots: Vec<PathBuf>,
}

/// What became of every sequence that a bus has given and the log still reaches back to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusReport {
    /// First to next.
    pub sequences: Range<u64>,
    /// How many of them were read.
    pub read: u64,
    /// Those that an earlier repair has put on record as lost.
    pub gaps: Vec<Range<u64>>,
    /// Those that the damage of now has cost.
    pub missing: Vec<Range<u64>>,
}

impl BusReport {
    /// Sequences of which nobody knows anything: 0, or the log is not to be trusted.
    #[must_use]
    pub fn unaccounted(&self) -> u64 {
        let len = |range: &Range<u64>| range.end - range.start;
        let lost = self.gaps.iter().chain(&self.missing).map(len).sum::<u64>();
        len(&self.sequences).saturating_sub(self.read + lost)
    }
}

/// Reads the whole log in the data directory `dir` and checks every byte below its end.
///
/// Blocking, changes nothing, and keeps a writer from starting meanwhile; beside a writer that
/// is already at work it reads up to what is durable. `progress` is told how many bytes of how many were read.
///
/// # Errors
/// Damage is not an error but data in the report. [`LogError::Io`], [`LogError::Foreign`] and
/// [`LogError::Unsupported`] say that the log could not be read to its end.
pub fn verify(dir: &Path, progress: &mut Progress<'_>) -> Result<VerifyReport, LogError> {
    let lock = DirLock::share(dir)?;
    let report = verify_with(&Disk, dir, lock.is_none(), progress);
    drop(lock);
    report
}

/// [`verify`] on any files.
pub(crate) fn verify_with(
    files: &dyn Files,
    dir: &Path,
    in_use: bool,
    progress: &mut Progress<'_>,
) -> Result<VerifyReport, LogError> {
    let slots = supers::read(files, dir)?;
    let mut report = VerifyReport {
        in_use,
        damaged_slots: slots.damaged,
        ..VerifyReport::default()
    };
    let Some(slot) = slots.newest else {
        report.damage.push(supers::unreadable(dir));
        return Ok(report);
    };
    let scope = Scope {
        slots: &slots,
        slot,
        write: false,
        from: None,
    };
    let size = Size::of(files, dir)?;
    let mut indexes = Indexes::new(files, dir, slot.uuid);
    let survey = survey(files, dir, &scope, &mut |header, records| {
        report.count(header, &records);
        indexes.add(header, &records);
        progress(size.until(header.end()), size.len);
    })?;
    report.stale_indexes = indexes.stale?;
    let is_damaged = |path: &PathBuf| {
        survey
            .damage
            .iter()
            .any(|damage| damage.segment.with_extension("idx") == *path)
    };
    // Of a damaged segment the index may know more.
    report.stale_indexes.retain(|path| !is_damaged(path));
    if let Some(last) = survey.segments.last().filter(|_| !in_use && !survey.sealed) {
        report.torn_bytes = Scanner::new(last).dirty_end(survey.end)? - survey.end;
    }
    report.segments = survey.segments.len();
    report.bad_snapshots = bad_snapshots(files, dir, &survey)?;
    for (bus, next) in &survey.chain.next {
        report.buses.entry(*bus).or_default().reach(0, *next);
    }
    report.damage = survey.damage;
    match recovery::start(files, dir, slot, slots.watermark) {
        Ok(_) => {}
        Err(LogError::Corrupt { damage }) => report.damage.extend(damage),
        Err(error) => return Err(error),
    }
    for missing in report.damage.iter().flat_map(|damage| &damage.missing) {
        let bus = report.buses.entry(missing.bus).or_default();
        bus.reach(missing.sequences.start, missing.sequences.end);
        bus.missing.push(missing.sequences.clone());
    }
    Ok(report)
}

impl VerifyReport {
    fn count(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.frames += 1;
        self.events += records.events.len() as u64;
        self.states += records.states.len() as u64;
        let count = u64::from(header.event_count);
        if count > 0 {
            let bus = self.buses.entry(header.bus).or_default();
            bus.reach(header.first_sequence, header.first_sequence + count);
            bus.read += count;
        }
        for (bus, lost) in records.states.iter().filter_map(|state| state.gap()?.ok()) {
            let bus = self.buses.entry(bus).or_default();
            bus.reach(lost.start, lost.end);
            bus.gaps.push(lost);
        }
    }
}

impl BusReport {
    /// Takes sequences in; a first one of 0 is not known.
    fn reach(&mut self, first: u64, next: u64) {
        let Range { start, end } = &mut self.sequences;
        if *start == 0 || (1..*start).contains(&first) {
            *start = first;
        }
        *end = next.max(*end);
        if *start == 0 {
            *start = *end;
        }
    }
}

/// Where the log begins and how many bytes it has.
pub(crate) struct Size {
    start: u64,
    pub(crate) len: u64,
}

impl Size {
    /// Looks at names and at the length of the last segment.
    pub(crate) fn of(files: &dyn Files, dir: &Path) -> Result<Self, LogError> {
        let bases = segment::list(files, dir)?;
        let (Some(start), Some(last)) = (bases.first().copied(), bases.last().copied()) else {
            return Ok(Self { start: 0, len: 0 });
        };
        let path = segment::path(dir, last);
        let file = files.open(&path, false).map_err(LogError::io("open", &path))?;
        let len = file.len().map_err(LogError::io("measure", &path))?;
        Ok(Self {
            start,
            len: last + len - start,
        })
    }

    /// Bytes before `position`.
    pub(crate) fn until(&self, position: u64) -> u64 {
        position.saturating_sub(self.start).min(self.len)
    }
}

/// Builds the index of each segment again and compares it with the one on disk.
struct Indexes<'f> {
    files: &'f dyn Files,
    dir: &'f Path,
    uuid: Uuid,
    memory: Memory,
    /// The segment begins here, once a frame of it was read.
    base: Option<u64>,
    bases: Vec<u64>,
    stale: Result<Vec<PathBuf>, LogError>,
}

impl<'f> Indexes<'f> {
    fn new(files: &'f dyn Files, dir: &'f Path, uuid: Uuid) -> Self {
        let (bases, stale) = match segment::list(files, dir) {
            Ok(bases) => (bases, Ok(Vec::new())),
            Err(error) => (Vec::new(), Err(error)),
        };
        Self {
            files,
            dir,
            uuid,
            memory: Memory::default(),
            base: None,
            bases,
            stale,
        }
    }

    fn add(&mut self, header: &FrameHeader, records: &Records<'_>) {
        let before = self.bases.partition_point(|base| *base <= header.position);
        let base = before.checked_sub(1).and_then(|at| self.bases.get(at)).copied();
        if base != self.base {
            // The seal of the one before was not read: it is damaged.
            (self.base, self.memory) = (base, Memory::default());
        }
        self.memory.add_scanned(header, records);
        if header.kind == FrameKind::Seal
            && let (Some(base), Ok(stale)) = (base, &mut self.stale)
        {
            let path = segment::path(self.dir, base).with_extension("idx");
            let of = Of {
                uuid: self.uuid,
                base,
            };
            match index::is_current(self.files, &path, of, &std::mem::take(&mut self.memory)) {
                Ok(Some(false)) => stale.push(path),
                Ok(_) => {}
                Err(source) => self.stale = Err(LogError::io("read", &path)(source)),
            }
        }
    }
}

/// The snapshots that cannot be read, or name other sequences than the log at their place.
fn bad_snapshots(files: &dyn Files, dir: &Path, survey: &Survey) -> Result<Vec<PathBuf>, LogError> {
    let mut bad = Vec::new();
    for position in snapshot::list(files, dir)? {
        let is_good = match snapshot::load(files, dir, survey.uuid, position)? {
            None => false,
            Some(found) => {
                let start = survey.starts.iter().find(|start| start.position == position);
                // A bus that was trimmed away is in the snapshot alone.
                start.is_none_or(|start| start.next.iter().all(|next| found.base.next.contains(next)))
            }
        };
        if !is_good {
            bad.push(snapshot::path(dir, position));
        }
    }
    Ok(bad)
}
