//! The attempts that the server holds open at once, and how routes share them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::route::Route;
use crate::log::RouteId;

/// Slots that all routes share, beside the one that each route has to itself.
///
/// A route may hold as many as are free. So one greedy route takes half of them, and k of them
/// leave a part in k + 1 free: whoever comes next finds room, without anyone being cut short.
#[derive(Debug)]
pub(super) struct Slots(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Routes that want one more, by how many they hold: who has least goes first.
    starved: BTreeMap<(usize, RouteId), Arc<Route>>,
}

/// One shared slot, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self(Mutex::new(State {
            free: count,
            starved: BTreeMap::new(),
        }))
    }

    /// One more slot for a route that holds `held`.
    ///
    /// If it may have none now, its [`work`](Route::work) is notified once when it may, unless it
    /// [forgoes](Self::forgo) it before.
    pub(super) fn take(self: &Arc<Self>, route: &Arc<Route>, held: usize) -> Option<Slot> {
        let mut state = self.0.lock();
        if held < state.free {
            state.free -= 1;
            return Some(Slot(Arc::clone(self)));
        }
        state.starved.insert((held, route.id), Arc::clone(route));
        None
    }

    /// The route that was refused with `held` does not wait any more.
    pub(super) fn forgo(&self, route: RouteId, held: usize) {
        self.0.lock().starved.remove(&(held, route));
    }

    /// Wakes the next route that may have a slot: for one that was woken and did not take it.
    pub(super) fn pass_on(&self) {
        self.0.lock().wake_next();
    }
}

impl State {
    fn wake_next(&mut self) {
        if let Some(next) = self.starved.first_entry()
            && next.key().0 < self.free
        {
            next.remove().work.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.free += 1;
        state.wake_next();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::delivery::gate::Gate;
    use crate::delivery::queue::Queue;
    use crate::log::BusId;

    fn route(id: u64) -> Arc<Route> {
        Arc::new(Route::new(
            RouteId(id),
            BusId(1),
            Queue::default(),
            Gate::default(),
        ))
    }

    fn take_all(slots: &Arc<Slots>, route: &Arc<Route>) -> Vec<Slot> {
        let mut held = Vec::new();
        while let Some(slot) = slots.take(route, held.len()) {
            held.push(slot);
        }
        held
    }

    fn is_woken(route: &Route) -> bool {
        route.work.notified().now_or_never().is_some()
    }

    #[test]
    fn greedy_routes_leave_room_for_the_next_one() {
        let slots = Arc::new(Slots::new(4_096));
        let greedy: Vec<_> = (1..=4).map(|id| take_all(&slots, &route(id))).collect();
        assert_eq!(greedy[0].len(), 2_048);
        let next = take_all(&slots, &route(5));
        assert!(next.len() >= 100, "{}", next.len());
    }

    #[test]
    fn a_slot_that_comes_back_goes_to_the_route_that_holds_least() {
        let slots = Arc::new(Slots::new(4));
        let (rich, poor) = (route(1), route(2));
        let mut held = take_all(&slots, &rich);
        let little = take_all(&slots, &poor);
        assert_eq!((held.len(), little.len()), (2, 1));
        held.pop();
        assert!(is_woken(&poor) && !is_woken(&rich));
        assert!(slots.take(&poor, little.len()).is_some());
    }

    #[test]
    fn a_slot_that_nobody_took_is_offered_to_the_next() {
        let slots = Arc::new(Slots::new(1));
        let (first, second) = (route(1), route(2));
        let taken = slots.take(&route(3), 0);
        assert!(slots.take(&first, 0).is_none() && slots.take(&second, 0).is_none());
        drop(taken);
        assert!(is_woken(&first) && !is_woken(&second));
        slots.pass_on();
        assert!(is_woken(&second));
        slots.forgo(RouteId(2), 0);
    }
}
