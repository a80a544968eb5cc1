//! Listing the frames of a log offline, for the operator and for tools.

use super::damage::{Damage, MissingEvents};
use super::error::LogError;
use super::files::Disk;
use super::files::lock::DirLock;
use super::format::frame::FrameKind;
use super::ids::BusId;
use super::supers;
use super::survey::{Scope, survey};
use super::verify::{Progress, Size};
use std::path::Path;
use uuid::Uuid;

/// One frame, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSummary {
    /// Where it is in the log.
    pub position: u64,
    /// Bytes, header included.
    pub len: u64,
    /// What it is for.
    pub kind: FrameKind,
    /// The opening that wrote it.
    pub open: u64,
    /// Everything below was synced when it was written.
    pub watermark: u64,
    /// Unix milliseconds.
    pub time_ms: i64,
    /// The bus of its events; 0 when it has none.
    pub bus: BusId,
    /// Sequence of its first event; 0 when it has none.
    pub first_sequence: u64,
    /// How many events it has.
    pub events: u16,
    /// How many state records it has.
    pub states: u32,
    /// The events that it puts on record as lost.
    pub gaps: Vec<MissingEvents>,
}

/// The log around the frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectReport {
    /// The identity of the log.
    pub uuid: Uuid,
    /// Number of the last opening.
    pub open: u64,
    /// The last opening was closed in order.
    pub clean: bool,
    /// Position behind the last frame.
    pub end: u64,
    /// Everything below is known to have been synced.
    pub watermark: u64,
    /// Ranges that were left out because they are damaged.
    pub damage: Vec<Damage>,
}

/// Hands every good frame of the log in the data directory `dir` to `f`, in order.
///
/// Blocking, changes nothing. Beside a writer at work it lists what it can read, which may
/// include frames that are not durable yet. `progress` is told how many bytes of how many were read.
///
/// # Errors
/// As [`verify`](super::verify()); a directory without a readable super slot is [`LogError::Corrupt`].
pub fn inspect(
    dir: &Path,
    progress: &mut Progress<'_>,
    f: &mut dyn FnMut(FrameSummary),
) -> Result<InspectReport, LogError> {
    // Where nobody ever opened a log there is none to list.
    drop(DirLock::share(dir)?);
    let slots = supers::read(&Disk, dir)?;
    let Some(slot) = slots.newest else {
        return Err(LogError::Corrupt {
            damage: vec![supers::unreadable(dir)],
        });
    };
    let scope = Scope {
        slots: &slots,
        slot,
        write: false,
        from: None,
    };
    let size = Size::of(&Disk, dir)?;
    let survey = survey(&Disk, dir, &scope, &mut |header, records| {
        progress(size.until(header.end()), size.len);
        let gaps = records.states.iter().filter_map(|state| state.gap()?.ok());
        let gaps = gaps.map(|(bus, sequences)| MissingEvents { bus, sequences });
        f(FrameSummary {
            position: header.position,
            len: header.frame_len(),
            kind: header.kind,
            open: header.open,
            watermark: header.watermark,
            time_ms: header.append_time,
            bus: header.bus,
            first_sequence: header.first_sequence,
            events: header.event_count,
            states: header.record_count - u32::from(header.event_count),
            gaps: gaps.collect(),
        });
    })?;
    Ok(InspectReport {
        uuid: slot.uuid,
        open: slot.open,
        clean: slot.clean,
        end: survey.end,
        watermark: survey.watermark,
        damage: survey.damage,
    })
}
