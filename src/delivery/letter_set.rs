//! Which dead letters of a route are open, and for which reason.

use std::collections::BTreeMap;
use std::io;

use bytes::Buf as _;
use bytes::BufMut as _;
use roaring::RoaringTreemap;

/// The open dead letters of one route, by code; compressed, so a million take no more than a few.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LetterSet {
    all: RoaringTreemap,
    by_code: BTreeMap<Box<str>, RoaringTreemap>,
}

impl LetterSet {
    /// The letter is open for this code, and no other.
    pub(super) fn insert(&mut self, sequence: u64, code: &str) {
        self.remove(sequence);
        self.all.insert(sequence);
        match self.by_code.get_mut(code) {
            Some(set) => drop(set.insert(sequence)),
            None => drop(
                self.by_code
                    .insert(code.into(), RoaringTreemap::from_iter([sequence])),
            ),
        }
    }

    /// The letter is no longer open; false if it was not.
    pub(super) fn remove(&mut self, sequence: u64) -> bool {
        let was_open = self.all.remove(sequence);
        if was_open {
            self.by_code.retain(|_, set| {
                set.remove(sequence);
                !set.is_empty()
            });
        }
        was_open
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.all.contains(sequence)
    }

    pub(super) fn len(&self) -> u64 {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The letters of a code, or all of them; none if there are none.
    pub(super) fn of(&self, code: Option<&str>) -> Option<&RoaringTreemap> {
        match code {
            Some(code) => self.by_code.get(code),
            None => Some(&self.all),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32_le(u32::try_from(self.by_code.len()).unwrap_or(u32::MAX));
        for (code, set) in &self.by_code {
            out.put_u16_le(u16::try_from(code.len()).unwrap_or(u16::MAX));
            out.put_slice(code.as_bytes());
            encode_set(set, out);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(super) fn decode(input: &mut &[u8]) -> Option<Self> {
        let mut letters = Self::default();
        for _ in 0..input.try_get_u32_le().ok()? {
            let len = usize::from(input.try_get_u16_le().ok()?);
            let (code, rest) = input.split_at_checked(len)?;
            *input = rest;
            let set = decode_set(input)?;
            letters.all |= &set;
            letters
                .by_code
                .insert(std::str::from_utf8(code).ok()?.into(), set);
        }
        Some(letters)
    }
}

/// Writes a set with its length before it.
pub(super) fn encode_set(set: &RoaringTreemap, out: &mut Vec<u8>) {
    out.put_u64_le(set.serialized_size() as u64);
    // Writing to memory does not fail.
    set.serialize_into(out).unwrap_or_default();
}

/// Reads what [`encode_set`] wrote.
pub(super) fn decode_set(input: &mut &[u8]) -> Option<RoaringTreemap> {
    let len = usize::try_from(input.try_get_u64_le().ok()?).ok()?;
    let (bytes, rest) = input.split_at_checked(len)?;
    *input = rest;
    RoaringTreemap::deserialize_from(io::Cursor::new(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_open_for_its_last_code_only() {
        let mut letters = LetterSet::default();
        letters.insert(1, "gone");
        letters.insert(2, "max-age");
        letters.insert(1, "max-age");
        assert_eq!((letters.len(), letters.of(Some("gone"))), (2, None));
        assert_eq!(letters.of(Some("max-age")).map(RoaringTreemap::len), Some(2));
        assert!(letters.remove(1) && !letters.remove(1));
        assert!(letters.contains(2) && !letters.contains(1));
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut letters = LetterSet::default();
        for sequence in 1..100 {
            letters.insert(sequence, if sequence % 3 == 0 { "gone" } else { "max-age" });
        }
        let mut out = Vec::new();
        letters.encode(&mut out);
        out.push(7);
        let mut input = out.as_slice();
        assert_eq!(LetterSet::decode(&mut input), Some(letters));
        assert_eq!(input, [7]);
        assert_eq!(LetterSet::decode(&mut out.get(..20).unwrap()), None);
    }
}
