//! The one writer: it turns queued appends into groups, one write and one sync each.
//!
//! Nothing is acknowledged, indexed or fed before the sync of its group has returned. After any
//! failed write or sync the writer is finished: a second sync could succeed without having
//! written anything.

mod group;
mod pace;
mod publish;
mod roll;
mod thread;

use super::error::LogError;
use super::files::Files;
use super::format::frame::{FrameHeader, FrameKind};
use super::format::{FRAME_HEADER_LEN, SEAL_ROOM};
use super::ids::BusId;
use super::queue::Request;
use super::recovery::{Recovered, Recovery};
use super::segment::{Segment, Segments};
use super::shared::Shared;
use super::snapshot::Base;
use super::supers::Supers;
use group::Group;
use roll::Preparation;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// The end of the log and the means to extend it; owned by the writer thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    files: Arc<dyn Files>,
    active: Arc<Segment>,
    /// Where the next frame goes. Between groups everything below is durable.
    position: u64,
    open: u64,
    salt: u64,
    /// Time of the last frame.
    time: i64,
    /// Next sequence of every bus that has events.
    next: HashMap<BusId, u64>,
    supers: Supers,
    group: Group,
    /// The segment after the active one, being made in the background.
    prepared: Option<Preparation>,
    /// The last group has no witness yet.
    unmarked: bool,
}

impl Writer {
    /// Takes the log over from recovery.
    pub(crate) fn new(shared: Arc<Shared>, files: Arc<dyn Files>, recovered: WriterStart) -> Self {
        let WriterStart {
            active,
            position,
            time,
            next,
            supers,
        } = recovered;
        let slot = supers.newest();
        let mut writer = Self {
            shared,
            files,
            active,
            position,
            open: slot.open,
            salt: slot.salt,
            time,
            next,
            supers,
            group: Group::default(),
            prepared: None,
            unmarked: false,
        };
        writer.prepare_next();
        writer
    }

    /// Writes all of `requests` in order, group by group, and answers them.
    ///
    /// # Errors
    /// After an error the requests still in `requests` and in the group are unanswered.
    fn commit(&mut self, requests: &mut VecDeque<Request>) -> Result<(), LogError> {
        while !requests.is_empty() {
            if self.shared.index.read().active().entries() >= self.shared.config.max_index_entries {
                self.roll()?;
            }
            self.fill(requests);
            if self.group.is_empty() {
                self.roll()?;
                continue;
            }
            let at = self.position - self.group.len();
            self.active.write(at, self.group.bytes())?;
            self.sync()?;
            self.unmarked = true;
            self.publish();
            self.pace_preparation();
        }
        Ok(())
    }

    /// Moves requests into the group until it is full or the segment is.
    fn fill(&mut self, requests: &mut VecDeque<Request>) {
        let watermark = self.position;
        self.time = self.time.max((self.shared.now)());
        while let Some(request) = requests.front() {
            let len = FRAME_HEADER_LEN + request.body.len();
            let fits = self.position + (len + SEAL_ROOM) as u64 <= self.active.end();
            if !fits || !self.group.has_room(len) {
                break;
            }
            let Some(request) = requests.pop_front() else {
                break;
            };
            let header = self.number(&request, watermark);
            self.position = header.end();
            self.group.push(header, request);
        }
    }

    /// Everything about a frame that only the writer knows.
    fn number(&mut self, request: &Request, watermark: u64) -> FrameHeader {
        let event_count = u16::try_from(request.events.len()).unwrap_or(u16::MAX);
        let mut first_sequence = 0;
        if event_count > 0 {
            let next = self.next.entry(request.bus).or_insert(1);
            first_sequence = *next;
            *next += u64::from(event_count);
        }
        FrameHeader {
            event_count,
            bus: request.bus,
            record_count: u32::from(event_count) + u32::try_from(request.states.len()).unwrap_or(u32::MAX),
            body_len: u32::try_from(request.body.len()).unwrap_or(u32::MAX),
            first_sequence,
            body_crc: request.body_crc,
            ..self.empty_frame(FrameKind::Append, watermark)
        }
    }

    fn empty_frame(&self, kind: FrameKind, watermark: u64) -> FrameHeader {
        FrameHeader {
            kind,
            event_count: 0,
            bus: BusId(0),
            record_count: 0,
            body_len: 0,
            position: self.position,
            open: self.open,
            salt: self.salt,
            watermark,
            first_sequence: 0,
            append_time: self.time,
            body_crc: 0,
        }
    }

    /// Appends a mark so that the last group has a witness; durable on return.
    fn mark(&mut self) -> Result<(), LogError> {
        if !self.unmarked {
            return Ok(());
        }
        if self.position + (FRAME_HEADER_LEN + SEAL_ROOM) as u64 > self.active.end() {
            // The seal is a witness too.
            return self.roll();
        }
        self.witness(FrameKind::Mark)
    }

    /// Appends a frame without content whose watermark is its own position; durable on return.
    fn witness(&mut self, kind: FrameKind) -> Result<(), LogError> {
        self.time = self.time.max((self.shared.now)());
        let frame = self.empty_frame(kind, self.position);
        self.active.write(self.position, &frame.encode())?;
        self.sync()?;
        self.position = frame.end();
        self.unmarked = false;
        Ok(())
    }

    fn sync(&self) -> Result<(), LogError> {
        let begun = Instant::now();
        self.active.sync()?;
        self.shared.counters.synced(begun.elapsed());
        Ok(())
    }
}

/// The part of [`Recovered`] that becomes the writer's.
pub(crate) struct WriterStart {
    active: Arc<Segment>,
    position: u64,
    time: i64,
    next: HashMap<BusId, u64>,
    supers: Supers,
}

impl WriterStart {
    /// Splits what recovery found into the writer's part and the shared segments.
    pub(crate) fn split(recovered: Recovered) -> (Self, Segments, Vec<Base>, Recovery) {
        let Recovered {
            chain,
            active,
            position,
            supers,
            segments,
            starts,
            snapshot: _,
            report,
        } = recovered;
        (
            Self {
                active,
                position,
                time: chain.time,
                next: chain.next,
                supers,
            },
            segments,
            starts,
            report,
        )
    }
}
