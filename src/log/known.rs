//! Finding the stored events that a key names, within the dedup window.

use super::Log;
use super::error::LogError;
use super::ids::{BusId, DedupKey};
use super::index::{BadIndex, Lookup, Part};
use super::shared::Shared;
use std::collections::HashMap;
use std::sync::Arc;

/// What memory says about some keys.
#[derive(Default)]
pub(crate) struct Known {
    /// Sequences of those that are known.
    pub(crate) sequences: HashMap<DedupKey, u64>,
    /// Sealed segments that may hold others, the newest first.
    pub(crate) to_ask: Vec<(DedupKey, Arc<Part>)>,
}

impl Shared {
    /// Looks the keys up in the active segment and in the filters of those within the window.
    pub(crate) fn known(&self, bus: BusId, keys: &[DedupKey]) -> Known {
        let (now, oldest) = self.window();
        let index = self.index.read();
        let mut known = Known::default();
        let young = || {
            let parts = index.sealed().iter().rev();
            parts.take_while(|part| index.ages().is_younger(part.segment().end() - 1, oldest, now))
        };
        for key in keys {
            match index.active().key_of(bus, *key) {
                Some(sequence) => {
                    known.sequences.insert(*key, sequence);
                }
                None => known.to_ask.extend(
                    young()
                        .filter(|part| part.may_hold(bus, *key))
                        .map(|part| (*key, Arc::clone(part))),
                ),
            }
        }
        drop(index);
        known
            .sequences
            .retain(|_, sequence| self.is_remembered(bus, *sequence));
        known
    }

    /// Asks the sealed segments that may hold a key. Blocking.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub(crate) fn ask_sealed(
        &self,
        bus: BusId,
        to_ask: &[(DedupKey, Arc<Part>)],
    ) -> Result<HashMap<DedupKey, u64>, LogError> {
        let mut found = HashMap::new();
        for (key, part) in to_ask {
            if !found.contains_key(key)
                && let Some(sequence) = part.ask(|index| index.key(bus, *key))?
                && self.is_remembered(bus, sequence)
            {
                found.insert(*key, sequence);
            }
        }
        Ok(found)
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
    /// The sequence of the event with this key, when it is durable and within the dedup window. Blocking.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn find(&self, bus: BusId, key: DedupKey) -> Result<Option<u64>, LogError> {
        let shared = &self.inner.shared;
        let known = shared.known(bus, &[key]);
        match known.sequences.get(&key) {
            Some(sequence) => Ok(Some(*sequence)),
            None => Ok(shared.ask_sealed(bus, &known.to_ask)?.get(&key).copied()),
        }
    }
}
