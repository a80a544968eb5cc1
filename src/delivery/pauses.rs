//! Rules paused and resumed by hand.
//!
//! A pause is recorded for every open route of the rule. It belongs to the rule: a route that opens
//! later is paused like the others, as long as one of them is there to say so.

use std::sync::Arc;

use super::engine::DeliveryError;
use super::engine::Engine;
use super::engine::Shared;
use super::gate::Gate;
use super::recorder;
use super::route::Route;
use super::route_state::RouteState;
use crate::catalog::BusName;
use crate::catalog::RuleName;
use crate::catalog::RuleView;

impl Engine {
    /// Stops sending what a rule matches; it goes on matching, and its events wait. When this
    /// returns it is durable and no attempt begins any more; attempts in flight end.
    ///
    /// # Errors
    /// When the log cannot be written; then a restart may forget the pause.
    pub async fn pause(&self, bus: &BusName, rule: &RuleName) -> Result<(), DeliveryError> {
        self.change_gates(bus, rule, Gate::pause).await
    }

    /// Sends again what a rule matches, whatever stopped it: a pause, a target that was gone, a
    /// circuit that is open. When this returns it is durable.
    ///
    /// # Errors
    /// When the log cannot be written; then a restart may pause the rule again.
    pub async fn resume(&self, bus: &BusName, rule: &RuleName) -> Result<(), DeliveryError> {
        self.change_gates(bus, rule, Gate::resume).await
    }

    /// Whether a rule was paused by [`pause`](Self::pause) and not resumed since.
    #[must_use]
    pub fn is_paused(&self, bus: &BusName, rule: &RuleName) -> bool {
        let routes = self.routes_of(bus, rule);
        routes.iter().any(|route| route.gate.lock().is_paused())
    }

    async fn change_gates(
        &self,
        bus: &BusName,
        rule: &RuleName,
        change: fn(&mut Gate) -> Option<RouteState>,
    ) -> Result<(), DeliveryError> {
        let routes = self.routes_of(bus, rule);
        let changed = routes.iter().filter_map(|route| {
            let state = change(&mut route.gate.lock())?;
            Some(state.record(route.id))
        });
        let records: Vec<_> = changed.collect();
        if !records.is_empty() {
            recorder::record(&self.shared.log, &self.shared.stop, records)
                .await
                .map_err(DeliveryError::Append)?;
        }
        for route in routes {
            self.shared.wake(&route);
        }
        Ok(())
    }

    fn routes_of(&self, bus: &BusName, rule: &RuleName) -> Vec<Arc<Route>> {
        let view = self.shared.view.load();
        let Some(live) = view.rule(bus, rule) else {
            return Vec::new();
        };
        let routes = self.shared.routes.read();
        let open = live.routes.iter().filter_map(|id| routes.get(id));
        open.cloned().collect()
    }
}

impl Shared {
    /// Pauses every route of a rule that has one which is paused.
    pub(super) fn spread_pauses<'a>(&self, rules: impl Iterator<Item = &'a RuleView>) {
        let routes = self.routes.read();
        for rule in rules {
            let siblings = || rule.routes.iter().filter_map(|id| routes.get(id));
            if siblings().any(|route| route.gate.lock().is_paused()) {
                siblings().for_each(|route| route.gate.lock().inherit_pause());
            }
        }
    }
}
