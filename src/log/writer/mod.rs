//! The one writer: it turns queued appends into groups, one write and one sync each.
//!
//! Nothing is acknowledged, indexed or fed before the sync of its group has returned. After any
//! failed write or sync the writer is finished: a second sync could succeed without having
//! written anything.

mod group;
mod pace;
mod publish;
mod publisher;
mod roll;
mod thread;

use super::answer::Answers;
use super::config::Durability;
use super::error::{AppendError, LogError};
use super::files::Files;
use super::format::frame::{FrameHeader, FrameKind};
use super::format::slot::Slot;
use super::format::{FRAME_HEADER_LEN, SEAL_ROOM};
use super::ids::BusId;
use super::queue::Request;
use super::recovery::{Recovered, Recovery};
use super::segment::{Segment, Segments};
use super::shared::Shared;
use super::snapshot::Base;
use super::supers::Supers;
use group::Group;
use publisher::Publisher;
use roll::Preparation;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The end of the log and the means to extend it; owned by the writer thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    files: Arc<dyn Files>,
    active: Arc<Segment>,
    /// Where the next frame goes.
    position: u64,
    /// Everything below is durable.
    synced: u64,
    /// When what was acknowledged before its sync is synced at the latest.
    sync_due: Option<Instant>,
    open: u64,
    salt: u64,
    /// Time of the last frame.
    time: i64,
    /// Next sequence of every bus that has events.
    next: HashMap<BusId, u64>,
    group: Group,
    /// Rows that the active segment's index has or will have.
    rows: usize,
    publisher: Publisher,
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
        } = recovered;
        let slot = shared.supers.lock().newest();
        let rows = shared.index.read().active().entries();
        let mut writer = Self {
            publisher: Publisher::new(Arc::clone(&shared)),
            rows,
            shared,
            files,
            active,
            position,
            synced: position,
            sync_due: None,
            open: slot.open,
            salt: slot.salt,
            time,
            next,
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
            if self.rows >= self.shared.config.max_index_entries {
                self.roll()?;
            }
            self.fill(requests);
            if self.group.is_empty() {
                if !self.roll()? {
                    self.refuse(requests.pop_front());
                }
                continue;
            }
            let at = self.position - self.group.len();
            self.active.write(at, self.group.bytes())?;
            self.group.written();
            match self.shared.config.durability {
                Durability::Always => self.settle_before(!requests.is_empty())?,
                Durability::Interval(interval) => self.acknowledge_written(interval)?,
            }
            self.pace_preparation();
        }
        Ok(())
    }

    /// Makes what was written durable, then visible, then answers whoever still waits.
    fn settle(&mut self) -> Result<(), LogError> {
        self.settle_before(false)
    }

    /// The same; with `has_more` to write at once, the rest happens while that is done.
    fn settle_before(&mut self, has_more: bool) -> Result<(), LogError> {
        if self.group.is_unsynced() {
            self.sync()?;
            self.synced = self.position;
            self.sync_due = None;
            self.unmarked = true;
            let settled = self.group.settle(self.position, self.publisher.spare());
            let is_last = !has_more && self.shared.queue.is_empty();
            self.publisher.publish(settled, is_last)?;
        }
        Ok(())
    }

    /// Answers before the sync, which follows within `interval` of the first write it covers.
    fn acknowledge_written(&mut self, interval: Duration) -> Result<(), LogError> {
        let mut answers = Answers::default();
        for (header, request) in self.group.frames_mut() {
            request.answer_with(&mut answers, Ok(header.first_sequence));
        }
        self.shared.answering.give(answers);
        let due = *self.sync_due.get_or_insert_with(|| Instant::now() + interval);
        if self.group.is_full() || Instant::now() >= due {
            self.settle()?;
        }
        Ok(())
    }

    /// There is no segment for this request, not even the reserve: nothing was written.
    fn refuse(&self, request: Option<Request>) {
        if let Some(mut request) = request {
            let keys = request.events.iter().map(|event| event.key);
            self.shared.dedup.lock().release(request.bus, keys);
            self.shared.dedup_changed.notify_waiters();
            self.shared.admission.add_permits(request.admitted as usize);
            request.answer(Err(AppendError::StorageFull));
        }
    }

    /// Moves requests into the group until it is full or the segment is.
    fn fill(&mut self, requests: &mut VecDeque<Request>) {
        let watermark = self.synced;
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
            self.rows += request.index_rows();
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
        if self.position + (FRAME_HEADER_LEN + SEAL_ROOM) as u64 <= self.active.end() {
            return self.witness(FrameKind::Mark);
        }
        // Only the seal has room left; a super slot is a witness too.
        let mut supers = self.shared.supers.lock();
        let newest = supers.newest();
        supers.write(Slot {
            watermark: self.position,
            ..newest
        })?;
        self.unmarked = false;
        Ok(())
    }

    /// Appends a frame without content whose watermark is its own position; durable on return.
    fn witness(&mut self, kind: FrameKind) -> Result<(), LogError> {
        self.time = self.time.max((self.shared.now)());
        let frame = self.empty_frame(kind, self.position);
        self.active.write(self.position, &frame.encode())?;
        self.sync()?;
        self.position = frame.end();
        self.synced = self.position;
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
}

impl WriterStart {
    /// Splits what recovery found into the writer's part and the shared segments.
    pub(crate) fn split(recovered: Recovered) -> (Self, Supers, Segments, Vec<Base>, Recovery) {
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
            },
            supers,
            segments,
            starts,
            report,
        )
    }
}
