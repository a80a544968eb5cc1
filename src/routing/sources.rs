//! What it takes to put or remove a source.

use super::control::ControlError;
use crate::catalog::BusName;
use crate::catalog::BusView;
use crate::catalog::Change;
use crate::catalog::PlanError;
use crate::catalog::PutSource;
use crate::catalog::RegisteredSource;
use crate::catalog::SourceName;
use crate::catalog::View;

/// Adds or replaces a source; nothing to do if it is the same already.
pub(super) fn put(
    view: &View,
    bus: &BusName,
    source: &RegisteredSource,
    expect: Option<u64>,
) -> Result<Change, ControlError> {
    let found = check_revision(find(view, bus)?, &source.name, expect)?;
    let live = find(view, bus)?.sources.by_name.get(&source.name);
    let mut change = Change::default();
    if live.is_none_or(|live| live.source.spec != source.spec) {
        change.put_sources.push(PutSource {
            bus: bus.clone(),
            name: source.name.clone(),
            expect: found,
            spec: source.spec.clone(),
        });
    }
    Ok(change)
}

/// Removes a source.
pub(super) fn delete(
    view: &View,
    bus: &BusName,
    name: &SourceName,
    expect: Option<u64>,
) -> Result<Change, ControlError> {
    if check_revision(find(view, bus)?, name, expect)? == 0 {
        return Err(ControlError::NoSuchSource {
            bus: bus.clone(),
            name: name.clone(),
        });
    }
    Ok(Change {
        delete_sources: vec![(bus.clone(), name.clone())],
        expect_version: expect.map(|_| view.version()),
        ..Change::default()
    })
}

fn find<'a>(view: &'a View, bus: &BusName) -> Result<&'a BusView, PlanError> {
    view.bus(bus.as_str())
        .ok_or_else(|| PlanError::NoSuchBus(bus.clone()))
}

/// The revision in force, 0 for none.
fn check_revision(bus: &BusView, name: &SourceName, expect: Option<u64>) -> Result<u64, ControlError> {
    let found = bus.sources.by_name.get(name).map_or(0, |live| live.revision);
    match expect {
        Some(expected) if expected != found => Err(ControlError::StaleSource {
            name: name.clone(),
            found,
            expected,
        }),
        _ => Ok(found),
    }
}
