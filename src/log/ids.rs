//! The numbers by which the log knows buses, routes and repeated events.

use sha2::{Digest as _, Sha256};
use std::fmt;
use uuid::Uuid;

/// The number of a bus; never reused, and 0 means "no bus".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BusId(pub u32);

/// The number of a route; never reused, and 0 means "no route".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RouteId(pub u64);

/// What makes two events on one bus the same event; see [`dedup_key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DedupKey(pub u128);

impl fmt::Display for BusId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of an event: 128 bits of SHA-256 over the log's uuid, `source` and `id`.
///
/// Both strings are length-prefixed, so no two pairs share an input; the uuid keeps a
/// producer from finding collisions in advance. The key is stored: the function never changes.
#[must_use]
pub fn dedup_key(log: &Uuid, source: &str, id: &str) -> DedupKey {
    let mut hash = Sha256::new();
    hash.update(log.as_bytes());
    for part in [source, id] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let key = hash
        .finalize()
        .iter()
        .take(16)
        .fold(0_u128, |key, byte| (key << 8) | u128::from(*byte));
    DedupKey(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_from_source_to_id_changes_the_key() {
        let log = Uuid::nil();
        assert_ne!(dedup_key(&log, "ab", "c"), dedup_key(&log, "a", "bc"));
        assert_eq!(dedup_key(&log, "a", "b"), dedup_key(&log, "a", "b"));
        assert_ne!(dedup_key(&log, "a", "b"), dedup_key(&Uuid::max(), "a", "b"));
    }

    #[test]
    fn the_key_of_a_known_event_never_changes() {
        assert_eq!(
            dedup_key(&Uuid::nil(), "/shop", "o-1").0,
            0x2c10_2787_098e_f710_fbf0_7788_f883_e383
        );
    }
}
