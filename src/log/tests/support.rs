//! Small logs, events and a clock that stands still.

use crate::log::files::simulated::Simulated;
use crate::log::{
    BusId, DedupKey, Log, LogConfig, LogError, NewEvent, Now, Recovery, RouteId, StateKind, StateRecord,
    StoredEvent,
};
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) const DIR: &str = "/data";
pub(super) const BUS: BusId = BusId(1);
pub(super) const NOW: i64 = 1_700_000_000_000;

pub(super) fn config() -> LogConfig {
    LogConfig {
        segment_size: 64 << 10,
        max_body: 16 << 10,
        admission_wait: Duration::from_secs(30),
        ..LogConfig::new(DIR)
    }
}

pub(super) fn clock(now: i64) -> Now {
    Arc::new(move || now)
}

pub(super) fn try_open(disk: &Simulated) -> Result<(Log, Recovery), LogError> {
    Log::open_with(Arc::new(disk.clone()), config(), clock(NOW), None)
}

pub(super) fn open(disk: &Simulated) -> Log {
    try_open(disk).unwrap().0
}

/// An event whose content follows from its key.
pub(super) fn event(key: u64, len: usize) -> NewEvent {
    NewEvent {
        key: DedupKey(key.into()),
        generation: key,
        routes: vec![RouteId(1 + key % 3), RouteId(10)],
        attributes: Bytes::from(format!("attributes of {key}")),
        data: data(key, len),
        ..NewEvent::default()
    }
}

pub(super) fn data(key: u64, len: usize) -> Bytes {
    (0..len)
        .map(|index| (key as usize * 31 + index * 7) as u8)
        .collect()
}

pub(super) fn state(route: u64, sequences: &[u64]) -> StateRecord {
    StateRecord {
        kind: StateKind::Progress,
        route: RouteId(route),
        bus: BUS,
        epoch: 0,
        sequences: sequences.to_vec(),
        payload: Bytes::from(format!("route {route}")),
    }
}

/// Runs a future on a runtime of its own.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

/// Appends one event and expects it to be new.
pub(super) fn put(log: &Log, key: u64, len: usize) -> u64 {
    let appended = run(log.append(BUS, vec![event(key, len)], Vec::new())).unwrap();
    appended[0].sequence()
}

/// All events of a bus.
pub(super) fn all(log: &Log, bus: BusId) -> Vec<StoredEvent> {
    let mut events: Vec<StoredEvent> = Vec::new();
    loop {
        let from = events.last().map_or(1, |event| event.sequence + 1);
        let more = log.read(bus, from, 7, 4096).unwrap();
        if more.is_empty() {
            return events;
        }
        events.extend(more);
    }
}

pub(super) fn keys(log: &Log) -> Vec<u64> {
    all(log, BUS).iter().map(|event| event.key.0 as u64).collect()
}

pub(super) fn segment(base: u64) -> PathBuf {
    crate::log::segment::path(DIR.as_ref(), base)
}

/// Where the log on this disk ends.
pub(super) fn end(disk: &Simulated) -> u64 {
    let slots = crate::log::supers::read(disk, DIR.as_ref()).unwrap();
    let slot = slots.newest.unwrap();
    let scope = crate::log::survey::Scope {
        slots: &slots,
        slot,
        write: false,
        from: None,
    };
    let survey = crate::log::survey::survey(disk, DIR.as_ref(), &scope, &mut |_, _| {}).unwrap();
    survey.end
}
