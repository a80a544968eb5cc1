//! What is special about deliveries that were given back or sent again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// How a delivery goes over its route once more: the payload of a `redriven` record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Again {
    /// The transform of this generation is used, not of the one that accepted the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u64>,
    /// Number of the replay if it begins one; else the delivery stays the one it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<u64>,
    /// The event did not take the route when it was accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_guest: bool,
}

/// What of it holds for the attempts of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// The transform of this generation is used, not of the one that accepted the event.
    pub(super) generation: Option<u64>,
    /// Number of the replay; 0 for the first time the event goes over the route.
    pub(super) replay: u64,
}

/// The terms of those deliveries of a route that have special ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct AllTerms(BTreeMap<u64, Terms>);

impl AllTerms {
    pub(super) fn of(&self, sequence: u64) -> Terms {
        self.0.get(&sequence).copied().unwrap_or_default()
    }

    /// The delivery goes over its route once more.
    pub(super) fn begin(&mut self, sequence: u64, again: &Again) {
        let before = self.of(sequence);
        let terms = Terms {
            generation: again.generation,
            replay: again.replay.unwrap_or(before.replay),
        };
        self.put(sequence, terms);
    }

    /// The delivery is dead: what is given back later is still the same delivery.
    pub(super) fn bury(&mut self, sequence: u64) {
        let terms = Terms {
            generation: None,
            ..self.of(sequence)
        };
        self.put(sequence, terms);
    }

    /// The delivery has ended.
    pub(super) fn end(&mut self, sequence: u64) {
        self.0.remove(&sequence);
    }

    /// All deliveries that are not dead have ended.
    pub(super) fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        self.0.retain(|sequence, _| keep(*sequence));
    }

    pub(super) fn put(&mut self, sequence: u64, terms: Terms) {
        if terms == Terms::default() {
            self.0.remove(&sequence);
        } else {
            self.0.insert(sequence, terms);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Terms)> {
        self.0.iter().map(|(sequence, terms)| (*sequence, *terms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_stays_one_over_its_death_and_redrive_and_ends_with_it() {
        let mut all = AllTerms::default();
        let again = Again {
            generation: Some(7),
            replay: Some(42),
            is_guest: false,
        };
        all.begin(1, &again);
        assert_eq!((all.of(1).generation, all.of(1).replay), (Some(7), 42));
        all.bury(1);
        assert_eq!((all.of(1).generation, all.of(1).replay), (None, 42));
        all.begin(1, &Again::default());
        assert_eq!(all.of(1).replay, 42);
        all.end(1);
        assert_eq!((all.of(1), all.len()), (Terms::default(), 0));
    }
}
