//! The bytes on disk, format version 1: pure encoders and decoders, no files.
//!
//! Everything is little endian and 8-byte aligned; padding is zero and checked.

pub(crate) mod body;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod input;
pub(crate) mod record;
pub(crate) mod segment;
pub(crate) mod slot;
pub(crate) mod state;

/// The format version in every segment header, frame, record and super slot.
pub(crate) const VERSION: u8 = 1;

/// Bytes of the header block of a segment; the first frame follows it.
pub(crate) const SEGMENT_HEADER_LEN: u64 = SEGMENT_HEADER_BYTES as u64;

/// The same as a length in memory.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 4096;

/// Bytes of a frame header, and of a whole mark or seal.
pub(crate) const FRAME_HEADER_LEN: usize = 80;

/// Bytes always kept free at the end of a segment, so that it can be sealed.
pub(crate) const SEAL_ROOM: usize = FRAME_HEADER_LEN;

/// Largest body of a frame, whatever the configuration: checked before anything is allocated.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// Why bytes that passed their checksum are still refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// They break the format: no writer of this version produces them.
    Malformed(&'static str),
    /// They use something that only a later version knows.
    Unsupported(&'static str),
}

/// `len` rounded up to the alignment.
pub(crate) const fn padded(len: usize) -> usize {
    len.next_multiple_of(8)
}

/// A length as the u32 it is stored as; callers have checked it against [`MAX_BODY`].
pub(crate) fn stored_len(len: usize) -> u32 {
    debug_assert!(len <= MAX_BODY, "unchecked length {len}");
    u32::try_from(len).unwrap_or(u32::MAX)
}
