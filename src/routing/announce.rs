//! Tells the log which buses and routes there are, so that it can name them without the catalog.

use bytes::Bytes;
use serde_json::json;

use crate::catalog::Committed;
use crate::catalog::View;
use crate::log::BusId;
use crate::log::Log;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StateRecord;

/// The records of one commit.
pub(super) fn announcements(committed: &Committed, view: &View) -> Vec<StateRecord> {
    let buses = committed
        .buses
        .iter()
        .filter(|bus| !bus.deleted)
        .map(|bus| bus_opened(BusId(bus.number), bus.name.as_str()));
    let opened = committed.opened.iter().map(|route| {
        let id = RouteId(route.id);
        route_opened(
            id,
            view.route(id).map(|names| names.bus_id).unwrap_or_default(),
            route.bus.as_str(),
            route.rule.as_str(),
            route.target.as_str(),
        )
    });
    let closed = committed
        .closed
        .iter()
        .map(|route| route_closed(RouteId(route.id)));
    buses.chain(opened).chain(closed).collect()
}

/// What a crash between the commit in the catalog and its records in the log left untold.
///
/// Run at start, before events are accepted: announces every bus and open route that the log does not know.
#[must_use]
pub fn missing_announcements(log: &Log, view: &View) -> Vec<StateRecord> {
    let known = log.routes();
    let buses = view
        .buses()
        .filter(|bus| known.buses.binary_search(&bus.id).is_err())
        .map(|bus| bus_opened(bus.id, bus.name.as_str()));
    let routes = view
        .routes()
        .filter(|names| !names.is_closed && known.routes.binary_search(&names.id).is_err())
        .map(|names| {
            route_opened(
                names.id,
                names.bus_id,
                names.bus.as_str(),
                names.rule.as_str(),
                names.target.as_str(),
            )
        });
    buses.chain(routes).collect()
}

/// The records of routes that were open and are closed.
pub(super) fn closures(before: &View, view: &View) -> Vec<StateRecord> {
    let changes = view.changes_since(before);
    let routes = changes.gone.iter().flat_map(|rule| &rule.routes);
    let closed = routes.filter(|route| view.route(**route).is_some_and(|names| names.is_closed));
    closed.map(|route| route_closed(*route)).collect()
}

/// What the log was told a route is called, as `bus:rule/target`; `None` when it was told nothing.
#[must_use]
pub fn announced_name(log: &Log, route: RouteId) -> Option<String> {
    let names: serde_json::Value = serde_json::from_slice(&log.opened_route(route)?).ok()?;
    let name = |key: &str| names.get(key)?.as_str();
    let (bus, rule, target) = (name("bus")?, name("rule")?, name("target")?);
    Some(format!("{bus}:{rule}/{target}"))
}

fn bus_opened(bus: BusId, name: &str) -> StateRecord {
    StateRecord {
        bus,
        payload: payload(&json!({ "bus": name })),
        ..StateRecord::new(StateKind::BusOpened)
    }
}

fn route_opened(route: RouteId, bus_id: BusId, bus: &str, rule: &str, target: &str) -> StateRecord {
    let names = payload(&json!({ "bus": bus, "rule": rule, "target": target }));
    StateRecord {
        route,
        bus: bus_id,
        payload: names,
        ..StateRecord::new(StateKind::RouteOpened)
    }
}

fn route_closed(route: RouteId) -> StateRecord {
    StateRecord {
        route,
        ..StateRecord::new(StateKind::RouteClosed)
    }
}

fn payload(names: &serde_json::Value) -> Bytes {
    names.to_string().into()
}
