//! Checking a log offline: everything is read, nothing is changed.

use super::damage::Damage;
use super::error::LogError;
use super::files::lock::DirLock;
use super::files::{Disk, Files};
use super::ids::BusId;
use super::scan::Scanner;
use super::supers;
use super::survey::{Scope, survey};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

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
    /// Of every bus the sequences that the log accounts for: read, or named as missing in `damage`.
    pub buses: BTreeMap<BusId, Range<u64>>,
    /// Acknowledged data that cannot be read, ascending by position.
    pub damage: Vec<Damage>,
    /// Bytes of an unfinished write behind the end, which opening the log would remove.
    pub torn_bytes: u64,
    /// Super slots that cannot be read; opening the log replaces one, two are damage.
    pub damaged_slots: u8,
}

/// Reads the whole log in the data directory `dir` and checks every byte below its end.
///
/// Blocking, changes nothing, and keeps a writer from starting meanwhile; beside a writer that
/// is already at work it reads up to what is durable.
///
/// # Errors
/// Damage is not an error but data in the report. [`LogError::Io`], [`LogError::Foreign`] and
/// [`LogError::Unsupported`] say that the log could not be read to its end.
pub fn verify(dir: &Path) -> Result<VerifyReport, LogError> {
    let lock = DirLock::share(dir)?;
    let report = verify_with(&Disk, dir, lock.is_none());
    drop(lock);
    report
}

/// [`verify`] on any files.
pub(crate) fn verify_with(files: &dyn Files, dir: &Path, in_use: bool) -> Result<VerifyReport, LogError> {
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
    let mut first = BTreeMap::new();
    let scope = Scope {
        slots: &slots,
        slot,
        write: false,
        from: None,
    };
    let survey = survey(files, dir, &scope, &mut |header, records| {
        if header.event_count > 0 {
            first.entry(header.bus).or_insert(header.first_sequence);
        }
        report.frames += 1;
        report.events += records.events.len() as u64;
        report.states += records.states.len() as u64;
    })?;
    if let Some(last) = survey.segments.last().filter(|_| !in_use && !survey.sealed) {
        report.torn_bytes = Scanner::new(last).dirty_end(survey.end)? - survey.end;
    }
    report.segments = survey.segments.len();
    report.buses = survey
        .chain
        .next
        .iter()
        .map(|(bus, next)| (*bus, first.get(bus).copied().unwrap_or(1)..*next))
        .collect();
    report.damage = survey.damage;
    Ok(report)
}
