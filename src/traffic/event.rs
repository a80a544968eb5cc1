//! Reading events of a type again.

use serde_json::Value;

use crate::catalog::BusName;
use crate::catalog::View;
use crate::event;
use crate::event::Event;
use crate::log::Log;
use crate::log::LogError;
use crate::log::StoredEvent;
use crate::routing::json_data;

use super::seen::Seen;

/// The places of the newest events of a type on all buses or one, at most so many, newest first.
pub(super) fn places(seen: &Seen, kind: &str, bus: Option<&BusName>, most: usize) -> Vec<(BusName, u64)> {
    let mut places: Vec<(i64, BusName, u64)> = Vec::new();
    for (on, record) in seen.of(kind).filter(|(on, _)| bus.is_none_or(|bus| bus == *on)) {
        let newest = record.recent.iter().rev().take(most);
        places.extend(newest.map(|(time_ms, sequence)| (*time_ms, on.clone(), *sequence)));
    }
    places.sort_by(|a, b| (b.0, &b.1, b.2).cmp(&(a.0, &a.1, a.2)));
    places.truncate(most);
    places
        .into_iter()
        .map(|(_, bus, sequence)| (bus, sequence))
        .collect()
}

/// An event that is still there.
pub(super) fn read(log: &Log, view: &View, bus: &BusName, sequence: u64) -> Result<Option<Event>, LogError> {
    let Some(bus) = view.bus(bus.as_str()) else {
        return Ok(None);
    };
    match log.event(bus.id, sequence) {
        Err(LogError::Gap { .. }) | Ok(None) => Ok(None),
        Ok(Some(stored)) => Ok(decoded(&stored)),
        Err(error) => Err(error),
    }
}

/// The event of a record; none if it cannot be read.
pub(super) fn decoded(stored: &StoredEvent) -> Option<Event> {
    event::decode_attributes(&stored.attributes, stored.data.clone()).ok()
}

/// The data of an event, if it is JSON.
pub(super) fn data(event: &Event) -> Option<Value> {
    serde_json::from_slice(json_data(event)?).ok()
}
