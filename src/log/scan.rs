//! Reading the frames of one segment in order, and finding frames behind damage.

use super::chain::Chain;
use super::error::LogError;
use super::format::body::{self, Records};
use super::format::frame::{BadHeader, FrameHeader, FrameKind, MAGIC};
use super::format::{FRAME_HEADER_LEN, Refused, SEAL_ROOM};
use super::segment::Segment;

/// Bytes read at once while scanning.
const CHUNK: usize = 1 << 20;

/// What a scan hands each accepted frame to.
pub(crate) type Visit<'v> = dyn FnMut(&FrameHeader, Records<'_>) + 'v;

/// Where and why the frames of a segment stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Position of the first byte that is not as it should be; the segment's end when all are.
    pub(crate) position: u64,
    /// The seal was read before it.
    pub(crate) sealed: bool,
    /// What is wrong there; `None` for a whole, sealed segment.
    pub(crate) bad: Option<Bad>,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bad {
    /// No header: never written, torn or rotten.
    Header,
    /// The header is good and the body is torn or rotten.
    Body(FrameHeader),
    /// Something other than zeros behind the seal.
    Behind,
    /// Checksums fit and the content does not: never the trace of a crash.
    Refused(Refused),
}

impl Bad {
    /// The fact in words.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Header => "no valid frame header",
            Self::Body(_) => "the checksum of the frame body does not fit",
            Self::Behind => "the bytes behind the seal are not zero",
            Self::Refused(Refused::Malformed(what) | Refused::Unsupported(what)) => what,
        }
    }
}

/// A segment read through a moving buffer.
pub(crate) struct Scanner<'s> {
    segment: &'s Segment,
    buffer: Vec<u8>,
    /// Position of the first byte of the buffer.
    start: u64,
}

impl<'s> Scanner<'s> {
    /// Reads nothing yet.
    pub(crate) fn new(segment: &'s Segment) -> Self {
        Self {
            segment,
            buffer: Vec::new(),
            start: segment.base,
        }
    }

    /// Forgets what was read, to see what a writer has done since.
    pub(crate) fn refresh(&mut self) {
        self.buffer.clear();
    }

    /// Up to `len` bytes at `position`; fewer only where the file ends.
    fn bytes(&mut self, position: u64, len: usize) -> Result<&[u8], LogError> {
        let len = len.min(usize::try_from(self.segment.end().saturating_sub(position)).unwrap_or(len));
        let held = position >= self.start && position + len as u64 <= self.start + self.buffer.len() as u64;
        if !held {
            self.buffer.resize(len.max(CHUNK), 0);
            let read = self
                .segment
                .file
                .read_at(&mut self.buffer, position - self.segment.base);
            let read = read.map_err(LogError::io("read", &self.segment.path))?;
            self.buffer.truncate(read);
            self.start = position;
        }
        let skip = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        let rest = self.buffer.get(skip..).unwrap_or_default();
        Ok(rest.get(..len).unwrap_or(rest))
    }

    /// Hands frames to `visit` from `position` on until the segment ends or a frame is bad.
    pub(crate) fn walk(
        &mut self,
        mut position: u64,
        chain: &mut Chain,
        visit: &mut Visit<'_>,
    ) -> Result<Stop, LogError> {
        loop {
            match self.step(position, chain, visit)? {
                Ok(next) => position = next,
                Err(stop) => return Ok(stop),
            }
        }
    }

    /// Hands the frame at `position` to `visit` and returns the position of the next.
    pub(crate) fn step(
        &mut self,
        position: u64,
        chain: &mut Chain,
        visit: &mut Visit<'_>,
    ) -> Result<Result<u64, Stop>, LogError> {
        let stop = |bad| {
            Ok(Err(Stop {
                position,
                sealed: false,
                bad: Some(bad),
            }))
        };
        let (header, records) = match self.frame(position, chain)? {
            Ok(frame) => frame,
            Err(bad) => return stop(bad),
        };
        if let Err(refused) = chain.advance_over_gaps(&records) {
            return stop(Bad::Refused(refused));
        }
        chain.advance(&header);
        visit(&header, records);
        if header.kind == FrameKind::Seal {
            return self.rest_is_zero(header.end()).map(Err);
        }
        Ok(Ok(header.end()))
    }

    /// The frame at `position`, with everything about it checked.
    fn frame(
        &mut self,
        position: u64,
        chain: &Chain,
    ) -> Result<Result<(FrameHeader, Records<'_>), Bad>, LogError> {
        let header = match self.header(position)? {
            Ok(header) => header,
            Err(BadHeader::Broken) => return Ok(Err(Bad::Header)),
            Err(BadHeader::Refused(refused)) => return Ok(Err(Bad::Refused(refused))),
        };
        let refused = |why| Ok(Err(Bad::Refused(Refused::Malformed(why))));
        if header.position != position {
            return refused("the frame belongs to another position");
        }
        let room = if header.kind == FrameKind::Seal {
            0
        } else {
            SEAL_ROOM as u64
        };
        if header.end() + room > self.segment.end() {
            return refused("the frame overruns its segment");
        }
        if let Err(why) = chain.check(&header) {
            return refused(why);
        }
        let body_len = header.body_len as usize;
        let body = self.bytes(position + FRAME_HEADER_LEN as u64, body_len)?;
        if body.len() < body_len || crc32c::crc32c(body) != header.body_crc {
            return Ok(Err(Bad::Body(header)));
        }
        Ok(body::decode(&header, body)
            .map(|records| (header, records))
            .map_err(Bad::Refused))
    }

    fn header(&mut self, position: u64) -> Result<Result<FrameHeader, BadHeader>, LogError> {
        let bytes = self.bytes(position, FRAME_HEADER_LEN)?;
        Ok(bytes
            .first_chunk()
            .ok_or(BadHeader::Broken)
            .and_then(FrameHeader::decode))
    }

    fn rest_is_zero(&mut self, from: u64) -> Result<Stop, LogError> {
        let end = self.segment.end();
        let stop = |position, bad| {
            Ok(Stop {
                position,
                sealed: true,
                bad,
            })
        };
        let mut position = from;
        while position < end {
            let chunk = self.bytes(position, CHUNK)?;
            if chunk.is_empty() {
                return stop(position, Some(Bad::Behind));
            }
            if let Some(dirt) = chunk.iter().position(|byte| *byte != 0) {
                return stop(position + dirt as u64, Some(Bad::Behind));
            }
            position += chunk.len() as u64;
        }
        stop(end, None)
    }

    /// The first header of this log at or behind `from` and before `limit`, in 8-byte steps.
    pub(crate) fn find(
        &mut self,
        from: u64,
        limit: u64,
        chain: &Chain,
    ) -> Result<Option<FrameHeader>, LogError> {
        let mut position = from.next_multiple_of(8);
        while position < limit {
            let chunk = self.bytes(position, CHUNK)?;
            let magic = MAGIC.to_le_bytes();
            let Some(step) = chunk.chunks_exact(8).position(|bytes| bytes.starts_with(&magic)) else {
                // A shorter chunk is the end of the file.
                let steps = chunk.len() as u64 / 8;
                if steps == 0 {
                    return Ok(None);
                }
                position += steps * 8;
                continue;
            };
            position += step as u64 * 8;
            if position >= limit {
                break;
            }
            match self.header(position)? {
                Ok(header) if header.position == position && chain.admits(&header) => {
                    return Ok(Some(header));
                }
                _ => position += 8,
            }
        }
        Ok(None)
    }

    /// The position behind the last byte at or behind `from` that is not zero; `from` if there is none.
    pub(crate) fn dirty_end(&mut self, from: u64) -> Result<u64, LogError> {
        let (mut position, mut dirty) = (from, from);
        while position < self.segment.end() {
            let chunk = self.bytes(position, CHUNK)?;
            if chunk.is_empty() {
                break;
            }
            if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
                dirty = position + last as u64 + 1;
            }
            position += chunk.len() as u64;
        }
        Ok(dirty)
    }
}
