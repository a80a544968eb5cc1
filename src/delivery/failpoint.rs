//! Moments of a delivery at which a test ends the process, as `kill -9` would.
//!
//! Before whatever delivery makes durable there is a point `delivery::<step>`, and behind it, before
//! anybody acts on it, `delivery::<step>::done`. Without the feature `failpoints` none of it is there.

use crate::log::StateKind;
use crate::log::StateRecord;

/// The step that these records are.
pub(super) fn step_of(records: &[StateRecord]) -> &'static str {
    match records.first().map(|record| record.kind) {
        Some(StateKind::Retry) => "retry",
        Some(StateKind::Held) => "held",
        Some(StateKind::Dead) => "dead",
        Some(StateKind::Dropped) => "dropped",
        Some(StateKind::Redriven) => "redriven",
        Some(StateKind::Job) => "job",
        Some(StateKind::RouteState) => "route-state",
        _ => "other",
    }
}

/// Carries out a step between its points.
pub(super) async fn around<T>(step: &str, change: impl Future<Output = T>) -> T {
    reach(step, "");
    let changed = change.await;
    reach(step, "::done");
    changed
}

/// The process ends here if a test asks for it.
#[cfg(feature = "failpoints")]
pub(super) fn reach(step: &str, place: &str) {
    // A point of delivery can only end the process: it answers nothing that could fail.
    drop(crate::log::reach_failpoint(&format!("delivery::{step}{place}")));
}

/// Nothing can happen here.
#[cfg(not(feature = "failpoints"))]
pub(super) const fn reach(_step: &str, _place: &str) {}
