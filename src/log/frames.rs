//! Reading whole frames one after the other, neighbours together.

use super::Log;
use super::error::LogError;
use super::format::frame::FrameHeader;
use super::format::{FRAME_HEADER_LEN, Refused};
use super::read::{damage, split};
use super::segment::Segment;
use bytes::Bytes;
use std::sync::Arc;

/// Bytes read at once when frames follow each other closely.
const AHEAD: usize = 1 << 20;

/// Reads frames in ascending order; what one read brought along serves the next frames.
pub(super) struct FrameReader<'l> {
    log: &'l Log,
    segment: Option<Arc<Segment>>,
    /// What was read last, and where it starts.
    held: Bytes,
    start: u64,
    /// Where the last frame ended: one that follows at once makes the next read a long one.
    last_end: u64,
}

impl<'l> FrameReader<'l> {
    /// Reads nothing yet.
    pub(super) fn new(log: &'l Log) -> Self {
        Self {
            log,
            segment: None,
            held: Bytes::new(),
            start: 0,
            last_end: 0,
        }
    }

    /// The frame at `position`, header and body verified; `len` is what is known of its length.
    pub(super) fn frame(&mut self, position: u64, len: usize) -> Result<(FrameHeader, Bytes), LogError> {
        let segment = self.segment_of(position)?;
        let head = self.bytes(&segment, position, len.max(FRAME_HEADER_LEN))?;
        let (header, _) = split(&segment, position, &head)?;
        let frame_len = usize::try_from(header.frame_len()).unwrap_or(usize::MAX);
        let frame = self.bytes(&segment, position, frame_len)?;
        let body = frame.slice(FRAME_HEADER_LEN..);
        if crc32c::crc32c(&body) != header.body_crc {
            let refused = Refused::Malformed("the checksum of the frame body does not fit");
            return Err(damage(&segment, &header, refused));
        }
        self.last_end = header.end();
        Ok((header, body))
    }

    fn segment_of(&mut self, position: u64) -> Result<Arc<Segment>, LogError> {
        match &self.segment {
            Some(segment) if (segment.base..segment.end()).contains(&position) => Ok(Arc::clone(segment)),
            _ => {
                let segment = self.log.segment(position)?;
                self.segment = Some(Arc::clone(&segment));
                Ok(segment)
            }
        }
    }

    /// `len` bytes at `position`, from what is held or from the disk.
    fn bytes(&mut self, segment: &Segment, position: u64, len: usize) -> Result<Bytes, LogError> {
        let skip = position
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok());
        if let Some(skip) = skip
            && self.held.len() >= len
            && skip <= self.held.len() - len
        {
            return Ok(self.held.slice(skip..skip + len));
        }
        // Marks and frames of others lie between neighbours: a small distance is still a run.
        let is_run = position >= self.last_end && position - self.last_end < (AHEAD / 16) as u64;
        let room = usize::try_from(segment.end() - position).unwrap_or(usize::MAX);
        let wanted = if is_run { len.max(AHEAD).min(room) } else { len };
        self.held = Bytes::from(segment.read(position, wanted.max(len))?);
        self.start = position;
        Ok(self.held.slice(..len))
    }
}
