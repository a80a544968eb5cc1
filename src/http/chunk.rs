//! The next events of a bus, never skipping any in silence.

use crate::api::Gap;
use crate::log::BusId;
use crate::log::Log;
use crate::log::LogError;
use crate::log::StoredEvent;
use crate::problem::Problem;

/// What comes next on a bus.
pub(super) enum Chunk {
    /// Events in order, the first one at the place asked for; none at the end of the bus.
    Events(Vec<StoredEvent>),
    /// Events that are missing at the place asked for, and where to go on.
    Gap(Gap, u64),
}

/// Reads from the sequence `from` on. Blocking.
pub(super) fn read(log: &Log, bus: BusId, from: u64, events: usize, bytes: usize) -> Result<Chunk, Problem> {
    let from = from.max(1);
    // Before the read: what is appended afterwards is not missing.
    let next = log.next_sequence(bus);
    let events = match log.read(bus, from, events, bytes) {
        Err(LogError::Gap { sequences, .. }) => {
            return Ok(gap(sequences.start, sequences.end, "lost"));
        }
        read => read?,
    };
    let first = events.first().map_or(next, |event| event.sequence);
    if from < first && from < next {
        return Ok(gap(from, first, "retention"));
    }
    Ok(Chunk::Events(events))
}

fn gap(from: u64, next: u64, reason: &str) -> Chunk {
    let gap = Gap {
        from,
        to: next - 1,
        reason: reason.to_owned(),
    };
    Chunk::Gap(gap, next)
}
