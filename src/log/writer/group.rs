//! The appends that share one write, and those that share one sync.

use crate::log::format::frame::FrameHeader;
use crate::log::queue::Request;

use super::publish::Settled;

/// Bytes after which a write takes no further frame; one larger frame is a write of its own.
const MAX_BYTES: usize = 8 << 20;

/// Frames in one buffer, which is used again for the next write.
#[derive(Default)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    /// Bytes that were written since the last sync.
    written: usize,
    frames: Vec<(FrameHeader, Request)>,
}

impl Group {
    /// Whether a frame of `len` bytes may join the next write.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.bytes.is_empty() || self.bytes.len() + len <= MAX_BYTES
    }

    /// Adds a frame; its header is encoded here, its body only copied.
    pub(crate) fn push(&mut self, header: FrameHeader, request: Request) {
        self.bytes.extend_from_slice(&header.encode());
        self.bytes.extend_from_slice(&request.body);
        self.frames.push((header, request));
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What is to be written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much that is.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes are written, and wait for a sync.
    pub(crate) fn written(&mut self) {
        self.written += self.bytes.len();
        self.bytes.clear();
        self.bytes.shrink_to(MAX_BYTES);
    }

    /// Whether frames wait for a sync.
    pub(crate) fn is_unsynced(&self) -> bool {
        self.written > 0
    }

    /// Whether so much waits for a sync that it should come now.
    pub(crate) fn is_full(&self) -> bool {
        self.written >= MAX_BYTES
    }

    /// The frames, to be acknowledged before they are durable.
    pub(crate) fn frames_mut(&mut self) -> &mut [(FrameHeader, Request)] {
        &mut self.frames
    }

    /// Ends the group, whose last frame ends at `end`; `spare` takes the frames of the next one.
    pub(super) fn settle(&mut self, end: u64, spare: Vec<(FrameHeader, Request)>) -> Settled {
        Settled {
            frames: std::mem::replace(&mut self.frames, spare),
            bytes: std::mem::take(&mut self.written) as u64,
            end,
        }
    }

    /// Gives up the group and hands out its requests.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = Request> {
        self.written = 0;
        self.bytes.clear();
        self.frames.drain(..).map(|(_, request)| request)
    }
}
