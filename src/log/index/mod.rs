//! The index: where the events of a bus are, what a route has to do, which keys are known.
//!
//! Each segment has an index of its own. That of the active one is in memory and grows with
//! every group, after its sync and before its acknowledgement: it names durable records only.
//! When the segment is sealed it becomes a file, which is derived and can be built again.

mod ages;
mod entry;
mod file;
mod filter;
mod memory;
mod opened;
mod part;
mod runs;
mod table;

use super::event::{StateRecord, StoredEvent};
use super::format::body::Records;
use super::format::frame::FrameHeader;
use super::ids::{BusId, DedupKey, RouteId};
use super::snapshot::Base;
use ages::Ages;
pub(crate) use entry::{BusEntry, FrameEntry};
#[cfg(any(test, fuzzing))]
pub(crate) use file::IndexFile;
pub(crate) use file::{Of, ends, is_current};
pub(crate) use filter::Filter;
pub(crate) use memory::{KeyHasher, Memory};
pub use opened::Named;
use opened::Opened;
pub(crate) use part::Part;
use std::collections::HashMap;
use std::sync::Arc;
pub(crate) use table::BadIndex;
#[cfg(any(test, fuzzing))]
pub(crate) use table::PAGE_LEN;
use tokio::sync::watch;

/// What can be asked of the index of one segment.
pub(crate) trait Lookup {
    /// The sequences of every bus in the segment, ascending by bus.
    fn buses(&self) -> Vec<BusEntry>;
    /// The sequences of a bus in the segment.
    fn bus(&self, bus: BusId) -> Option<BusEntry>;
    /// Up to `n` frames with events of `bus` at or above `sequence`, ascending.
    fn frames_from(&self, bus: BusId, sequence: u64, n: usize) -> Result<Vec<FrameEntry>, BadIndex>;
    /// Behind the last event of `bus` whose frame begins below `sequence`.
    fn end_before(&self, bus: BusId, sequence: u64) -> Result<Option<u64>, BadIndex>;
    /// The first frame of `bus` that is not older than `time_ms`.
    fn frame_at(&self, bus: BusId, time_ms: i64) -> Result<Option<FrameEntry>, BadIndex>;
    /// Up to `n` sequences above `after` that took `route`, ascending.
    fn route_events(&self, route: RouteId, after: u64, n: usize) -> Result<Vec<u64>, BadIndex>;
    /// How many sequences above `after` took `route`.
    fn route_count(&self, route: RouteId, after: u64) -> Result<u64, BadIndex>;
    /// Positions of the frames with state records of `route` that name `sequence`, ascending.
    fn route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<u64>, BadIndex>;
    /// Positions of all frames with state records, ascending.
    fn state_frames(&self) -> Result<Vec<u64>, BadIndex>;
    /// The sequences of the events with a key, ascending; more than one only when it is of
    /// different events, or of one that was stored again after the dedup window.
    fn keyed(&self, bus: BusId, key: DedupKey) -> Result<Vec<u64>, BadIndex>;
    /// Hands every row of every consume queue to `f`, ascending by route and sequence.
    fn each_route_event(&self, f: &mut dyn FnMut(RouteId, u64)) -> Result<(), BadIndex>;
    /// Position behind the last frame with records, and its time; 0 without one.
    fn extent(&self) -> (u64, i64);
    /// Whether the segment may hold the key: `false` is certain.
    fn may_hold(&self, bus: BusId, key: DedupKey) -> bool;
}

/// The sealed segments' indexes, ascending; shared by everybody who reads at the same time.
pub(crate) type Parts = Arc<Vec<Arc<Part>>>;

/// The indexes of all segments and what is known beyond them.
#[derive(Default)]
pub(crate) struct Index {
    sealed: Parts,
    active: Memory,
    next: HashMap<BusId, watch::Sender<u64>>,
    opened: Opened,
    ages: Ages,
}

impl Index {
    /// Adds what a snapshot knows that was not read since.
    pub(crate) fn absorb(&mut self, base: &Base) {
        for (bus, next) in &base.next {
            self.next
                .entry(*bus)
                .or_insert_with(|| watch::Sender::new(next - 1));
        }
        self.opened.absorb(base);
    }

    /// The sealed segments.
    pub(crate) fn sealed(&self) -> &Parts {
        &self.sealed
    }

    /// The active segment.
    pub(crate) fn active(&self) -> &Memory {
        &self.active
    }

    /// When positions became durable.
    pub(crate) fn ages(&self) -> &Ages {
        &self.ages
    }

    /// Notes how far the log has grown at `at`.
    pub(crate) fn note_age(&mut self, position: u64, at: i64, oldest: i64) {
        self.ages.note(position, at, oldest);
    }

    /// Adds a frame that the scan read.
    pub(crate) fn add_scanned(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.active.add_scanned(header, records);
        self.count(header);
        for event in &records.events {
            self.count_routes(&event.routes);
        }
        for state in &records.states {
            self.opened.add(state.kind, state.route, state.bus, state.payload);
            if let Some(Ok((bus, lost))) = state.gap() {
                self.reach(bus, lost.end - 1);
            }
        }
    }

    /// Adds a frame that the writer made durable; [`reach_written`](Self::reach_written) follows.
    pub(crate) fn add_written(
        &mut self,
        header: &FrameHeader,
        events: &[StoredEvent],
        states: &[StateRecord],
    ) {
        self.active.add_written(header, events, states);
        for event in events {
            self.count_routes(&event.routes);
        }
        for state in states {
            self.opened
                .add(state.kind, state.route, state.bus, &state.payload);
        }
    }

    /// Tells the followers of the buses how far these frames, which were added, have brought them.
    pub(crate) fn reach_written<'h>(&mut self, headers: impl Iterator<Item = &'h FrameHeader>) {
        let mut headers = headers.filter(|header| header.event_count > 0).peekable();
        while let Some(header) = headers.next() {
            // Followers hear of the last one only: what came with it is visible by then.
            if headers.peek().is_none_or(|next| next.bus != header.bus) {
                self.count(header);
            }
        }
    }

    /// Adds a sealed segment that was not scanned; they come ascending.
    pub(crate) fn add_part(&mut self, part: Arc<Part>) {
        Arc::make_mut(&mut self.sealed).push(part);
    }

    /// The active segment is sealed: takes what was gathered about it.
    pub(crate) fn take_active(&mut self) -> Memory {
        std::mem::take(&mut self.active)
    }

    /// Forgets the first `n` sealed segments.
    pub(crate) fn trim(&mut self, n: usize) {
        let parts = Arc::make_mut(&mut self.sealed);
        parts.drain(..n.min(parts.len()));
    }

    fn count(&mut self, header: &FrameHeader) {
        if header.event_count > 0 {
            self.opened.reach(RouteId(0), header.bus);
            let last = header.first_sequence + u64::from(header.event_count) - 1;
            self.reach(header.bus, last);
        }
    }

    /// The routes of an event ascend: the last is the highest.
    fn count_routes(&mut self, routes: &[RouteId]) {
        if let Some(last) = routes.last() {
            self.opened.reach(*last, BusId(0));
        }
    }

    fn reach(&mut self, bus: BusId, last: u64) {
        let known = self.next.entry(bus).or_insert_with(|| watch::Sender::new(0));
        known.send_if_modified(|known| std::mem::replace(known, last) != last);
    }

    /// Every bus that had events or is followed, with its next sequence.
    pub(crate) fn buses(&self) -> Vec<(BusId, u64)> {
        self.next.keys().map(|bus| (*bus, self.next(*bus))).collect()
    }

    /// The next sequence of a bus.
    pub(crate) fn next(&self, bus: BusId) -> u64 {
        self.next.get(&bus).map_or(1, |last| *last.borrow() + 1)
    }

    /// Follows the last durable sequence of a bus.
    pub(crate) fn watch(&mut self, bus: BusId) -> watch::Receiver<u64> {
        let last = self.next.entry(bus).or_insert_with(|| watch::Sender::new(0));
        last.subscribe()
    }

    /// What was ever opened or named.
    pub(crate) fn opened(&self) -> &Opened {
        &self.opened
    }
}
