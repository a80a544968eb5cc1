//! The buses and routes that the log has ever named, and what was said of them when they were opened.

use crate::log::event::StateKind;
use crate::log::ids::{BusId, RouteId};
use crate::log::snapshot::Base;
use bytes::Bytes;
use std::collections::HashMap;

/// The buses and routes that the log has ever named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    /// Every bus that was opened; ascending.
    pub buses: Vec<BusId>,
    /// Every route that was opened; ascending.
    pub routes: Vec<RouteId>,
    /// The highest route that anything names; 0 when there is none.
    pub highest_route: RouteId,
    /// The highest bus; 0 when there is none.
    pub highest_bus: BusId,
}

/// What is remembered of an opened route: a server may have a million.
#[derive(Debug)]
struct OpenedRoute {
    bus: BusId,
    said: Box<[u8]>,
}

/// All that was opened, from the records of the log and from the snapshot below them.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    buses: HashMap<BusId, Box<[u8]>>,
    routes: HashMap<RouteId, OpenedRoute>,
    pub(crate) highest_bus: BusId,
    pub(crate) highest_route: RouteId,
}

impl Opened {
    /// Adds what a snapshot knows and no record since has said otherwise.
    pub(crate) fn absorb(&mut self, base: &Base) {
        for (bus, said) in &base.buses {
            self.buses.entry(*bus).or_insert_with(|| said.as_ref().into());
        }
        for (route, bus, said) in &base.routes {
            self.routes.entry(*route).or_insert_with(|| OpenedRoute {
                bus: *bus,
                said: said.as_ref().into(),
            });
        }
        self.reach(base.highest_route, base.highest_bus);
    }

    /// Takes in a state record; `said` is its payload.
    pub(crate) fn add(&mut self, kind: StateKind, route: RouteId, bus: BusId, said: &[u8]) {
        self.reach(route, bus);
        match kind {
            StateKind::RouteOpened => {
                let said = said.into();
                self.routes.insert(route, OpenedRoute { bus, said });
            }
            StateKind::BusOpened => {
                self.buses.insert(bus, said.into());
            }
            _ => {}
        }
    }

    /// Takes in that something names them.
    pub(crate) fn reach(&mut self, route: RouteId, bus: BusId) {
        self.highest_route = self.highest_route.max(route);
        self.highest_bus = self.highest_bus.max(bus);
    }

    /// The bus of a route, if the route was opened with it.
    pub(crate) fn bus_of(&self, route: RouteId) -> Option<BusId> {
        let bus = self.routes.get(&route)?.bus;
        Some(bus).filter(|bus| *bus != BusId(0))
    }

    /// What was said of a route when it was opened.
    pub(crate) fn route(&self, route: RouteId) -> Option<Bytes> {
        let opened = self.routes.get(&route)?;
        Some(Bytes::copy_from_slice(&opened.said))
    }

    /// Which they are.
    pub(crate) fn named(&self) -> Named {
        let mut buses: Vec<BusId> = self.buses.keys().copied().collect();
        buses.sort_unstable();
        let mut routes: Vec<RouteId> = self.routes.keys().copied().collect();
        routes.sort_unstable();
        Named {
            buses,
            routes,
            highest_route: self.highest_route,
            highest_bus: self.highest_bus,
        }
    }

    /// Buses with what was said of them, as a snapshot holds them.
    pub(crate) fn buses(&self) -> Vec<(BusId, Bytes)> {
        let said = self.buses.iter();
        let mut buses: Vec<_> = said
            .map(|(bus, said)| (*bus, Bytes::copy_from_slice(said)))
            .collect();
        buses.sort_unstable();
        buses
    }

    /// Routes with their buses and what was said of them, as a snapshot holds them.
    pub(crate) fn routes(&self) -> Vec<(RouteId, BusId, Bytes)> {
        let opened = self.routes.iter();
        let mut routes: Vec<_> = opened
            .map(|(route, opened)| (*route, opened.bus, Bytes::copy_from_slice(&opened.said)))
            .collect();
        routes.sort_unstable();
        routes
    }
}
