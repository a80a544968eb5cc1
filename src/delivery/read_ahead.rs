//! Reading the events of a backlog many at a time, before their attempts.

use std::sync::Arc;

use super::engine::Shared;
use super::memory::Held;
use crate::log::BusId;
use crate::log::LogError;
use crate::log::StoredEvent;

/// Bytes of events that one route reads ahead at once: a window full of small events.
const READ_AHEAD: usize = 1 << 20;

impl Shared {
    /// The first of these events, as many as there is memory for. Blocking.
    ///
    /// Ends where one cannot be read. Neighbours on the bus are read together.
    pub(super) fn read_ahead(&self, bus: BusId, sequences: &[u64]) -> Vec<Arc<Held>> {
        let (mut held, mut bytes, mut left) = (Vec::new(), 0, sequences);
        while bytes < READ_AHEAD
            && let Ok(events) = self.read_run(bus, left, READ_AHEAD - bytes)
            && !events.is_empty()
        {
            left = left.get(events.len()..).unwrap_or_default();
            for event in events {
                let Some(event) = self.memory.hold(&event) else {
                    return held;
                };
                bytes += event.event.attributes.len() + event.event.data.len();
                held.push(event);
            }
        }
        held
    }

    /// The events of the first sequences that follow one another on the bus.
    fn read_run(
        &self,
        bus: BusId,
        sequences: &[u64],
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, LogError> {
        let Some(first) = sequences.first().copied() else {
            return Ok(Vec::new());
        };
        let run = sequences.iter().zip(first..);
        match run.take_while(|(sequence, next)| *sequence == next).count() {
            // One alone is read without its neighbours in the frame.
            1 => self.log.event(bus, first).map(Vec::from_iter),
            run => self.log.read(bus, first, run, max_bytes),
        }
    }
}
