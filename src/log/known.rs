//! Finding the stored events that a key names.
//!
//! Two looks: memory says at once of nearly every key that it is new; only of the others the
//! stored events are read, to be compared with what is offered.

use super::Log;
use super::dedup::Identity;
use super::error::LogError;
use super::event::{Cause, NewEvent};
use super::ids::{BusId, DedupKey};
use super::index::{BadIndex, Lookup, Part};
use super::shared::Shared;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A key that events within the dedup window may have.
pub(crate) struct Suspect {
    /// Its place among the keys that were looked up.
    pub(crate) place: usize,
    key: DedupKey,
    /// Events of the active segment that have it, ascending.
    active: Vec<u64>,
    /// Sealed segments that may hold others, the newest first.
    sealed: Vec<Arc<Part>>,
}

/// An event that may be a copy of a stored one.
pub(crate) struct Offered {
    pub(crate) cause: Option<Cause>,
    pub(crate) attributes: Bytes,
    pub(crate) data: Bytes,
}

impl From<&NewEvent> for Offered {
    fn from(event: &NewEvent) -> Self {
        Self {
            cause: event.cause,
            attributes: event.attributes.clone(),
            data: event.data.clone(),
        }
    }
}

impl Shared {
    /// Looks the keys up in the active segment and in the filters of those within the window.
    pub(crate) fn suspects(&self, bus: BusId, keys: &[DedupKey]) -> Vec<Suspect> {
        let (now, oldest) = self.window();
        let index = self.index.read();
        // Segments only get older, so once none of before the opening is young, none will be.
        let is_young = |part: &Arc<Part>| index.ages().is_younger(part.segment().end() - 1, oldest, now);
        let is_older = |part: &&Arc<Part>| part.segment().base < self.recent_from;
        let has_older = index.sealed().iter().rev().find(is_older).is_some_and(is_young);
        let mut suspects = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let active = index.active().sequences_of(bus, *key);
            let parts = index.sealed().iter().rev();
            let sealed: Vec<_> = parts
                .take_while(|part| is_young(part))
                .filter(|part| part.may_hold(bus, *key))
                .cloned()
                .collect();
            if !(active.is_empty() && sealed.is_empty()) {
                suspects.push(Suspect {
                    place,
                    key: *key,
                    active,
                    sealed,
                });
            }
        }
        drop(index);
        if !has_older {
            self.dedup.lock().has_older = false;
        }
        suspects
    }

    /// Whether the window reaches back to an event, by number and by age.
    fn is_remembered(&self, bus: BusId, sequence: u64) -> bool {
        let (now, oldest) = self.window();
        let index = self.index.read();
        let is_near = sequence.saturating_add(self.config.dedup_max_events as u64) >= index.next(bus);
        // The active segment's own frames are in memory; a whole sealed one counts by its youngest.
        let position = match index.active().frames_from(bus, sequence, 1) {
            Ok(frames)
                if frames
                    .first()
                    .is_some_and(|frame| frame.first_sequence <= sequence) =>
            {
                frames.first().map(|frame| frame.position)
            }
            _ => None,
        };
        is_near && position.is_none_or(|position| index.ages().is_younger(position, oldest, now))
    }

    /// The present and the beginning of the dedup window.
    pub(crate) fn window(&self) -> (i64, i64) {
        let now = self.at();
        let window = i64::try_from(self.config.dedup_window.as_millis()).unwrap_or(i64::MAX);
        (now, now.saturating_sub(window))
    }

    /// How long events are remembered: shorter than configured when a bus outgrows its limit.
    pub(crate) fn kept_ms(&self) -> i64 {
        let (now, oldest) = self.window();
        let index = self.index.read();
        let crowded = index.buses().into_iter().filter_map(|(bus, next)| {
            let first = next
                .checked_sub(self.config.dedup_max_events as u64)
                .filter(|first| *first > 1)?;
            let frames = index.active().frames_from(bus, first, 1).unwrap_or_default();
            let in_active = frames.first().filter(|frame| frame.first_sequence <= first);
            let holds = |part: &&Arc<Part>| {
                part.ask(|index| Ok::<_, BadIndex>(index.bus(bus)))
                    .is_ok_and(|entry| entry.is_some_and(|entry| (entry.first..entry.end).contains(&first)))
            };
            let position = in_active.map(|frame| frame.position).or_else(|| {
                let part = index.sealed().iter().rev().find(holds);
                part.map(|part| part.segment().base)
            })?;
            Some(index.ages().at(position, now))
        });
        now - crowded.max().unwrap_or(oldest).max(oldest)
    }
}

impl Log {
    /// The sequences of the durable events with this key, ascending, as far back as the log is
    /// kept. Blocking.
    ///
    /// A key is a hash: whoever asks for one event looks whether it is the one.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn keyed(&self, bus: BusId, key: DedupKey) -> Result<Vec<u64>, LogError> {
        let index = self.inner.shared.index.read();
        let sealed = Arc::clone(index.sealed());
        let in_active = index.active().sequences_of(bus, key);
        drop(index);
        let mut found = Vec::new();
        for part in sealed.iter().filter(|part| part.may_hold(bus, key)) {
            found.extend(part.ask(|index| index.keyed(bus, key))?);
        }
        found.extend(in_active);
        Ok(found)
    }

    /// The newest stored event within the dedup window that `offered` is a copy of. Blocking: it
    /// reads the events that have the key.
    ///
    /// # Errors
    /// When an index can be neither read nor built, or an event not be read.
    pub(super) fn original_of(
        &self,
        bus: BusId,
        suspect: &Suspect,
        offered: &Offered,
    ) -> Result<Option<u64>, LogError> {
        if let Some(sequence) = self.newest_same(bus, &suspect.active, offered)? {
            return Ok(Some(sequence));
        }
        for part in &suspect.sealed {
            let sequences = part.ask(|index| index.keyed(bus, suspect.key))?;
            if let Some(sequence) = self.newest_same(bus, &sequences, offered)? {
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }

    fn newest_same(&self, bus: BusId, sequences: &[u64], offered: &Offered) -> Result<Option<u64>, LogError> {
        let shared = &self.inner.shared;
        for sequence in sequences.iter().rev().copied() {
            if !shared.is_remembered(bus, sequence) {
                continue;
            }
            // What was trimmed since the index was asked cannot be a copy of anything.
            let Some(stored) = self.event(bus, sequence)? else {
                continue;
            };
            if Identity::from(&stored).is_that_of(&Identity::from(offered), shared.config.is_same_event) {
                if stored.data != offered.data {
                    shared.counters.differing_copies.fetch_add(1, Relaxed);
                }
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }
}
