//! Brings the routes at work in line with the catalog: at the start all of them, later those of rules
//! that changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::engine::Shared;
use super::gate::Gate;
use super::queue::Queue;
use super::route::Route;
use super::unfinished::OnRoute;
use crate::catalog::RouteNames;
use crate::catalog::RuleView;
use crate::catalog::View;
use crate::log::BusId;
use crate::log::RouteId;

/// What the log says about deliveries at the start.
pub(super) struct Restored {
    pub(super) routes: HashMap<RouteId, OnRoute>,
    pub(super) next: HashMap<BusId, u64>,
}

impl Shared {
    /// Opens every route of the catalog with what the log says of it, and wakes those with work.
    pub(super) fn restore_routes(self: &Arc<Self>, view: &View, restored: &mut Restored) {
        for names in view.routes() {
            let next = restored.next.get(&names.bus_id).copied().unwrap_or(1);
            let unfinished = restored.routes.remove(&names.id).unwrap_or_default();
            let route = self.route_of(view, names, next, unfinished);
            self.routes.write().insert(names.id, route);
        }
        self.spread_pauses(view.buses().flat_map(|bus| bus.rules.values()));
        for names in view.routes() {
            self.set_to_work(view, names);
        }
    }

    /// Follows a change of the catalog; costs what the change is, not what the catalog holds.
    ///
    /// A route is opened before any event can take it.
    pub(super) fn take_over(self: &Arc<Self>, before: &View, view: &View) {
        let changes = view.changes_since(before);
        let routes = |rules: &[&RuleView]| -> Vec<&RouteNames> {
            let ids = rules.iter().flat_map(|rule| rule.routes.iter());
            ids.filter_map(|id| view.route(*id)).collect()
        };
        let opened = routes(&changes.put);
        for names in &opened {
            if !self.routes.read().contains_key(&names.id) {
                let next = self.log.next_sequence(names.bus_id);
                let unfinished = self.unclaimed.lock().remove(&names.id).unwrap_or_default();
                let route = self.route_of(view, names, next, unfinished);
                self.routes.write().insert(names.id, route);
            }
            self.reorder(before, view, names.id);
        }
        self.spread_pauses(changes.put.iter().copied());
        let closed = routes(&changes.gone).into_iter().filter(|names| names.is_closed);
        for names in closed.chain(opened) {
            self.set_to_work(view, names);
        }
    }

    fn route_of(&self, view: &View, names: &RouteNames, next: u64, unfinished: OnRoute) -> Arc<Route> {
        let now = self.clock.moment();
        let gate = Gate::restored(unfinished.state.clone(), now);
        let mut queue = Queue::restored(next - 1, unfinished, now);
        queue.share(&self.retries);
        queue.keep_order(view.target(names.id).is_some_and(|target| target.order.is_some()));
        Arc::new(Route::new(names.id, names.bus_id, queue, gate))
    }

    /// A closed route stops; an open one asks for consent if it must, and delivers.
    fn set_to_work(self: &Arc<Self>, view: &View, names: &RouteNames) {
        let Some(route) = self.routes.read().get(&names.id).cloned() else {
            return;
        };
        if names.is_closed {
            return route.queue.lock().close();
        }
        if let Some(target) = view.target(names.id) {
            self.shake_hands(&route, target);
        }
        self.wake(&route);
    }

    /// A route whose order changed finds the keys of its events anew.
    fn reorder(&self, before: &View, view: &View, id: RouteId) {
        let (Some(old), Some(new)) = (before.target(id), view.target(id)) else {
            return;
        };
        if old.order != new.order
            && let Some(route) = self.routes.read().get(&id)
        {
            let mut queue = route.queue.lock();
            queue.keep_order(new.order.is_some());
            queue.forget_keys();
        }
    }
}
