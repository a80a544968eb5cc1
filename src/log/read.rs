//! Reading durable records back; every checksum on the way is verified.

use super::Log;
use super::damage::{Damage, MissingEvents};
use super::error::LogError;
use super::event::{StoredEvent, StoredState};
use super::format::body::{self, ENTRY_LEN};
use super::format::frame::{BadHeader, FrameHeader};
use super::format::{FRAME_HEADER_LEN, Refused, event};
use super::ids::{BusId, DedupKey, RouteId};
use super::index::{FrameEntry, Named};
use super::segment::{self, Segment};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// Frames one call of [`Log::read`] looks at.
const MAX_FRAMES: usize = 4096;

impl Log {
    /// The event of `bus` with this sequence; `None` when it is not durable or was never given.
    ///
    /// Blocking: two small reads.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when a checksum does not fit, [`LogError::Io`] when the disk says no.
    pub fn event(&self, bus: BusId, sequence: u64) -> Result<Option<StoredEvent>, LogError> {
        let entry = self
            .inner
            .shared
            .index
            .read()
            .bus(bus)
            .and_then(|bus| bus.frame_of(sequence));
        let Some(entry) = entry else { return Ok(None) };
        let segment = self.segment(entry.position)?;
        let index = usize::try_from(sequence - entry.first_sequence).unwrap_or(usize::MAX);
        // One entry more than its own: it says where the record ends.
        let table = ((index + 2) * ENTRY_LEN).min(entry.len as usize - FRAME_HEADER_LEN);
        let head = segment.read(entry.position, FRAME_HEADER_LEN + table)?;
        let (header, table) = split(&segment, entry.position, &head)?;
        let damaged = |refused| damage(&segment, &header, refused);
        let place = body::place(&header, table, index).map_err(damaged)?;
        let start = entry.position + (FRAME_HEADER_LEN + place.start) as u64;
        let record = Bytes::from(segment.read(start, place.end - place.start)?);
        if crc32c::crc32c(&record) != place.crc {
            return Err(damaged(Refused::Malformed(
                "the checksum of the record does not fit",
            )));
        }
        let event = event::decode(&record).map_err(damaged)?;
        Ok(Some(event.stored(&record, sequence, header.append_time)))
    }

    /// Events of `bus` in order, from sequence `from` on.
    ///
    /// Stops after `max_events`, when the next event would pass `max_bytes` of attributes and
    /// data, or after 4,096 frames; the first one always comes. So only an empty answer says that
    /// there is none at or above `from`. Blocking: two reads a frame.
    ///
    /// # Errors
    /// As [`event`](Self::event): never a shorter answer for damage.
    pub fn read(
        &self,
        bus: BusId,
        from: u64,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, LogError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        let mut bytes = 0_usize;
        for entry in self.frames(bus, from, max_events) {
            let (header, body) = self.frame(entry.position)?;
            let records = body::decode(&header, &body);
            let records = records.map_err(|refused| self.damage_at(&header, refused))?;
            for (sequence, event) in (header.first_sequence..).zip(records.events) {
                let len = event.attributes.len() + event.data.len();
                if sequence >= from {
                    if events.len() >= max_events || (!events.is_empty() && bytes + len > max_bytes) {
                        return Ok(events);
                    }
                    bytes += len;
                    events.push(event.stored(&body, sequence, header.append_time));
                }
            }
        }
        Ok(events)
    }

    /// The first sequence of `bus` whose frame time is at or after `time_ms`, or else the next one.
    #[must_use]
    pub fn sequence_at(&self, bus: BusId, time_ms: i64) -> u64 {
        self.inner
            .shared
            .index
            .read()
            .bus(bus)
            .map_or(1, |bus| bus.sequence_at(time_ms))
    }

    /// When `sequence` became durable on `bus`: its frame time.
    #[must_use]
    pub fn time_of(&self, bus: BusId, sequence: u64) -> Option<i64> {
        let index = self.inner.shared.index.read();
        index.bus(bus)?.frame_of(sequence).map(|frame| frame.time_ms)
    }

    /// The durable sequences of `bus`: first to next.
    #[must_use]
    pub fn sequences(&self, bus: BusId) -> Range<u64> {
        self.inner
            .shared
            .index
            .read()
            .bus(bus)
            .map_or(1..1, |bus| bus.first()..bus.next())
    }

    /// The sequence of the event with this key, when it is durable and within the dedup window.
    #[must_use]
    pub fn find(&self, bus: BusId, key: DedupKey) -> Option<u64> {
        let shared = &self.inner.shared;
        shared.dedup.lock().find(bus, key, shared.at())
    }

    /// Durable sequences above `after` that took `route`, at most `n`, ascending.
    #[must_use]
    pub fn route_events(&self, route: RouteId, after: u64, n: usize) -> Vec<u64> {
        self.inner.shared.index.read().route_events(route, after, n)
    }

    /// How many durable events above `after` took `route`; as cheap as a look-up.
    #[must_use]
    pub fn route_backlog(&self, route: RouteId, after: u64) -> usize {
        self.inner.shared.index.read().route_backlog(route, after)
    }

    /// Every durable state record of `route` that names `sequence`, in log order. Blocking.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<StoredState>, LogError> {
        let frames = self.inner.shared.index.read().route_states(route, sequence);
        let mut found = Vec::new();
        self.states_in(frames, &mut |state| {
            if state.record.route == route && state.record.sequences.contains(&sequence) {
                found.push(state);
            }
        })?;
        Ok(found)
    }

    /// Hands every state record that is durable at the call to `f`, in log order. Blocking: it reads them all.
    ///
    /// # Errors
    /// As [`event`](Self::event); `f` has then seen those before the damage.
    pub fn for_each_state(&self, f: &mut dyn FnMut(StoredState)) -> Result<(), LogError> {
        let frames = self.inner.shared.index.read().state_frames();
        self.states_in(frames, f)
    }

    /// The buses and routes that the durable log has ever named.
    #[must_use]
    pub fn routes(&self) -> Named {
        self.inner.shared.index.read().named()
    }

    fn states_in(&self, frames: Vec<u64>, f: &mut dyn FnMut(StoredState)) -> Result<(), LogError> {
        for position in frames {
            let (header, body) = self.frame(position)?;
            let records = body::decode(&header, &body);
            let records = records.map_err(|refused| self.damage_at(&header, refused))?;
            records
                .states
                .iter()
                .for_each(|state| f(state.stored(&body, header.append_time)));
        }
        Ok(())
    }

    /// The next frames of `bus` with events at or above `from`, enough for `max_events` or for one call.
    fn frames(&self, bus: BusId, from: u64, max_events: usize) -> Vec<FrameEntry> {
        let index = self.inner.shared.index.read();
        let Some(bus) = index.bus(bus) else {
            return Vec::new();
        };
        bus.frames_from(from)
            .iter()
            .take(max_events.min(MAX_FRAMES))
            .copied()
            .collect()
    }

    /// One whole frame, both checksums verified.
    fn frame(&self, position: u64) -> Result<(FrameHeader, Bytes), LogError> {
        let segment = self.segment(position)?;
        let head = segment.read(position, FRAME_HEADER_LEN)?;
        let (header, _) = split(&segment, position, &head)?;
        let body = segment.read(position + FRAME_HEADER_LEN as u64, header.body_len as usize)?;
        if crc32c::crc32c(&body) != header.body_crc {
            let refused = Refused::Malformed("the checksum of the frame body does not fit");
            return Err(damage(&segment, &header, refused));
        }
        Ok((header, Bytes::from(body)))
    }

    fn segment(&self, position: u64) -> Result<Arc<Segment>, LogError> {
        let missing = || Damage {
            segment: segment::path(&self.inner.shared.config.dir, position),
            positions: position..position + FRAME_HEADER_LEN as u64,
            reason: "the segment is missing",
            missing: Vec::new(),
        };
        let segment = self.inner.shared.segments.at(position);
        segment.ok_or_else(|| LogError::Corrupt {
            damage: vec![missing()],
        })
    }

    fn damage_at(&self, header: &FrameHeader, refused: Refused) -> LogError {
        match self.segment(header.position) {
            Ok(segment) => damage(&segment, header, refused),
            Err(error) => error,
        }
    }
}

/// Separates a verified header at `position` from what was read behind it.
fn split<'b>(segment: &Segment, position: u64, bytes: &'b [u8]) -> Result<(FrameHeader, &'b [u8]), LogError> {
    let decoded = match bytes.split_first_chunk() {
        Some((head, rest)) => FrameHeader::decode(head).map(|header| (header, rest)),
        None => Err(BadHeader::Broken),
    };
    match decoded {
        Ok((header, rest)) if header.position == position => Ok((header, rest)),
        _ => Err(corrupt(
            segment,
            position..position + FRAME_HEADER_LEN as u64,
            "no valid frame header",
            Vec::new(),
        )),
    }
}

fn damage(segment: &Segment, header: &FrameHeader, refused: Refused) -> LogError {
    match refused {
        Refused::Unsupported(what) => LogError::Unsupported {
            path: segment.path.clone(),
            what,
        },
        Refused::Malformed(reason) => {
            let sequences = header.first_sequence..header.first_sequence + u64::from(header.event_count);
            let missing = MissingEvents {
                bus: header.bus,
                sequences,
            };
            let missing = if header.event_count > 0 {
                vec![missing]
            } else {
                Vec::new()
            };
            corrupt(segment, header.position..header.end(), reason, missing)
        }
    }
}

fn corrupt(
    segment: &Segment,
    positions: Range<u64>,
    reason: &'static str,
    missing: Vec<MissingEvents>,
) -> LogError {
    let damage = Damage {
        segment: segment.path.clone(),
        positions,
        reason,
        missing,
    };
    LogError::Corrupt { damage: vec![damage] }
}
