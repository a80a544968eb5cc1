//! A schema proposed from real events, and how they have drifted away from the schema there is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use serde_json::Value;

use super::event;
use super::evidence::Masks;
use super::record::RECENT;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::event::Event;
use crate::event::stored_source_and_type;
use crate::log::Log;
use crate::log::LogError;
use crate::log::StoredEvent;
use crate::routing::json_data;
use crate::schema::infer::Finding;
use crate::schema::infer::Inference;
use crate::schema::infer::Statistics;
use crate::schema::infer::drift;

/// Events of a bus that are looked at, at most.
const MAX_SCANNED: u64 = 1_000_000;
/// Events read at once, and their bytes.
const CHUNK: (usize, usize) = (1_000, 4 << 20);

/// Which events to look at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those of one bus.
    pub bus: Option<BusName>,
    /// The first sequences of buses; empty for the newest events.
    pub from: Vec<(BusName, u64)>,
    /// The sequences behind the last ones; a bus without has none.
    pub to: Vec<(BusName, u64)>,
    /// How many.
    pub sample: usize,
}

/// What real events say about a schema.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// A schema that accepts all of them.
    pub schema: Value,
    /// What was seen of each field.
    pub statistics: Statistics,
    /// How they differ from the newest version.
    pub drift: Vec<Finding>,
    /// The number of that version.
    pub version: Option<u32>,
    /// Whether all events wanted were looked at.
    pub is_complete: bool,
}

/// Looks at events of a type. Blocking; memory is bounded, whatever the events hold.
///
/// # Errors
/// The log cannot be read.
pub fn infer(traffic: &Traffic, view: &View, kind: &str, wanted: &Wanted) -> Result<Inferred, LogError> {
    let mut inference = Inference::new();
    let mut observe = |event: &Event| {
        // What cannot be read is counted.
        inference
            .observe(json_data(event).unwrap_or_default())
            .unwrap_or_default();
    };
    let is_complete = if wanted.from.is_empty() {
        newest(traffic, view, (kind, wanted), &mut observe)?
    } else {
        let mut left = wanted.sample;
        range(traffic.log(), view, wanted, |_, stored| {
            let Some(event) = event::decoded(stored).filter(|event| event.kind() == kind) else {
                return ControlFlow::Continue(());
            };
            if left == 0 {
                return ControlFlow::Break(());
            }
            observe(&event);
            left -= 1;
            ControlFlow::Continue(())
        })?
    };
    let masks = Masks::of(view, kind);
    let (mut schema, mut statistics) = (inference.schema(), inference.statistics());
    let latest = view.schema(kind).and_then(|entry| entry.latest());
    let compiled = latest.and_then(|version| version.compiled().ok());
    let mut drift = compiled.map_or_else(Vec::new, |old| drift(old.document.value(), &statistics));
    masks.hide_in_schema(&mut schema);
    masks.hide_in_statistics(&mut statistics, &mut drift);
    Ok(Inferred {
        schema,
        statistics,
        drift,
        version: latest.map(|version| version.number),
        is_complete,
    })
}

fn newest(
    traffic: &Traffic,
    view: &View,
    (kind, wanted): (&str, &Wanted),
    observe: &mut impl FnMut(&Event),
) -> Result<bool, LogError> {
    let (places, is_complete) = newest_places(traffic, view, kind, wanted)?;
    for (bus, sequence) in places {
        if let Some(read) = event::read(traffic.log(), view, &bus, sequence)? {
            observe(&read);
        }
    }
    Ok(is_complete)
}

/// The places of the newest events of a type, newest first; what is not remembered is searched for. Whether
/// these are all that there are.
pub(super) fn newest_places(
    traffic: &Traffic,
    view: &View,
    kind: &str,
    wanted: &Wanted,
) -> Result<(Vec<(BusName, u64)>, bool), LogError> {
    let (places, has_all) = traffic.with(|seen| {
        let places = event::places(seen, kind, wanted.bus.as_ref(), wanted.sample);
        (places, seen.has_all())
    });
    let is_enough = wanted.sample <= RECENT && places.len() >= wanted.sample;
    if is_enough || (has_all && wanted.sample <= RECENT) {
        return Ok((places, true));
    }
    let mut found: BinaryHeap<Reverse<(i64, BusName, u64)>> = BinaryHeap::new();
    let is_complete = range(traffic.log(), view, wanted, |bus, stored| {
        let names = stored_source_and_type(&stored.attributes);
        if names.is_ok_and(|(_, of)| of == kind) {
            found.push(Reverse((stored.time_ms, bus.clone(), stored.sequence)));
            if found.len() > wanted.sample {
                found.pop();
            }
        }
        ControlFlow::Continue(())
    })?;
    // Ascending in reverse: the newest first.
    let newest = found.into_sorted_vec().into_iter();
    let places = newest
        .map(|Reverse((_, bus, sequence))| (bus, sequence))
        .collect();
    Ok((places, is_complete))
}

/// Shows the events of the range that is wanted, of each bus the newest [`MAX_SCANNED`]; whether it was all of them.
fn range(
    log: &Log,
    view: &View,
    wanted: &Wanted,
    mut show: impl FnMut(&BusName, &StoredEvent) -> ControlFlow<()>,
) -> Result<bool, LogError> {
    let mut is_complete = true;
    let buses = view.buses().filter(|bus| match &wanted.bus {
        Some(name) => bus.name == *name,
        None => !bus.name.is_system(),
    });
    for bus in buses {
        let place = |places: &[(BusName, u64)]| {
            places
                .iter()
                .find(|(name, _)| *name == bus.name)
                .map(|(_, sequence)| *sequence)
        };
        let end = log.next_sequence(bus.id);
        let until = place(&wanted.to).unwrap_or(end).min(end);
        let from = place(&wanted.from).unwrap_or(1).max(log.sequences(bus.id)?.start);
        let mut next = from.max(until.saturating_sub(MAX_SCANNED));
        is_complete &= next == from || next >= until;
        while next < until {
            let events = match log.read(bus.id, next, CHUNK.0, CHUNK.1) {
                Err(LogError::Gap { sequences, .. }) => {
                    next = sequences.end;
                    continue;
                }
                read => read?,
            };
            let Some(last) = events.last() else { break };
            next = last.sequence + 1;
            for stored in events.iter().take_while(|stored| stored.sequence < until) {
                if show(&bus.name, stored).is_break() {
                    return Ok(false);
                }
            }
        }
    }
    Ok(is_complete)
}
