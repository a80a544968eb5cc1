//! The header block at the start of every segment file.

use super::input::Input;
use super::{SEGMENT_HEADER_BYTES, SEGMENT_HEADER_LEN, VERSION};
use bytes::BufMut as _;
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"TRMLSEG\n";
const BLOCK: usize = SEGMENT_HEADER_BYTES;
/// Bytes that the checksum covers; the rest of the block is zero.
const COVERED: usize = 44;

/// Which log a segment belongs to and which part of it the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The log's uuid.
    pub(crate) uuid: Uuid,
    /// Position of the first byte of the file.
    pub(crate) base: u64,
    /// Bytes of the file; `base + size` is the base of the next segment.
    pub(crate) size: u64,
}

/// Why a block is not the header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadSegmentHeader {
    /// Magic, checksum or zero rest do not fit.
    Broken,
    /// Written by a later version.
    Unsupported,
}

impl SegmentHeader {
    /// The whole block.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(BLOCK);
        block.put_slice(MAGIC);
        block.put_u32_le(u32::from(VERSION));
        block.put_slice(self.uuid.as_bytes());
        block.put_u64_le(self.base);
        block.put_u64_le(self.size);
        debug_assert_eq!(block.len(), COVERED, "header fields");
        let crc = crc32c::crc32c(&block);
        block.put_u32_le(crc);
        block.resize(BLOCK, 0);
        block
    }

    /// Reads a block and checks all of it.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, BadSegmentHeader> {
        use BadSegmentHeader::{Broken, Unsupported};
        let (covered, rest) = block.split_at_checked(COVERED).ok_or(Broken)?;
        let mut rest = Input::new(rest);
        let crc_fits = rest.u32() == Some(crc32c::crc32c(covered));
        if block.len() != BLOCK || !crc_fits || rest.rest().iter().any(|byte| *byte != 0) {
            return Err(Broken);
        }
        let mut input = Input::new(covered);
        if input.take(MAGIC.len()) != Some(MAGIC) {
            return Err(Broken);
        }
        if input.u32() != Some(u32::from(VERSION)) {
            return Err(Unsupported);
        }
        let fields = (|| Some((input.take(16)?, input.u64()?, input.u64()?)))();
        let (uuid, base, size) = fields.ok_or(Broken)?;
        let uuid = Uuid::from_slice(uuid).map_err(|_| Broken)?;
        let fits = size >= SEGMENT_HEADER_LEN * 2 && size.is_multiple_of(SEGMENT_HEADER_LEN);
        if !fits || base.checked_add(size).is_none() {
            return Err(Broken);
        }
        Ok(Self { uuid, base, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_reads_back_and_every_flipped_bit_is_found() {
        let header = SegmentHeader {
            uuid: Uuid::from_u128(5),
            base: 1 << 20,
            size: 1 << 16,
        };
        let good = header.encode();
        assert_eq!(SegmentHeader::decode(&good), Ok(header));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                SegmentHeader::decode(&bad),
                Err(BadSegmentHeader::Broken),
                "bit {bit}"
            );
        }
    }
}
