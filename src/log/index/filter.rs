//! A blocked Bloom filter over the keys of one segment (Putze, Sanders, Singler 2007): all probes
//! of a key are in one cache line.
//!
//! Keys are cut from SHA-256, so their own bits are the hash functions.

use crate::log::ids::{BusId, DedupKey};

/// Bits for each key: about one key in 600 that is absent passes. Every pass costs a look at the
/// index, and every append asks the filters of all segments in the window.
const BITS_PER_KEY: usize = 16;
const PROBES: u32 = 7;
/// Words of a block: a cache line.
const BLOCK: usize = 8;
/// Bits that choose one of a block's bits.
const PROBE_BITS: u32 = 9;

/// Says of a key that it is certainly absent, or may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// An empty filter for so many keys.
    pub(crate) fn sized_for(keys: usize) -> Self {
        let blocks = (keys * BITS_PER_KEY).div_ceil(64 * BLOCK).max(1);
        Self {
            words: vec![0; blocks * BLOCK],
        }
    }

    /// A filter as it was stored.
    pub(crate) fn of_words(words: Vec<u64>) -> Option<Self> {
        (!words.is_empty() && words.len().is_multiple_of(BLOCK)).then_some(Self { words })
    }

    /// What is stored of it.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds a key of a bus.
    pub(crate) fn add(&mut self, bus: BusId, key: DedupKey) {
        let (block, bits) = self.place(bus, key);
        for bit in bits {
            if let Some(word) = self.words.get_mut(block + bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether the key may have been added.
    pub(crate) fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        let (block, mut bits) = self.place(bus, key);
        let words = self.words.get(block..block + BLOCK).unwrap_or_default();
        bits.all(|bit| {
            words
                .get(bit / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 == 1)
        })
    }

    /// The first word of a key's block, and its bits in it.
    fn place(&self, bus: BusId, key: DedupKey) -> (usize, impl Iterator<Item = usize> + use<>) {
        let mixed = key.0 ^ u128::from(bus.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let blocks = (self.words.len() / BLOCK) as u128;
        // The high half, scaled to the number of blocks.
        let block = ((mixed >> 64) * blocks) >> 64;
        let low = u64::try_from(mixed & u128::from(u64::MAX)).unwrap_or_default();
        let bits = (0..PROBES).map(move |probe| {
            let bit = (low >> (probe * PROBE_BITS)) & ((1 << PROBE_BITS) - 1);
            usize::try_from(bit).unwrap_or_default()
        });
        (usize::try_from(block).unwrap_or_default() * BLOCK, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_was_added_may_be_there_and_few_others() {
        let key = |n: u64| crate::log::dedup_key(&uuid::Uuid::nil(), "/filter", &n.to_string());
        let mut filter = Filter::sized_for(1_000);
        (0..1_000).for_each(|n| filter.add(BusId(1), key(n)));
        assert!((0..1_000).all(|n| filter.may_hold(BusId(1), key(n))));
        let wrong = (1_000..11_000)
            .filter(|n| filter.may_hold(BusId(1), key(*n)))
            .count();
        assert!(wrong < 60, "{wrong} of 10,000");
        assert_eq!(Filter::of_words(filter.words().to_vec()), Some(filter));
    }
}
