//! The compiled rules of every bus, as of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::catalog::BusName;
use crate::catalog::RuleName;
use crate::catalog::View;
use crate::log::BusId;
use crate::log::RouteId;
use crate::pattern::RuleSet;

/// The snapshot in force. Reading it costs an atomic load and never waits for a change.
#[derive(Debug)]
pub struct Router {
    current: ArcSwap<Snapshot>,
}

impl Router {
    /// A router in force with `snapshot`.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            current: ArcSwap::new(snapshot),
        }
    }

    /// The snapshot in force now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    pub(super) fn swap(&self, snapshot: Arc<Snapshot>) {
        self.current.store(snapshot);
    }
}

/// The catalog and its compiled rules, of one moment.
#[derive(Debug)]
pub struct Snapshot {
    view: Arc<View>,
    buses: HashMap<String, Arc<BusRules>>,
}

/// The compiled rules of one bus.
#[derive(Debug)]
pub struct BusRules {
    /// The bus.
    pub name: BusName,
    /// Its number in the log.
    pub id: BusId,
    /// The generation that these rules are.
    pub generation: u64,
    pub(super) rules: RuleSet<Arc<RoutedRule>>,
}

/// A rule, and the routes that an event matching it takes.
#[derive(Debug, PartialEq, Eq)]
pub struct RoutedRule {
    /// The rule.
    pub name: RuleName,
    /// Its routes, one a target.
    pub routes: Vec<RouteId>,
}

impl Snapshot {
    /// Compiles the rules of a catalog; buses that did not change are taken from `previous`.
    #[must_use]
    pub fn build(view: Arc<View>, previous: Option<&Self>) -> Self {
        let mut buses = HashMap::new();
        for bus in view.buses() {
            let name = bus.name.as_str();
            let kept = previous
                .and_then(|previous| previous.buses.get(name))
                .filter(|known| known.generation == bus.generation && known.id == bus.id);
            let rules = kept.map_or_else(|| Arc::new(compile(&view, &bus.name)), Arc::clone);
            buses.insert(name.to_owned(), rules);
        }
        Self { view, buses }
    }

    /// The catalog that the rules come from.
    #[must_use]
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// The rules of one bus.
    #[must_use]
    pub fn bus(&self, name: &str) -> Option<&Arc<BusRules>> {
        self.buses.get(name)
    }
}

fn compile(view: &View, name: &BusName) -> BusRules {
    let mut rules = Vec::new();
    let (mut id, mut generation) = (BusId(0), 0);
    if let Some(bus) = view.bus(name.as_str()) {
        (id, generation) = (bus.id, bus.generation);
        for current in bus.rules.values() {
            let routed = RoutedRule {
                name: current.rule.name.clone(),
                routes: current.routes.clone(),
            };
            rules.push((Arc::new(routed), &current.rule.wanted));
        }
    }
    BusRules {
        name: name.clone(),
        id,
        generation,
        rules: RuleSet::compile(rules),
    }
}
