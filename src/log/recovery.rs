//! Opening: survey the log, refuse damage, make the end durable, start a new opening.
//!
//! Every step may be cut off and done again: nothing but zeros and bytes that are already
//! accepted is written over the log, and always in this order.
//!
//! 1. The survey finds the end X and the watermark W. X below W is damage: nothing is changed.
//! 2. The accepted bytes between W and X are written again as they are and everything behind X
//!    is zeroed; both are synced. After a failed sync the cache may show bytes that the disk
//!    never got, so a sync alone would prove nothing, and nor would reading zeros.
//! 3. A sealed or absent last segment gets its successor.
//! 4. Both super slots get the next `open` number, before any frame carries it.

use super::chain::Chain;
use super::config::LogConfig;
use super::damage::Damage;
use super::error::LogError;
use super::files::Files;
use super::format::segment::SegmentHeader;
use super::format::slot::Slot;
use super::scan::{Scanner, Visit};
use super::segment::{self, Segment, Segments};
use super::snapshot::{self, Base, Snapshot};
use super::supers::{self, SlotsRead, Supers};
use super::survey::{Scope, survey};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Behind the end, so many bytes are zeroed without looking: more than a group can hold.
const ZERO_BLINDLY: u64 = 32 << 20;
const CHUNK: usize = 1 << 20;

/// What opening the log found and did.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Segment files.
    pub segments: usize,
    /// Frames read, marks and seals included.
    pub frames: u64,
    /// Events read.
    pub events: u64,
    /// State records read.
    pub states: u64,
    /// The last process closed the log in order.
    pub clean: bool,
    /// Bytes of an unfinished write that were zeroed; none of it was acknowledged.
    pub torn_bytes: u64,
    /// Bytes above the last witness that were written and synced again.
    pub rewritten_bytes: u64,
    /// Super slots that could not be read and were replaced; 0 or 1.
    pub damaged_slots: u8,
    /// How long it took.
    pub duration: Duration,
}

/// What recovery hands to the writer: the one validated end of the log.
pub(crate) struct Recovered {
    /// The state behind the last frame.
    pub(crate) chain: Chain,
    /// The segment that takes the next frame.
    pub(crate) active: Arc<Segment>,
    /// Where the next frame goes; everything below is durable.
    pub(crate) position: u64,
    /// The slots, carrying this opening.
    pub(crate) supers: Supers,
    /// All segments, the active one included.
    pub(crate) segments: Segments,
    /// What is known at the start of each segment that was read, ascending.
    pub(crate) starts: Vec<Base>,
    /// What the log went on from.
    pub(crate) snapshot: Option<Base>,
    /// For the operator.
    pub(crate) report: Recovery,
}

/// Opens the log in `config.dir`, creating it when there is none; the caller holds the lock.
///
/// Every frame behind the newest snapshot is handed to `visit` in order. On return everything
/// visited is durable.
///
/// # Errors
/// [`LogError::Corrupt`], [`LogError::Foreign`] and [`LogError::Unsupported`] leave everything as
/// it was; after [`LogError::Io`] opening again continues where this left off.
pub(crate) fn recover(
    files: &dyn Files,
    config: &LogConfig,
    visit: &mut Visit<'_>,
) -> Result<Recovered, LogError> {
    let dir = &config.dir;
    let slots = supers::read(files, dir)?;
    let (slots, slot) = match slots.newest {
        Some(slot) => (slots, slot),
        None => found(files, dir, &slots)?,
    };
    let mut report = Recovery {
        clean: slot.clean,
        damaged_slots: slots.damaged,
        ..Recovery::default()
    };
    let snapshot = start(files, dir, slot, slots.watermark)?;
    let scope = Scope {
        slots: &slots,
        slot,
        write: true,
        from: snapshot.as_ref().map(|snapshot| &snapshot.base),
    };
    let survey = survey(files, dir, &scope, &mut |header, records| {
        report.frames += 1;
        report.events += records.events.len() as u64;
        report.states += records.states.len() as u64;
        visit(header, records);
    })?;
    if !survey.damage.is_empty() {
        return Err(LogError::Corrupt {
            damage: survey.damage,
        });
    }
    let (end, chain) = (survey.end, survey.chain);
    if let Some(last) = survey.segments.last() {
        let from = survey.watermark.clamp(last.base, end);
        let clean = slot.clean && slot.watermark == end;
        repair(last, from..end, clean, &mut report)?;
    }
    let segments = Segments::default();
    let mut active = None;
    for segment in survey.segments {
        let segment = Arc::new(segment);
        segments.add(Arc::clone(&segment));
        active = Some(segment);
    }
    let mut starts = survey.starts;
    let (active, position) = if let Some(active) = active.filter(|_| !survey.sealed) {
        (active, end)
    } else {
        let active = first_segment(files, config, slot.uuid, end)?;
        starts.push(chain.base(end));
        segments.add(Arc::clone(&active));
        let position = active.first_frame();
        (active, position)
    };
    let supers = begin(files, dir, &slots, slot, position)?;
    remove_given_up(files, dir, slot.start)?;
    report.segments = segments.count();
    Ok(Recovered {
        chain,
        active,
        position,
        supers,
        segments,
        starts,
        snapshot: snapshot.map(|snapshot| snapshot.base),
        report,
    })
}

/// The snapshot to go on from: the newest that a segment follows; none for a young log.
///
/// # Errors
/// [`LogError::Corrupt`] when the log was trimmed and no snapshot can be read.
pub(crate) fn start(
    files: &dyn Files,
    dir: &Path,
    slot: Slot,
    watermark: u64,
) -> Result<Option<Snapshot>, LogError> {
    let bases = segment::list(files, dir)?;
    let fits = |position: u64| position <= watermark && bases.binary_search(&position).is_ok();
    let found = snapshot::newest(files, dir, slot.uuid, fits)?;
    if slot.start > 0 && found.is_none() {
        return Err(LogError::Corrupt {
            damage: vec![Damage {
                segment: segment::path(dir, slot.start),
                positions: 0..slot.start,
                reason: "the segments before it were given up and no snapshot can be read",
                missing: Vec::new(),
            }],
        });
    }
    Ok(found)
}

/// Removes what a trim that was cut off left behind.
fn remove_given_up(files: &dyn Files, dir: &Path, start: u64) -> Result<(), LogError> {
    for base in segment::bases(files, dir)?
        .into_iter()
        .take_while(|base| *base < start)
    {
        segment::remove(files, &segment::path(dir, base))?;
    }
    Ok(())
}

/// Starts a log where there is none: both slots, before any segment exists.
fn found(files: &dyn Files, dir: &Path, slots: &SlotsRead) -> Result<(SlotsRead, Slot), LogError> {
    // Slots are written before the first segment. A slot torn at that moment reads as zeros: it is one sector.
    if slots.damaged > 0 || !segment::list(files, dir)?.is_empty() {
        return Err(LogError::Corrupt {
            damage: vec![supers::unreadable(dir)],
        });
    }
    let uuid = Uuid::new_v4();
    let slot = Slot {
        generation: 0,
        uuid,
        open: 0,
        salt: 0,
        open_position: 0,
        watermark: 0,
        start: 0,
        clean: false,
    };
    let mut supers = Supers::open(files, dir, slots, slot)?;
    supers.write(slot)?;
    supers.write(slot)?;
    let folder = segment::folder(dir);
    files
        .create_dir(&folder)
        .map_err(LogError::io("create", &folder))?;
    let slots = supers::read(files, dir)?;
    Ok((slots, supers.newest()))
}

/// The segment at `base`, made now because the log cannot go on without it.
fn first_segment(
    files: &dyn Files,
    config: &LogConfig,
    uuid: Uuid,
    base: u64,
) -> Result<Arc<Segment>, LogError> {
    let folder = segment::folder(&config.dir);
    files
        .create_dir(&folder)
        .map_err(LogError::io("create", &folder))?;
    let file = segment::prepare(files, &config.dir, config.segment_size)?;
    let header = SegmentHeader {
        uuid,
        base,
        size: config.segment_size,
    };
    segment::adopt(files, &config.dir, file, header).map(Arc::new)
}

/// Writes the next opening into both slots, so that either of them alone knows it.
fn begin(
    files: &dyn Files,
    dir: &Path,
    slots: &SlotsRead,
    slot: Slot,
    position: u64,
) -> Result<Supers, LogError> {
    let mut supers = Supers::open(files, dir, slots, slot)?;
    let next = Slot {
        open: slot.open + 1,
        salt: rand::random(),
        open_position: position,
        watermark: position,
        clean: false,
        ..slot
    };
    supers.write(next)?;
    supers.write(next)?;
    Ok(supers)
}

/// Makes the accepted bytes of the last segment durable and everything behind them zero.
fn repair(
    last: &Segment,
    unwitnessed: std::ops::Range<u64>,
    clean: bool,
    report: &mut Recovery,
) -> Result<(), LogError> {
    let end = unwitnessed.end;
    let mut scanner = Scanner::new(last);
    let dirty_end = scanner.dirty_end(end)?;
    report.torn_bytes = dirty_end - end;
    let len = last.file.len().map_err(LogError::io("measure", &last.path))?;
    if clean && dirty_end == end && len == last.size {
        return Ok(());
    }
    report.rewritten_bytes = unwitnessed.end - unwitnessed.start;
    let mut at = unwitnessed.start;
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        last.write(at, &last.read(at, len)?)?;
        at += len as u64;
    }
    let zeros = vec![0; CHUNK];
    let suspect = end.saturating_add(ZERO_BLINDLY).max(dirty_end);
    let zero_until = if len < last.size {
        last.end()
    } else {
        suspect.min(last.end())
    };
    while at < zero_until {
        let len = usize::try_from(zero_until - at).unwrap_or(CHUNK).min(CHUNK);
        let (chunk, _) = zeros.split_at(len);
        last.write(at, chunk)?;
        at += len as u64;
    }
    last.file.sync_all().map_err(LogError::io("sync", &last.path))
}
