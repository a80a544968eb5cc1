//! A super slot: the one place that is overwritten, in two copies by turns.

use super::VERSION;
use super::input::Input;
use bytes::BufMut as _;
use uuid::Uuid;

/// Bytes of a slot: one sector, so that a disk writes it whole or not at all.
pub(crate) const SLOT_LEN: usize = 512;

const MAGIC: &[u8; 8] = b"TRMLSUP\n";
const COVERED: usize = SLOT_LEN - 4;
const CLEAN: u32 = 1;

/// What must be known before the first frame is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Counts the writes of both slots; the higher one is newer.
    pub(crate) generation: u64,
    /// The log's uuid.
    pub(crate) uuid: Uuid,
    /// Number of the current opening.
    pub(crate) open: u64,
    /// Random number of that opening; its frames carry it.
    pub(crate) salt: u64,
    /// Where that opening began to write: frames from here on are its own, those below are not.
    pub(crate) open_position: u64,
    /// Everything below is synced.
    pub(crate) watermark: u64,
    /// Where the log begins: segments before it were given up, and are no loss.
    pub(crate) start: u64,
    /// The log was closed in order and ends at the watermark.
    pub(crate) clean: bool,
}

/// Why a slot cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadSlot {
    /// Absent, empty or zero: it was never written.
    Blank,
    /// Torn or rotten.
    Broken,
    /// Written by a later version.
    Unsupported,
}

impl Slot {
    /// The bytes of the slot.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SLOT_LEN);
        out.put_slice(MAGIC);
        out.put_u32_le(u32::from(VERSION));
        out.put_u32_le(if self.clean { CLEAN } else { 0 });
        out.put_u64_le(self.generation);
        out.put_slice(self.uuid.as_bytes());
        out.put_u64_le(self.open);
        out.put_u64_le(self.salt);
        out.put_u64_le(self.open_position);
        out.put_u64_le(self.watermark);
        out.put_u64_le(self.start);
        out.resize(COVERED, 0);
        let crc = crc32c::crc32c(&out);
        out.put_u32_le(crc);
        out
    }

    /// Reads a slot and checks all of it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadSlot> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(BadSlot::Blank);
        }
        let (covered, crc) = bytes.split_at_checked(COVERED).ok_or(BadSlot::Broken)?;
        if bytes.len() != SLOT_LEN || Input::new(crc).u32() != Some(crc32c::crc32c(covered)) {
            return Err(BadSlot::Broken);
        }
        let mut input = Input::new(covered);
        if input.take(MAGIC.len()) != Some(MAGIC) {
            return Err(BadSlot::Broken);
        }
        if input.u32() != Some(u32::from(VERSION)) {
            return Err(BadSlot::Unsupported);
        }
        let clean = match input.u32() {
            Some(0) => false,
            Some(CLEAN) => true,
            _ => return Err(BadSlot::Unsupported),
        };
        let slot = (|| {
            Some(Self {
                clean,
                generation: input.u64()?,
                uuid: Uuid::from_slice(input.take(16)?).ok()?,
                open: input.u64()?,
                salt: input.u64()?,
                open_position: input.u64()?,
                watermark: input.u64()?,
                start: input.u64()?,
            })
        })();
        if input.rest().iter().any(|byte| *byte != 0) {
            return Err(BadSlot::Unsupported);
        }
        slot.ok_or(BadSlot::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_reads_back_and_every_flipped_bit_is_found() {
        let slot = Slot {
            generation: 9,
            uuid: Uuid::from_u128(3),
            open: 4,
            salt: 77,
            open_position: 4096,
            watermark: 8192,
            start: 0,
            clean: true,
        };
        let good = slot.encode();
        assert_eq!(good.len(), SLOT_LEN);
        assert_eq!(Slot::decode(&good), Ok(slot));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Slot::decode(&bad), Err(BadSlot::Broken), "bit {bit}");
        }
        assert_eq!(Slot::decode(&[]), Err(BadSlot::Blank));
    }
}
