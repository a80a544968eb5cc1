//! Whether a route may make one more attempt, and which.

use super::engine::Shared;
use super::gate::Admission;
use super::queue::Due;
use super::route::Route;

/// Who may go through at a steady time, and how many attempts this route may have in flight by its
/// own settings; none when the route is closed, or nothing may be attempted at all.
pub(super) fn admission(shared: &Shared, route: &Route, steady_ms: i64) -> Option<(Admission, usize)> {
    let view = shared.view.load();
    let target = view.target(route.id)?;
    if shared.stop.is_cancelled() || shared.log.is_reserve_used_up() {
        return None;
    }
    let mut admission = route.gate.lock().admit(target, steady_ms);
    if matches!(admission, Admission::All | Admission::One) {
        let opens_ms = route.consents.opens_ms(target, steady_ms);
        if opens_ms > steady_ms {
            admission = Admission::Later(opens_ms);
        }
    }
    let bound = usize::try_from(target.concurrency).unwrap_or(usize::MAX);
    Some((admission, bound))
}

/// An attempt counts for the rate; what ends without a call does not.
pub(super) fn begin(shared: &Shared, route: &Route, steady_ms: i64) {
    let view = shared.view.load();
    if let Some(target) = view.target(route.id) {
        route.gate.lock().begin(target, steady_ms);
        route.consents.called(steady_ms);
    }
}

/// The next delivery of a route, if it may go at once in the place of one that has ended.
pub(super) fn next(shared: &Shared, route: &Route) -> Option<Due> {
    let view = shared.view.load();
    if view.target(route.id)?.rate.is_some() {
        // Only the worker, which is one, counts what the rate still allows.
        return None;
    }
    let steady_ms = shared.clock.steady_ms();
    let (Admission::All, bound) = admission(shared, route, steady_ms)? else {
        return None;
    };
    let due = {
        let mut queue = route.queue.lock();
        if queue.in_flight() >= bound {
            return None;
        }
        queue.take(steady_ms)?
    };
    route.consents.called(steady_ms);
    Some(due)
}
