//! Reading durable records back; every checksum on the way is verified.
//!
//! Everything here may read the disk and blocks while it does.

use super::Log;
use super::damage::{Damage, MissingEvents};
use super::error::LogError;
use super::event::{StoredEvent, StoredState};
use super::format::body::{self, ENTRY_LEN};
use super::format::frame::{BadHeader, FrameHeader};
use super::format::{FRAME_HEADER_LEN, Refused, event};
use super::frames::FrameReader;
use super::ids::{BusId, RouteId};
use super::index::{FrameEntry, Lookup, Named, Parts};
use super::segment::{self, Segment};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// Frames one call of [`Log::read`] looks at.
const MAX_FRAMES: usize = 4096;

impl Log {
    /// The event of `bus` with this sequence; `None` when it is not durable, was never given, or
    /// is no longer kept. Two small reads.
    ///
    /// # Errors
    /// [`LogError::Gap`] when a repair has put it on record as lost, [`LogError::Corrupt`] when a
    /// checksum does not fit, [`LogError::Io`] when the disk says no.
    pub fn event(&self, bus: BusId, sequence: u64) -> Result<Option<StoredEvent>, LogError> {
        of_what_is_left(|| self.try_event(bus, sequence))
    }

    fn try_event(&self, bus: BusId, sequence: u64) -> Result<Option<StoredEvent>, LogError> {
        let (found, next) = self.frames(bus, sequence, 1)?;
        let Some(entry) = found.first().filter(|entry| entry.first_sequence <= sequence) else {
            return self.refuse_gap(bus, sequence, &found, next).map(|()| None);
        };
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
    /// data, before a gap, or after 4,096 frames; the first one always comes. So only an empty answer
    /// says that there is none at or above `from`. Neighbouring frames are read together.
    ///
    /// # Errors
    /// As [`event`](Self::event): never a shorter answer for damage. [`LogError::Gap`] when `from` is in
    /// a gap: what follows is read from the gap's end.
    pub fn read(
        &self,
        bus: BusId,
        from: u64,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, LogError> {
        of_what_is_left(|| self.try_read(bus, from, max_events, max_bytes))
    }

    fn try_read(
        &self,
        bus: BusId,
        from: u64,
        max_events: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, LogError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        let mut bytes = 0_usize;
        let (frames, next) = self.frames(bus, from, max_events.min(MAX_FRAMES))?;
        self.refuse_gap(bus, from, &frames, next)?;
        let mut reader = FrameReader::new(self);
        let mut end = None;
        for entry in frames {
            if end.is_some_and(|end| end < entry.first_sequence) {
                return Ok(events);
            }
            end = Some(entry.end());
            let (header, body) = reader.frame(entry.position, entry.len as usize)?;
            let records = body::decode_verified(&header, &body);
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
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn sequence_at(&self, bus: BusId, time_ms: i64) -> Result<u64, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, next) = (Arc::clone(index.sealed()), index.next(bus));
        let first = index.active().bus_entry(bus).map(|entry| entry.first);
        let mut found = index.active().frame_at(bus, time_ms).ok().flatten();
        drop(index);
        // Frames only get younger: the first segment that has older ones ends the search.
        let is_first =
            |found: &Option<FrameEntry>, first: u64| found.is_some_and(|frame| frame.first_sequence == first);
        if first.is_none_or(|first| is_first(&found, first)) {
            for part in sealed.iter().rev() {
                let asked = part.ask(|index| Ok((index.bus(bus), index.frame_at(bus, time_ms)?)))?;
                let (Some(entry), frame) = asked else { continue };
                found = frame.or(found);
                if !is_first(&frame, entry.first) {
                    break;
                }
            }
        }
        Ok(found.map_or(next, |frame| frame.first_sequence))
    }

    /// When `sequence` became durable on `bus`: its frame time.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn time_of(&self, bus: BusId, sequence: u64) -> Result<Option<i64>, LogError> {
        let (found, _) = self.frames(bus, sequence, 1)?;
        let found = found.first().filter(|frame| frame.first_sequence <= sequence);
        Ok(found.map(|frame| frame.time_ms))
    }

    /// The sequences of `bus` that are kept, or in a gap: first to next.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn sequences(&self, bus: BusId) -> Result<Range<u64>, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, next) = (Arc::clone(index.sealed()), index.next(bus));
        let first = index.active().bus_entry(bus);
        drop(index);
        if self.inner.shared.segments.are_from_the_beginning() {
            return Ok(1..next);
        }
        for part in sealed.iter() {
            if let Some(entry) = part.ask(|index| Ok(index.bus(bus)))? {
                return Ok(entry.first..next);
            }
        }
        Ok(first.map_or(next, |entry| entry.first)..next)
    }

    /// The next sequence of `bus`; 1 for one without events. Does not read the disk.
    #[must_use]
    pub fn next_sequence(&self, bus: BusId) -> u64 {
        self.inner.shared.index.read().next(bus)
    }

    /// Durable sequences above `after` that took `route`, at most `n`, ascending.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn route_events(&self, route: RouteId, after: u64, n: usize) -> Result<Vec<u64>, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, bus) = (Arc::clone(index.sealed()), index.opened().bus_of(route));
        let of_active = index.active().route_events(route, after, n);
        drop(index);
        let mut found = Vec::new();
        for part in sealed
            .get(start(&sealed, bus, after.saturating_add(1))?..)
            .unwrap_or_default()
        {
            if found.len() >= n {
                return Ok(found);
            }
            found.extend(part.ask(|index| index.route_events(route, after, n - found.len()))?);
        }
        let room = n.saturating_sub(found.len());
        found.extend(of_active.unwrap_or_default().into_iter().take(room));
        Ok(found)
    }

    /// As [`route_events`](Self::route_events) when memory alone knows the answer; else `None`.
    ///
    /// Memory knows when the active segment holds every event of the route's bus above `after`.
    #[must_use]
    pub fn recent_route_events(&self, route: RouteId, after: u64, n: usize) -> Option<Vec<u64>> {
        let index = self.inner.shared.index.read();
        let bus = index.opened().bus_of(route)?;
        let is_whole = match index.active().bus_entry(bus) {
            Some(entry) => entry.first <= after.saturating_add(1),
            None => index.next(bus) <= after.saturating_add(1),
        };
        is_whole.then(|| index.active().route_events(route, after, n).unwrap_or_default())
    }

    /// How many durable events above `after` took `route`: a few look-ups a segment, no reading of rows.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn route_backlog(&self, route: RouteId, after: u64) -> Result<u64, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, bus) = (Arc::clone(index.sealed()), index.opened().bus_of(route));
        let mut count = index.active().route_count(route, after).unwrap_or_default();
        drop(index);
        for part in sealed
            .get(start(&sealed, bus, after.saturating_add(1))?..)
            .unwrap_or_default()
        {
            count += part.ask(|index| index.route_count(route, after))?;
        }
        Ok(count)
    }

    /// Every durable state record of `route` that names `sequence`, in log order.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<StoredState>, LogError> {
        of_what_is_left(|| self.try_route_states(route, sequence))
    }

    fn try_route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<StoredState>, LogError> {
        let frames = self.route_frames(route, sequence)?;
        let mut found = Vec::new();
        self.states_in(&frames, &mut |state| {
            if state.record.route == route && state.record.sequences.contains(&sequence) {
                found.push(state);
            }
        })?;
        Ok(found)
    }

    /// Where the state records of `route` that name `sequence` are, ascending.
    fn route_frames(&self, route: RouteId, sequence: u64) -> Result<Vec<u64>, LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, bus) = (Arc::clone(index.sealed()), index.opened().bus_of(route));
        let of_active = index.active().route_states(route, sequence);
        drop(index);
        let mut frames = Vec::new();
        for part in sealed.get(start(&sealed, bus, sequence)?..).unwrap_or_default() {
            frames.extend(part.ask(|index| index.route_states(route, sequence))?);
        }
        frames.extend(of_active.unwrap_or_default());
        Ok(frames)
    }

    /// The newest state record of `route` that names `sequence`, and the events of its frame.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub fn route_frame(
        &self,
        route: RouteId,
        sequence: u64,
    ) -> Result<Option<(StoredState, Vec<StoredEvent>)>, LogError> {
        of_what_is_left(|| self.try_route_frame(route, sequence))
    }

    fn try_route_frame(
        &self,
        route: RouteId,
        sequence: u64,
    ) -> Result<Option<(StoredState, Vec<StoredEvent>)>, LogError> {
        let Some(position) = self.route_frames(route, sequence)?.pop() else {
            return Ok(None);
        };
        let (header, body) = FrameReader::new(self).frame(position, FRAME_HEADER_LEN)?;
        let records = body::decode_verified(&header, &body);
        let records = records.map_err(|refused| self.damage_at(&header, refused))?;
        let is_meant =
            |state: &StoredState| state.record.route == route && state.record.sequences.contains(&sequence);
        let states = records
            .states
            .iter()
            .map(|state| state.stored(&body, header.append_time));
        let events = (header.first_sequence..)
            .zip(records.events)
            .map(|(sequence, event)| event.stored(&body, sequence, header.append_time));
        let state = states.filter(is_meant).last();
        Ok(state.map(|state| (state, events.collect())))
    }

    /// The bus of a route, if the route was opened with it. Does not read the disk.
    #[must_use]
    pub fn bus_of(&self, route: RouteId) -> Option<BusId> {
        self.inner.shared.index.read().opened().bus_of(route)
    }

    /// The buses and routes that the durable log has ever named. Does not read the disk.
    #[must_use]
    pub fn routes(&self) -> Named {
        self.inner.shared.index.read().opened().named()
    }

    /// The payload of the record that opened a route, also when that record was given up since: the
    /// names of the route. Does not read the disk.
    #[must_use]
    pub fn opened_route(&self, route: RouteId) -> Option<Bytes> {
        self.inner.shared.index.read().opened().route(route)
    }

    /// Hands the state records of these frames to `f`.
    pub(super) fn states_in(&self, frames: &[u64], f: &mut dyn FnMut(StoredState)) -> Result<(), LogError> {
        let mut reader = FrameReader::new(self);
        for position in frames {
            let (header, body) = reader.frame(*position, FRAME_HEADER_LEN)?;
            let records = body::decode_verified(&header, &body);
            let records = records.map_err(|refused| self.damage_at(&header, refused))?;
            records
                .states
                .iter()
                .for_each(|state| f(state.stored(&body, header.append_time)));
        }
        Ok(())
    }

    /// Refuses to go from `from` to the first of `frames`, or to `next`, when a gap lies between.
    ///
    /// Sequences jump only over gaps: every jump was checked against the records when it was read.
    fn refuse_gap(&self, bus: BusId, from: u64, frames: &[FrameEntry], next: u64) -> Result<(), LogError> {
        let reached = frames.first().map_or(next, |frame| frame.first_sequence);
        if reached <= from.max(1) {
            return Ok(());
        }
        match self.end_before(bus, reached)? {
            Some(start) if start < reached => {
                let sequences = start..reached;
                Err(LogError::Gap { bus, sequences })
            }
            _ => Ok(()),
        }
    }

    /// Behind the last event of `bus` below `sequence`; `None` when what was there may have been trimmed.
    fn end_before(&self, bus: BusId, sequence: u64) -> Result<Option<u64>, LogError> {
        let shared = &self.inner.shared;
        let index = shared.index.read();
        let sealed = Arc::clone(index.sealed());
        let in_active = index.active().end_before(bus, sequence).ok().flatten();
        drop(index);
        if in_active.is_some() {
            return Ok(in_active);
        }
        for part in sealed.iter().rev() {
            let end = part.ask(|index| index.end_before(bus, sequence))?;
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(shared.segments.are_from_the_beginning().then_some(1))
    }

    /// The next frames of `bus` with events at or above `from`, at most `n`, and its next sequence.
    fn frames(&self, bus: BusId, from: u64, n: usize) -> Result<(Vec<FrameEntry>, u64), LogError> {
        let index = self.inner.shared.index.read();
        let (sealed, next) = (Arc::clone(index.sealed()), index.next(bus));
        let of_active = index.active().frames_from(bus, from, n).unwrap_or_default();
        let is_whole = index
            .active()
            .bus_entry(bus)
            .is_some_and(|entry| entry.first <= from);
        drop(index);
        if is_whole {
            return Ok((of_active, next));
        }
        let mut found = Vec::new();
        for part in sealed.get(start(&sealed, Some(bus), from)?..).unwrap_or_default() {
            if found.len() >= n {
                return Ok((found, next));
            }
            found.extend(part.ask(|index| index.frames_from(bus, from, n - found.len()))?);
        }
        let room = n.saturating_sub(found.len());
        found.extend(of_active.into_iter().take(room));
        Ok((found, next))
    }

    /// The segment that holds `position`.
    pub(super) fn segment(&self, position: u64) -> Result<Arc<Segment>, LogError> {
        let shared = &self.inner.shared;
        if let Some(segment) = shared.segments.at(position) {
            return Ok(segment);
        }
        // The index was asked before the segments went.
        if shared.segments.first().is_some_and(|first| position < first) {
            return Err(LogError::GivenUp);
        }
        Err(LogError::Corrupt {
            damage: vec![Damage {
                segment: segment::path(&shared.config.dir, position),
                positions: position..position + FRAME_HEADER_LEN as u64,
                reason: "the segment is missing",
                missing: Vec::new(),
            }],
        })
    }

    fn damage_at(&self, header: &FrameHeader, refused: Refused) -> LogError {
        match self.segment(header.position) {
            Ok(segment) => damage(&segment, header, refused),
            Err(error) => error,
        }
    }
}

/// Asks again while segments are given up that the answer was to come from.
///
/// Every time some were, so this ends: retention never passes what it keeps.
fn of_what_is_left<T>(ask: impl Fn() -> Result<T, LogError>) -> Result<T, LogError> {
    loop {
        match ask() {
            Err(LogError::GivenUp) => {}
            answer => return answer,
        }
    }
}

/// The first of the sealed segments that may hold `sequence` of `bus` or what follows it.
fn start(sealed: &Parts, bus: Option<BusId>, sequence: u64) -> Result<usize, LogError> {
    let Some(bus) = bus else { return Ok(0) };
    for (at, part) in sealed.iter().enumerate().rev() {
        let entry = part.ask(|index| Ok(index.bus(bus)))?;
        if entry.is_some_and(|entry| entry.first <= sequence) {
            return Ok(at);
        }
    }
    Ok(0)
}

/// Separates a verified header at `position` from what was read behind it.
pub(super) fn split<'b>(
    segment: &Segment,
    position: u64,
    bytes: &'b [u8],
) -> Result<(FrameHeader, &'b [u8]), LogError> {
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

pub(super) fn damage(segment: &Segment, header: &FrameHeader, refused: Refused) -> LogError {
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
