//! What routes are doing.

use std::sync::atomic::Ordering;

use super::engine::DeliveryError;
use super::engine::Engine;
use super::route::Route;
use super::route::RouteStatus;
use super::route::Standing;
use crate::catalog::RuleName;
use crate::catalog::Target;
use crate::log::RouteId;

impl Engine {
    /// What every open route is doing, by bus, rule and target. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn routes(&self) -> Result<Vec<RouteStatus>, DeliveryError> {
        let view = self.shared.view.load();
        let open = view.routes().filter(|names| !names.is_closed);
        let all: Result<Vec<_>, _> = open.map(|names| self.route_status(names.id)).collect();
        let mut all: Vec<_> = all?.into_iter().flatten().collect();
        all.sort_by(|a, b| (&a.bus, &a.rule, &a.target).cmp(&(&b.bus, &b.rule, &b.target)));
        Ok(all)
    }

    /// What the open route of these names is doing; `None` when there is no such route. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn find_route(
        &self,
        bus: &str,
        rule: &str,
        target: &str,
    ) -> Result<Option<RouteStatus>, DeliveryError> {
        let view = self.shared.view.load();
        let rule = RuleName::parse(rule).ok();
        let live = rule.and_then(|rule| view.bus(bus)?.rules.get(&rule));
        let is_meant = |id: &&RouteId| {
            view.route(**id)
                .is_some_and(|names| names.target.as_str() == target)
        };
        match live.and_then(|live| live.routes.iter().find(is_meant)) {
            Some(id) => self.route_status(*id),
            None => Ok(None),
        }
    }

    /// What one open route is doing; `None` when there is no such route. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn route_status(&self, id: RouteId) -> Result<Option<RouteStatus>, DeliveryError> {
        let view = self.shared.view.load();
        let route = self.shared.routes.read().get(&id).cloned();
        let (Some(names), Some(target), Some(route)) = (view.route(id), view.target(id), route) else {
            return Ok(None);
        };
        let log = &self.shared.log;
        let (counts, oldest, (cursor, taken)) = {
            let queue = route.queue.lock();
            let counts = (queue.in_flight(), queue.retrying(), queue.dead().len());
            (counts, queue.oldest(), queue.backlog())
        };
        let unread = log.route_backlog(id, cursor).map_err(DeliveryError::Log)?;
        let oldest = match oldest {
            Some(oldest) => Some(oldest),
            None => log
                .route_events(id, cursor, 1)
                .map_err(DeliveryError::Log)?
                .first()
                .copied(),
        };
        let oldest_at_ms = match oldest {
            Some(sequence) => log.time_of(route.bus, sequence).map_err(DeliveryError::Log)?,
            None => None,
        };
        let (in_flight, retrying, dead) = counts;
        let steady_ms = self.shared.clock.steady_ms();
        let (circuit, (attempt_rate, failure_rate)) = {
            let gate = route.gate.lock();
            (gate.circuit(target, steady_ms), gate.rates(steady_ms))
        };
        Ok(Some(RouteStatus {
            bus: names.bus.as_str().to_owned(),
            rule: names.rule.as_str().to_owned(),
            target: names.target.as_str().to_owned(),
            standing: self.standing(&route, target, steady_ms),
            circuit,
            broker: self.shared.targets.broker(target),
            backlog: taken + unread,
            in_flight,
            retrying,
            dead,
            delivered: route.delivered.load(Ordering::Relaxed),
            attempt_rate,
            failure_rate,
            oldest_at_ms,
        }))
    }

    fn standing(&self, route: &Route, target: &Target, steady_ms: i64) -> Standing {
        let has_room = route.queue.lock().has_room_for_retries();
        let gate = route.gate.lock();
        if let Some(reason) = gate.disabled(target) {
            Standing::Disabled(reason.to_owned())
        } else if gate.is_paused() {
            Standing::Paused("rule-paused")
        } else if target.paused {
            Standing::Paused("target-paused")
        } else if gate.is_silent(steady_ms) {
            Standing::Paused("throttled")
        } else if self.shared.log.is_reserve_used_up() {
            Standing::Held("storage-full")
        } else if route.consents.is_missing(target) {
            Standing::Held("no-consent")
        } else if !has_room {
            Standing::Held("retries-full")
        } else {
            Standing::Active
        }
    }
}
