//! The index in memory: where the events of a bus are and what a route has to do.
//!
//! Rebuilt by one scan when the log is opened, then extended by the writer after each sync and
//! before the acknowledgement: it names durable records only.

mod bus;
mod route;

use super::event::{StateKind, StateRecord, StoredEvent};
use super::format::body::Records;
use super::format::frame::FrameHeader;
use super::ids::{BusId, RouteId};
pub(crate) use bus::{BusIndex, FrameEntry};
use route::RouteIndex;
use std::collections::HashMap;

/// The buses and routes that the log has ever named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Every route that an event took, that was opened, or that a state record is about; ascending.
    pub routes: Vec<RouteId>,
    /// The highest of them; 0 when there is none.
    pub highest_route: RouteId,
    /// The highest bus; 0 when there is none.
    pub highest_bus: BusId,
}

/// Everything that is found without reading the disk.
#[derive(Default)]
pub(crate) struct Index {
    buses: HashMap<BusId, BusIndex>,
    routes: HashMap<RouteId, RouteIndex>,
    /// Frames with state records, ascending.
    state_frames: Vec<u64>,
    highest_bus: BusId,
}

impl Index {
    /// The part of a bus, when it has any.
    pub(crate) fn bus(&self, bus: BusId) -> Option<&BusIndex> {
        self.buses.get(&bus)
    }

    /// The part of a bus, made when it is absent.
    pub(crate) fn bus_mut(&mut self, bus: BusId) -> &mut BusIndex {
        self.buses.entry(bus).or_default()
    }

    /// Adds a frame that the scan read.
    pub(crate) fn add_scanned(&mut self, header: &FrameHeader, records: &Records<'_>) {
        self.add_frame(header);
        for (sequence, event) in (header.first_sequence..).zip(&records.events) {
            self.add_event(sequence, &event.routes);
        }
        for state in &records.states {
            self.add_state(
                header.position,
                state.kind,
                state.route,
                state.bus,
                state.sequences(),
            );
        }
    }

    /// Adds a frame that the writer made durable.
    pub(crate) fn add_written(
        &mut self,
        header: &FrameHeader,
        events: &[StoredEvent],
        states: &[StateRecord],
    ) {
        self.add_frame(header);
        for event in events {
            self.add_event(event.sequence, &event.routes);
        }
        for state in states {
            let sequences = state.sequences.iter().copied();
            self.add_state(header.position, state.kind, state.route, state.bus, sequences);
        }
    }

    fn add_frame(&mut self, header: &FrameHeader) {
        if header.event_count > 0 {
            self.highest_bus = self.highest_bus.max(header.bus);
            self.bus_mut(header.bus).add(header);
        }
        if header.record_count > u32::from(header.event_count) {
            self.state_frames.push(header.position);
        }
    }

    fn add_event(&mut self, sequence: u64, routes: &[RouteId]) {
        for route in routes {
            self.routes.entry(*route).or_default().add_event(sequence);
        }
    }

    fn add_state(
        &mut self,
        position: u64,
        kind: StateKind,
        route: RouteId,
        bus: BusId,
        sequences: impl Iterator<Item = u64>,
    ) {
        self.highest_bus = self.highest_bus.max(bus);
        if route != RouteId(0) {
            let index = self.routes.entry(route).or_default();
            sequences.for_each(|sequence| index.add_state(sequence, position));
        }
        debug_assert!(
            kind != StateKind::RouteOpened || route != RouteId(0),
            "a route without a number was opened"
        );
    }

    /// Sequences above `after` that took `route`, at most `n`, ascending.
    pub(crate) fn route_events(&self, route: RouteId, after: u64, n: usize) -> Vec<u64> {
        self.routes
            .get(&route)
            .map(|route| route.events_after(after, n))
            .unwrap_or_default()
    }

    /// How many events above `after` took `route`.
    pub(crate) fn route_backlog(&self, route: RouteId, after: u64) -> usize {
        self.routes
            .get(&route)
            .map_or(0, |route| route.count_after(after))
    }

    /// Positions of the frames with state records of `route` that name `sequence`, ascending.
    pub(crate) fn route_states(&self, route: RouteId, sequence: u64) -> Vec<u64> {
        self.routes
            .get(&route)
            .map(|route| route.states_of(sequence))
            .unwrap_or_default()
    }

    /// Positions of all frames with state records, ascending.
    pub(crate) fn state_frames(&self) -> Vec<u64> {
        self.state_frames.clone()
    }

    /// What was ever named.
    pub(crate) fn named(&self) -> Named {
        let mut routes: Vec<RouteId> = self.routes.keys().copied().collect();
        routes.sort_unstable();
        let highest_route = routes.last().copied().unwrap_or_default();
        Named {
            routes,
            highest_route,
            highest_bus: self.highest_bus,
        }
    }
}
