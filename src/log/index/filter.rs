//! A Bloom filter over the keys of one segment (Bloom 1970, CACM 13:7).
//!
//! Keys are cut from SHA-256, so their own bits are the hash functions.

use crate::log::ids::{BusId, DedupKey};

/// Bits for each key: with seven probes about one key in 120 that is absent passes.
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 7;

/// Says of a key that it is certainly absent, or may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// An empty filter for so many keys.
    pub(crate) fn sized_for(keys: usize) -> Self {
        Self {
            words: vec![0; (keys * BITS_PER_KEY).div_ceil(64).max(1)],
        }
    }

    /// A filter as it was stored.
    pub(crate) fn of_words(words: Vec<u64>) -> Option<Self> {
        (!words.is_empty()).then_some(Self { words })
    }

    /// What is stored of it.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds a key of a bus.
    pub(crate) fn add(&mut self, bus: BusId, key: DedupKey) {
        for bit in bits(bus, key, self.words.len()) {
            if let Some(word) = self.words.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether the key may have been added.
    pub(crate) fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        let mut bits = bits(bus, key, self.words.len());
        bits.all(|bit| {
            self.words
                .get(bit / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 == 1)
        })
    }
}

/// The places of a key: double hashing over its two halves (Kirsch and Mitzenmacher 2006).
fn bits(bus: BusId, key: DedupKey, words: usize) -> impl Iterator<Item = usize> {
    let total = (words as u64) * 64;
    let mixed = key.0 ^ u128::from(bus.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let (low, high) = (
        u64::try_from(mixed & u128::from(u64::MAX)).unwrap_or_default(),
        u64::try_from(mixed >> 64).unwrap_or_default() | 1,
    );
    (0..PROBES).map(move |probe| {
        let bit = low.wrapping_add(high.wrapping_mul(u64::from(probe))) % total;
        usize::try_from(bit).unwrap_or_default()
    })
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
        assert!(wrong < 300, "{wrong} of 10,000");
        assert_eq!(Filter::of_words(filter.words().to_vec()), Some(filter));
    }
}
