//! The index of one segment in memory: of the active one, and of one that was just sealed.

use super::Lookup;
use super::entry::{BusEntry, FrameEntry, KeyEntry, RouteEvent, RouteState, StateFrame};
use super::filter::Filter;
use super::runs::Runs;
use super::table::BadIndex;
use crate::log::event::{StateRecord, StoredEvent};
use crate::log::format::body::Records;
use crate::log::format::frame::FrameHeader;
use crate::log::ids::{BusId, DedupKey, RouteId};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Everything about one segment that is found without reading it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The frames of every bus, ascending by sequence, position and time alike.
    buses: BTreeMap<BusId, Vec<FrameEntry>>,
    events: Runs<RouteEvent>,
    states: Runs<RouteState>,
    state_frames: Vec<StateFrame>,
    /// The first event of each key.
    keys: HashMap<(BusId, DedupKey), u64, BuildHasherDefault<KeyHasher>>,
    /// Further events of keys that are there already: few, if any.
    twins: BTreeSet<KeyEntry>,
    /// Time of the last frame with records.
    last_time: i64,
    /// Position behind that frame; 0 without one.
    end: u64,
}

impl Memory {
    /// Takes in a frame that was read.
    pub(crate) fn add_scanned(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.add_frame(header);
        for (sequence, event) in (header.first_sequence..).zip(&records.events) {
            self.add_event(header.bus, sequence, event.key, &event.routes);
        }
        for state in &records.states {
            self.add_state(header.position, state.route, state.sequences());
        }
    }

    /// Takes in a frame that the writer made durable.
    pub(crate) fn add_written(
        &mut self,
        header: &FrameHeader,
        events: &[StoredEvent],
        states: &[StateRecord],
    ) {
        self.add_frame(header);
        for event in events {
            self.add_event(header.bus, event.sequence, event.key, &event.routes);
        }
        for state in states {
            self.add_state(header.position, state.route, state.sequences.iter().copied());
        }
    }

    fn add_frame(&mut self, header: &FrameHeader) {
        if header.record_count > 0 {
            // Marks and seals do not count: the writer does not index them, and a scan must agree.
            (self.last_time, self.end) = (header.append_time, header.end());
        }
        if header.event_count > 0 {
            self.buses.entry(header.bus).or_default().push(FrameEntry {
                bus: header.bus,
                first_sequence: header.first_sequence,
                position: header.position,
                time_ms: header.append_time,
                len: u32::try_from(header.frame_len()).unwrap_or(u32::MAX),
                events: header.event_count,
            });
        }
        if header.record_count > u32::from(header.event_count) {
            self.state_frames.push(StateFrame {
                position: header.position,
            });
        }
    }

    fn add_event(&mut self, bus: BusId, sequence: u64, key: DedupKey, routes: &[RouteId]) {
        match self.keys.entry((bus, key)) {
            Entry::Vacant(entry) => {
                entry.insert(sequence);
            }
            Entry::Occupied(_) => {
                self.twins.insert(KeyEntry { key, bus, sequence });
            }
        }
        for route in routes {
            self.events.push(RouteEvent {
                route: *route,
                sequence,
            });
        }
    }

    fn add_state(&mut self, position: u64, route: RouteId, sequences: impl Iterator<Item = u64>) {
        if route == RouteId(0) {
            return;
        }
        for sequence in sequences {
            self.states.push(RouteState {
                route,
                sequence,
                position,
            });
        }
    }

    /// Rows that the index of the segment has, but for frames.
    pub(crate) fn entries(&self) -> usize {
        self.keys.len() + self.twins.len() + self.events.len() + self.states.len()
    }

    /// The frames with events, ascending by bus and sequence.
    pub(crate) fn frames(&self) -> impl Iterator<Item = FrameEntry> {
        self.buses.values().flatten().copied()
    }

    /// The consume queues, ascending by route and sequence.
    pub(crate) fn sorted_events(&self) -> Vec<RouteEvent> {
        self.events.sorted()
    }

    /// The timelines, ascending by route and sequence.
    pub(crate) fn sorted_states(&self) -> Vec<RouteState> {
        let mut states = self.states.sorted();
        states.dedup();
        states
    }

    /// Every key with its bus and the sequence of one of its events, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (BusId, DedupKey, u64)> {
        self.keys
            .iter()
            .map(|((bus, key), sequence)| (*bus, *key, *sequence))
    }

    /// The keys, ascending.
    pub(crate) fn sorted_keys(&self) -> Vec<KeyEntry> {
        let rows = self.keys.iter().map(|((bus, key), sequence)| KeyEntry {
            key: *key,
            bus: *bus,
            sequence: *sequence,
        });
        let mut keys: Vec<KeyEntry> = rows.chain(self.twins.iter().copied()).collect();
        keys.sort_unstable();
        keys
    }

    /// A filter over the keys.
    pub(crate) fn filter(&self) -> Filter {
        let mut filter = Filter::sized_for(self.keys.len());
        self.keys.keys().for_each(|(bus, key)| filter.add(*bus, *key));
        filter
    }

    fn frames_of(&self, bus: BusId) -> &[FrameEntry] {
        self.buses.get(&bus).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sequences of a bus here.
    pub(crate) fn bus_entry(&self, bus: BusId) -> Option<BusEntry> {
        let frames = self.frames_of(bus);
        Some(BusEntry {
            bus,
            first: frames.first()?.first_sequence,
            end: frames.last()?.end(),
        })
    }

    /// What this segment holds of each bus.
    pub(crate) fn bus_entries(&self) -> Vec<BusEntry> {
        self.buses.keys().filter_map(|bus| self.bus_entry(*bus)).collect()
    }

    /// The sequences of the events with a key, ascending.
    pub(crate) fn sequences_of(&self, bus: BusId, key: DedupKey) -> Vec<u64> {
        let Some(first) = self.keys.get(&(bus, key)) else {
            return Vec::new();
        };
        let place = |sequence| KeyEntry { key, bus, sequence };
        let twins = self.twins.range(place(0)..=place(u64::MAX));
        std::iter::once(*first)
            .chain(twins.map(|twin| twin.sequence))
            .collect()
    }
}

impl Lookup for Memory {
    fn buses(&self) -> Vec<BusEntry> {
        self.bus_entries()
    }

    fn bus(&self, bus: BusId) -> Option<BusEntry> {
        self.bus_entry(bus)
    }

    fn frames_from(&self, bus: BusId, sequence: u64, n: usize) -> Result<Vec<FrameEntry>, BadIndex> {
        let frames = self.frames_of(bus);
        let skip = frames.partition_point(|frame| frame.end() <= sequence);
        Ok(frames.iter().skip(skip).take(n).copied().collect())
    }

    fn end_before(&self, bus: BusId, sequence: u64) -> Result<Option<u64>, BadIndex> {
        let frames = self.frames_of(bus);
        let behind = frames.partition_point(|frame| frame.first_sequence < sequence);
        let last = behind.checked_sub(1).and_then(|at| frames.get(at));
        Ok(last.map(FrameEntry::end))
    }

    fn frame_at(&self, bus: BusId, time_ms: i64) -> Result<Option<FrameEntry>, BadIndex> {
        let frames = self.frames_of(bus);
        let skip = frames.partition_point(|frame| frame.time_ms < time_ms);
        Ok(frames.get(skip).copied())
    }

    fn route_events(&self, route: RouteId, after: u64, n: usize) -> Result<Vec<u64>, BadIndex> {
        let found = self.events.first(n, |entry| above(entry, route, after));
        Ok(found.into_iter().map(|entry| entry.sequence).collect())
    }

    fn route_count(&self, route: RouteId, after: u64) -> Result<u64, BadIndex> {
        Ok(self.events.count(|entry| above(entry, route, after)) as u64)
    }

    fn route_states(&self, route: RouteId, sequence: u64) -> Result<Vec<u64>, BadIndex> {
        let place = |entry: &RouteState| (entry.route, entry.sequence).cmp(&(route, sequence));
        let mut positions: Vec<u64> = self
            .states
            .find(place)
            .into_iter()
            .map(|state| state.position)
            .collect();
        positions.dedup();
        Ok(positions)
    }

    fn state_frames(&self) -> Result<Vec<u64>, BadIndex> {
        Ok(self.state_frames.iter().map(|frame| frame.position).collect())
    }

    fn keyed(&self, bus: BusId, key: DedupKey) -> Result<Vec<u64>, BadIndex> {
        Ok(self.sequences_of(bus, key))
    }

    fn each_route_event(&self, f: &mut dyn FnMut(RouteId, u64)) -> Result<(), BadIndex> {
        self.events
            .sorted()
            .into_iter()
            .for_each(|entry| f(entry.route, entry.sequence));
        Ok(())
    }

    fn extent(&self) -> (u64, i64) {
        (self.end, self.last_time)
    }

    fn may_hold(&self, bus: BusId, key: DedupKey) -> bool {
        self.keys.contains_key(&(bus, key))
    }
}

/// Whether an entry is below, in or above the queue of `route` behind `after`.
fn above(entry: &RouteEvent, route: RouteId, after: u64) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match entry.route.cmp(&route) {
        Equal if entry.sequence <= after => Less,
        Equal => Equal,
        Less => Less,
        Greater => Greater,
    }
}

/// Keys are cut from SHA-256 keyed with the log's uuid: their own bits are the best hash.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, bus: u32) {
        self.0 ^= u64::from(bus).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, key: u128) {
        let folded = (key ^ (key >> 64)) & u128::from(u64::MAX);
        // Test logs count their keys from 1: spread them over the high bits, which the table reads.
        self.0 ^= u64::try_from(folded)
            .unwrap_or_default()
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
