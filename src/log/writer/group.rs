//! The appends that share one write and one sync.

use crate::log::format::frame::FrameHeader;
use crate::log::queue::Request;

/// Bytes after which a group takes no further frame; one larger frame is a group of its own.
const MAX_BYTES: usize = 8 << 20;

/// Frames in one buffer, which is used again for the next group.
#[derive(Default)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    frames: Vec<(FrameHeader, Request)>,
}

impl Group {
    /// Whether a frame of `len` bytes may join.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.frames.is_empty() || self.bytes.len() + len <= MAX_BYTES
    }

    /// Adds a frame; its header is encoded here, its body only copied.
    pub(crate) fn push(&mut self, header: FrameHeader, request: Request) {
        self.bytes.extend_from_slice(&header.encode());
        self.bytes.extend_from_slice(&request.body);
        self.frames.push((header, request));
    }

    /// Whether it has no frame.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// What is written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much that is.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The frames, to be numbered when they are durable.
    pub(crate) fn frames_mut(&mut self) -> &mut [(FrameHeader, Request)] {
        &mut self.frames
    }

    /// Ends the group and hands out its requests.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (FrameHeader, Request)> {
        self.bytes.clear();
        self.bytes.shrink_to(MAX_BYTES);
        self.frames.drain(..)
    }
}
