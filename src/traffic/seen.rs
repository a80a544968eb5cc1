//! Which types of events were seen on which bus.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use parking_lot::RwLockWriteGuard;
use tokio_util::sync::CancellationToken;

use super::record::Record;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::event;
use crate::log::BusId;
use crate::log::Log;
use crate::log::LogError;
use crate::problem::chain;
use crate::routing::Router;

/// Events of a bus that are looked at after a start, or when the reader is so far behind.
const LOOK_BACK: u64 = 100_000;
/// Events read at once, and their bytes.
const CHUNK: (usize, usize) = (1_000, 4 << 20);
/// Pairs of bus and type that are kept apart.
const MAX_RECORDS: usize = 20_000;
/// How often the log is read when nobody asks.
const EVERY: Duration = Duration::from_secs(2);

/// Follows what is published. Cheap to share.
pub struct Traffic {
    log: Log,
    router: Arc<Router>,
    seen: RwLock<Seen>,
}

/// What was seen, by type and bus.
#[derive(Debug, Default)]
pub struct Seen {
    types: BTreeMap<Arc<str>, BTreeMap<BusName, Record>>,
    records: usize,
    next: HashMap<BusId, u64>,
    /// Whether events that are there, or types, were left out.
    is_partial: bool,
}

impl Traffic {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(log: Log, router: Arc<Router>) -> Self {
        let seen = RwLock::default();
        Self { log, router, seen }
    }

    /// The log that is followed.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Reads what is new now and then, so that there is never much of it, until `stop`.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let this = Arc::clone(&self);
            // A reader that broke down is tried again.
            drop(tokio::task::spawn_blocking(move || this.with(|_| ())).await);
            let pause = tokio::time::sleep(EVERY);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Shows what was seen of everything that was acknowledged before. Blocking: reads what is new first.
    pub fn with<T>(&self, show: impl FnOnce(&Seen) -> T) -> T {
        let view = Arc::clone(self.router.snapshot().view());
        let seen = self.seen.read();
        if seen.is_current(&self.log, &view) {
            return show(&seen);
        }
        drop(seen);
        let mut seen = self.seen.write();
        seen.forget_buses(&view);
        for bus in view.buses().filter(|bus| !bus.name.is_system()) {
            if let Err(error) = seen.catch_up(&self.log, bus.id, &bus.name) {
                tracing::warn!(bus = %bus.name, error = chain(&error), "events cannot be read for the catalog");
            }
        }
        // Others may look at the same time.
        show(&RwLockWriteGuard::downgrade(seen))
    }
}

impl Seen {
    /// The types seen, in their order.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(AsRef::as_ref)
    }

    /// What was seen of a type, by bus.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = (&BusName, &Record)> {
        self.types.get(kind).into_iter().flatten()
    }

    /// Whether everything that is kept was looked at, and noted.
    #[must_use]
    pub const fn has_all(&self) -> bool {
        !self.is_partial
    }

    /// Whether nothing is new, and no bus is gone.
    fn is_current(&self, log: &Log, view: &View) -> bool {
        let mut buses = view.buses().filter(|bus| !bus.name.is_system());
        let mut kept = self.types.values().flat_map(BTreeMap::keys);
        buses.all(|bus| self.next.get(&bus.id).copied().unwrap_or(1) >= log.next_sequence(bus.id))
            && kept.all(|name| view.bus(name.as_str()).is_some())
    }

    /// Forgets what was seen on buses that are gone.
    fn forget_buses(&mut self, view: &View) {
        for buses in self.types.values_mut() {
            buses.retain(|name, _| view.bus(name.as_str()).is_some());
        }
        self.types.retain(|_, buses| !buses.is_empty());
        self.records = self.types.values().map(BTreeMap::len).sum();
    }

    fn catch_up(&mut self, log: &Log, bus: BusId, name: &BusName) -> Result<(), LogError> {
        let end = log.next_sequence(bus);
        let known = self.next.get(&bus).copied().unwrap_or(1);
        if known >= end {
            return Ok(());
        }
        let oldest = log.sequences(bus)?.start;
        let mut next = known.max(oldest).max(end.saturating_sub(LOOK_BACK));
        self.is_partial |= next > known.max(oldest);
        while next < end {
            let events = match log.read(bus, next, CHUNK.0, CHUNK.1) {
                Err(LogError::Gap { sequences, .. }) => {
                    next = sequences.end;
                    continue;
                }
                read => read?,
            };
            let Some(last) = events.last() else { break };
            next = last.sequence + 1;
            for stored in &events {
                if let Ok((source, kind)) = event::stored_source_and_type(&stored.attributes) {
                    self.add(name, kind, (stored.sequence, stored.time_ms, source));
                }
            }
            self.next.insert(bus, next);
        }
        self.next.insert(bus, next.max(end));
        Ok(())
    }

    fn add(&mut self, bus: &BusName, kind: &str, (sequence, time_ms, source): (u64, i64, &str)) {
        let known = self.types.get_mut(kind).and_then(|buses| buses.get_mut(bus));
        if let Some(record) = known {
            return record.add(sequence, time_ms, source);
        }
        if self.records < MAX_RECORDS {
            self.records += 1;
            let buses = self.types.entry(Arc::from(kind)).or_default();
            let record = buses.entry(bus.clone()).or_default();
            record.add(sequence, time_ms, source);
        } else {
            self.is_partial = true;
        }
    }
}
