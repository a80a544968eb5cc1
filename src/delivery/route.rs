//! One route while the process runs: its queue, and the way to wake its worker.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::queue::Queue;
use crate::log::BusId;
use crate::log::RouteId;

/// Runtime state of a route. The lock is held for moments only, never across an await.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: RouteId,
    pub(super) bus: BusId,
    pub(super) queue: Mutex<Queue>,
    /// A worker runs; set and cleared under the lock of the queue.
    pub(super) has_worker: AtomicBool,
    pub(super) work: Notify,
    /// Deliveries that succeeded since the process started.
    pub(super) delivered: AtomicU64,
}

impl Route {
    pub(super) fn new(id: RouteId, bus: BusId, queue: Queue) -> Self {
        Self {
            id,
            bus,
            queue: Mutex::new(queue),
            has_worker: AtomicBool::new(false),
            work: Notify::new(),
            delivered: AtomicU64::new(0),
        }
    }
}

/// What a route is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteStatus {
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Whether the target is paused.
    pub is_paused: bool,
    /// Events that wait and were not tried yet.
    pub backlog: u64,
    /// Attempts running now.
    pub in_flight: usize,
    /// Deliveries waiting for their next attempt.
    pub retrying: usize,
    /// Open dead letters.
    pub dead: u64,
    /// Deliveries that succeeded since the process started.
    pub delivered: u64,
    /// When the oldest undelivered event was accepted, Unix milliseconds.
    pub oldest_at_ms: Option<i64>,
}
