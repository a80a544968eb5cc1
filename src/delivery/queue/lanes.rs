//! The lanes of an ordered route: of each key one delivery at a time, in the order of the bus.

use std::collections::BTreeMap;
use std::collections::HashMap;

/// Lanes that have a delivery in flight or waiting for its next attempt.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_key: HashMap<u64, Lane>,
    /// The key of each delivery that is at the head of its lane.
    heads: HashMap<u64, u64>,
    /// Deliveries behind all heads, with their keys.
    behind: BTreeMap<u64, u64>,
    /// Held, and not on record as that; with their keys.
    unrecorded: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Lane {
    /// The head failed: what is behind it is held on record.
    is_failing: bool,
    /// Those behind it, and whether they are on record.
    behind: BTreeMap<u64, bool>,
}

impl Lanes {
    /// Takes a delivery in: true if it is at the head of its lane and may go, false if it is behind.
    pub(super) fn enter(&mut self, sequence: u64, key: u64) -> bool {
        let Some(lane) = self.by_key.get_mut(&key) else {
            let lane = Lane {
                is_failing: false,
                behind: BTreeMap::new(),
            };
            self.by_key.insert(key, lane);
            self.heads.insert(sequence, key);
            return true;
        };
        if lane.is_failing {
            self.unrecorded.push((sequence, key));
        }
        lane.behind.insert(sequence, lane.is_failing);
        self.behind.insert(sequence, key);
        false
    }

    /// A delivery waits for its next attempt: what is behind it is held.
    pub(super) fn fail(&mut self, sequence: u64) {
        let Some(key) = self.heads.get(&sequence) else {
            return;
        };
        let Some(lane) = self.by_key.get_mut(key) else {
            return;
        };
        lane.is_failing = true;
        for (sequence, is_recorded) in &mut lane.behind {
            if !std::mem::replace(is_recorded, true) {
                self.unrecorded.push((*sequence, *key));
            }
        }
    }

    /// The key of a delivery at the head of its lane.
    pub(super) fn key_of_head(&self, sequence: u64) -> Option<u64> {
        self.heads.get(&sequence).copied()
    }

    /// A delivery has ended; gives the next of its lane, which is at the head now, with the key.
    pub(super) fn leave(&mut self, sequence: u64) -> Option<(u64, u64)> {
        if let Some(key) = self.behind.remove(&sequence) {
            self.by_key.get_mut(&key)?.behind.remove(&sequence);
            return None;
        }
        let key = self.heads.remove(&sequence)?;
        let lane = self.by_key.get_mut(&key)?;
        let Some((next, _)) = lane.behind.pop_first() else {
            self.by_key.remove(&key);
            return None;
        };
        lane.is_failing = false;
        self.behind.remove(&next);
        self.heads.insert(next, key);
        Some((next, key))
    }

    /// Gives up all order: every delivery that is behind another one.
    pub(super) fn dissolve(&mut self) -> Vec<u64> {
        let behind = std::mem::take(self).behind;
        behind.into_keys().collect()
    }

    /// Deliveries that are held and not on record as that, with their keys.
    pub(super) fn take_unrecorded(&mut self) -> Vec<(u64, u64)> {
        let mut fresh = std::mem::take(&mut self.unrecorded);
        fresh.retain(|(sequence, _)| self.behind.contains_key(sequence));
        fresh
    }

    /// Deliveries that are behind another one, ascending.
    pub(super) fn behind(&self) -> impl Iterator<Item = u64> {
        self.behind.keys().copied()
    }

    /// How many of them there are.
    pub(super) fn len(&self) -> usize {
        self.behind.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_each_key_one_goes_at_a_time_in_order_and_other_keys_pass() {
        let mut lanes = Lanes::default();
        assert!(lanes.enter(1, 7));
        assert!(!lanes.enter(2, 7));
        assert!(lanes.enter(3, 8));
        assert!(!lanes.enter(4, 7));
        assert_eq!(lanes.leave(1), Some((2, 7)));
        assert!(!lanes.enter(5, 7));
        assert_eq!(lanes.leave(3), None);
        assert_eq!(
            (lanes.leave(2), lanes.leave(4), lanes.leave(5)),
            (Some((4, 7)), Some((5, 7)), None)
        );
        assert!(lanes.enter(6, 7));
    }

    #[test]
    fn what_is_behind_a_failing_head_is_recorded_once() {
        let mut lanes = Lanes::default();
        for sequence in 1..=3 {
            lanes.enter(sequence, 7);
        }
        assert!(
            lanes.take_unrecorded().is_empty(),
            "a head in flight holds nobody"
        );
        lanes.fail(1);
        assert_eq!(lanes.take_unrecorded(), [(2, 7), (3, 7)]);
        lanes.enter(4, 7);
        lanes.fail(1);
        assert_eq!(lanes.take_unrecorded(), [(4, 7)]);
        lanes.leave(1);
        lanes.enter(5, 7);
        lanes.fail(2);
        assert_eq!(lanes.take_unrecorded(), [(5, 7)]);
    }

    proptest! {
        /// Whatever enters, fails and leaves: each key in ascending order, one at a time, none forgotten.
        #[test]
        fn every_delivery_goes_once_in_the_order_of_its_key(
            keys in proptest::collection::vec(0..4_u64, 1..60),
            choices in proptest::collection::vec((0..3_u8, any::<usize>()), 0..400),
        ) {
            let key_of = |sequence: u64| keys[usize::try_from(sequence).unwrap()];
            let (mut lanes, mut going, mut gone) = (Lanes::default(), Vec::new(), Vec::new());
            let mut coming = (0_u64..).zip(keys.iter().copied());
            let mut choices = choices.into_iter();
            loop {
                let (what, which) = choices.next().unwrap_or((1, 0));
                match what {
                    0 => {
                        if let Some((sequence, key)) = coming.next() && lanes.enter(sequence, key) {
                            going.push(sequence);
                        }
                    }
                    1 if going.is_empty() => match coming.next() {
                        Some((sequence, key)) => {
                            if lanes.enter(sequence, key) {
                                going.push(sequence);
                            }
                        }
                        None => break,
                    },
                    1 => {
                        let ended = going.remove(which % going.len());
                        gone.push(ended);
                        going.extend(lanes.leave(ended).map(|(next, _)| next));
                    }
                    _ if going.is_empty() => {}
                    _ => lanes.fail(going[which % going.len()]),
                }
                let mut busy: Vec<_> = going.iter().map(|sequence| key_of(*sequence)).collect();
                busy.sort_unstable();
                busy.dedup();
                prop_assert_eq!(busy.len(), going.len(), "two of one key at a time");
            }
            prop_assert_eq!(lanes.len(), 0);
            for key in 0..4 {
                let of_key: Vec<_> = gone.iter().filter(|sequence| key_of(**sequence) == key).collect();
                prop_assert!(of_key.is_sorted(), "{:?}", of_key);
            }
            prop_assert_eq!(gone.len(), keys.len());
        }
    }
}
