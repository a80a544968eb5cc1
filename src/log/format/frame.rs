//! The header of a frame: 80 bytes with their own checksum.

use super::input::Input;
use super::{FRAME_HEADER_LEN, MAX_BODY, Refused, VERSION};
use crate::log::ids::BusId;
use bytes::BufMut as _;

/// First bytes of every frame: `TMfr`.
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"TMfr");

/// The length of the header as it is stored in it.
const STORED_LEN: u16 = 80;

/// Bytes of the header that its own checksum covers.
const COVERED: usize = FRAME_HEADER_LEN - 4;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameKind {
    /// One atomic append. Number 1.
    Append,
    /// Zeros in the place of damage that cost nothing, or no more than is recorded. Number 2.
    Pad,
    /// No content: it witnesses the watermark. Number 3.
    Mark,
    /// The last frame of its segment; also a witness. Number 4.
    Seal,
}

/// What the writer decides about a frame, and what it needs to be found and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// What the frame is for.
    pub(crate) kind: FrameKind,
    /// How many of its records are events; they come first.
    pub(crate) event_count: u16,
    /// The bus of its events; 0 when it has none.
    pub(crate) bus: BusId,
    /// Events and states together.
    pub(crate) record_count: u32,
    /// Bytes after the header, a multiple of 8.
    pub(crate) body_len: u32,
    /// Where the frame is in the endless log.
    pub(crate) position: u64,
    /// Number of the opening that wrote it.
    pub(crate) open: u64,
    /// Random number of that opening.
    pub(crate) salt: u64,
    /// Everything below was synced when the frame was written.
    pub(crate) watermark: u64,
    /// Sequence of its first event; 0 when it has none.
    pub(crate) first_sequence: u64,
    /// Unix milliseconds, never below those of the frame before.
    pub(crate) append_time: i64,
    /// CRC32C of the body.
    pub(crate) body_crc: u32,
}

/// Why 80 bytes are not the header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// Magic or checksum do not fit: never written, torn or rotten.
    Broken,
    /// The checksum fits and the content does not.
    Refused(Refused),
}

impl FrameHeader {
    /// Header and body together.
    pub(crate) fn frame_len(&self) -> u64 {
        FRAME_HEADER_LEN as u64 + u64::from(self.body_len)
    }

    /// The position behind the frame.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.frame_len()
    }

    /// The bytes of the header, checksum included.
    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER_LEN] {
        let mut bytes = [0; FRAME_HEADER_LEN];
        let (covered, mut crc) = bytes.split_at_mut(COVERED);
        let mut out = &mut *covered;
        out.put_u32_le(MAGIC);
        out.put_u8(VERSION);
        out.put_u8(match self.kind {
            FrameKind::Append => 1,
            FrameKind::Pad => 2,
            FrameKind::Mark => 3,
            FrameKind::Seal => 4,
        });
        out.put_u16_le(0); // flags: none defined
        out.put_u16_le(STORED_LEN);
        out.put_u16_le(self.event_count);
        out.put_u32_le(self.bus.0);
        out.put_u32_le(self.record_count);
        out.put_u32_le(self.body_len);
        out.put_u64_le(self.position);
        out.put_u64_le(self.open);
        out.put_u64_le(self.salt);
        out.put_u64_le(self.watermark);
        out.put_u64_le(self.first_sequence);
        out.put_i64_le(self.append_time);
        out.put_u32_le(self.body_crc);
        crc.put_u32_le(crc32c::crc32c(covered));
        bytes
    }

    /// Reads a header and checks everything that can be checked without its surroundings.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER_LEN]) -> Result<Self, BadHeader> {
        let (covered, crc) = bytes.split_at(COVERED);
        if !bytes.starts_with(&MAGIC.to_le_bytes()) || Input::new(crc).u32() != Some(crc32c::crc32c(covered))
        {
            return Err(BadHeader::Broken);
        }
        let header = Self::fields(&mut Input::new(covered)).map_err(BadHeader::Refused)?;
        header
            .check_shape()
            .map_err(|why| BadHeader::Refused(Refused::Malformed(why)))?;
        Ok(header)
    }

    fn fields(input: &mut Input<'_>) -> Result<Self, Refused> {
        const SHORT: Refused = Refused::Malformed("frame header is short");
        input.take(4).ok_or(SHORT)?;
        if input.u8() != Some(VERSION) {
            return Err(Refused::Unsupported("frame version"));
        }
        let kind = match input.u8() {
            Some(1) => FrameKind::Append,
            Some(2) => FrameKind::Pad,
            Some(3) => FrameKind::Mark,
            Some(4) => FrameKind::Seal,
            _ => return Err(Refused::Unsupported("frame kind")),
        };
        if input.u16() != Some(0) {
            return Err(Refused::Unsupported("frame flags"));
        }
        if input.u16() != Some(STORED_LEN) {
            return Err(Refused::Unsupported("frame header length"));
        }
        (|| {
            Some(Self {
                kind,
                event_count: input.u16()?,
                bus: BusId(input.u32()?),
                record_count: input.u32()?,
                body_len: input.u32()?,
                position: input.u64()?,
                open: input.u64()?,
                salt: input.u64()?,
                watermark: input.u64()?,
                first_sequence: input.u64()?,
                append_time: input.i64()?,
                body_crc: input.u32()?,
            })
        })()
        .ok_or(SHORT)
    }

    fn check_shape(&self) -> Result<(), &'static str> {
        let events = u32::from(self.event_count);
        let table = u64::from(self.record_count) * 8;
        if !self.position.is_multiple_of(8) || !self.body_len.is_multiple_of(8) {
            return Err("frame is not aligned");
        }
        if self.body_len as usize > MAX_BODY {
            return Err("frame body is above 16 MiB");
        }
        if self.watermark > self.position {
            return Err("frame witnesses bytes behind itself");
        }
        if events > self.record_count || table > u64::from(self.body_len) {
            return Err("frame counts more records than it has room for");
        }
        if (events == 0) != (self.bus == BusId(0)) || (events == 0) != (self.first_sequence == 0) {
            return Err("frame names a bus without events or events without a bus");
        }
        let has_records = self.kind == FrameKind::Append;
        let may_have_body = has_records || self.kind == FrameKind::Pad;
        if has_records != (self.record_count > 0)
            || (has_records && self.body_len == 0)
            || (!may_have_body && self.body_len > 0)
        {
            return Err("frame of this kind has the wrong content");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> FrameHeader {
        FrameHeader {
            kind: FrameKind::Append,
            event_count: 2,
            bus: BusId(7),
            record_count: 3,
            body_len: 4096,
            position: 8192,
            open: 4,
            salt: 0xfeed,
            watermark: 4096,
            first_sequence: 11,
            append_time: 1_700_000_000_000,
            body_crc: 99,
        }
    }

    #[test]
    fn a_header_reads_back() {
        assert_eq!(FrameHeader::decode(&header().encode()), Ok(header()));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let good = header().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHeader::decode(&bad), Err(BadHeader::Broken), "bit {bit}");
        }
    }

    #[test]
    fn a_header_of_a_later_version_is_refused_not_taken_for_damage() {
        let mut bytes = header().encode();
        bytes[4] = VERSION + 1;
        let crc = crc32c::crc32c(&bytes[..COVERED]).to_le_bytes();
        bytes[COVERED..].copy_from_slice(&crc);
        assert_eq!(
            FrameHeader::decode(&bytes),
            Err(BadHeader::Refused(Refused::Unsupported("frame version")))
        );
    }

    #[test]
    fn a_header_that_contradicts_itself_is_refused() {
        for bad in [
            FrameHeader {
                watermark: 8200,
                ..header()
            },
            FrameHeader {
                event_count: 4,
                ..header()
            },
            FrameHeader {
                body_len: 4095,
                ..header()
            },
            FrameHeader {
                body_len: 17 << 20,
                ..header()
            },
            FrameHeader {
                bus: BusId(0),
                ..header()
            },
            FrameHeader {
                kind: FrameKind::Seal,
                ..header()
            },
        ] {
            assert!(matches!(
                FrameHeader::decode(&bad.encode()),
                Err(BadHeader::Refused(Refused::Malformed(_)))
            ));
        }
    }
}
