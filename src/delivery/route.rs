//! One route while the process runs: its queue, and the way to wake its worker.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::gate::CircuitState;
use super::gate::Gate;
use super::handshake::Consents;
use super::queue::Queue;
use crate::log::BusId;
use crate::log::RouteId;
use crate::target::BrokerHealth;

/// Runtime state of a route. The locks are held for moments only, one at a time and never across
/// an await.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: RouteId,
    pub(super) bus: BusId,
    pub(super) queue: Mutex<Queue>,
    /// Whether the target may be called.
    pub(super) gate: Mutex<Gate>,
    /// Whether the target wants to be called, if it is asked.
    pub(super) consents: Consents,
    /// A worker runs; set and cleared under the lock of the queue.
    pub(super) has_worker: AtomicBool,
    pub(super) work: Notify,
    /// Deliveries that succeeded since the process started.
    pub(super) delivered: AtomicU64,
}

impl Route {
    pub(super) fn new(id: RouteId, bus: BusId, queue: Queue, gate: Gate) -> Self {
        Self {
            id,
            bus,
            queue: Mutex::new(queue),
            gate: Mutex::new(gate),
            consents: Consents::default(),
            has_worker: AtomicBool::new(false),
            work: Notify::new(),
            delivered: AtomicU64::new(0),
        }
    }
}

/// Whether a route sends, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Active,
    /// Somebody, or its target, asked it not to; the reason is a stable word.
    Paused(&'static str),
    /// Its target takes nothing any more; the reason is a stable word.
    Disabled(String),
    /// It would, and waits for room; the reason is a stable word.
    Held(&'static str),
}

/// What a route is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteStatus {
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Whether it sends, and if not, why.
    pub standing: Standing,
    /// What its circuit breaker does.
    pub circuit: CircuitState,
    /// What is known of its broker, if its target has one.
    pub broker: Option<BrokerHealth>,
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
    /// Attempts a second, over the last half minute.
    pub attempt_rate: f64,
    /// Failed attempts a second, over the last half minute.
    pub failure_rate: f64,
    /// When the oldest undelivered event was accepted, Unix milliseconds.
    pub oldest_at_ms: Option<i64>,
}
