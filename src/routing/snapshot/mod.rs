//! The compiled rules of every bus, as of one moment.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::catalog::BusName;
use crate::catalog::BusView;
use crate::catalog::RuleChanges;
use crate::catalog::RuleName;
use crate::catalog::RuleView;
use crate::catalog::View;
use crate::filter::Match;
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
    /// Compiles the rules of a catalog; what did not change is taken from `previous`.
    #[must_use]
    pub fn build(view: Arc<View>, previous: Option<&Self>) -> Self {
        let mut buses = HashMap::new();
        for bus in view.buses() {
            let name = bus.name.as_str();
            let known = previous.and_then(|previous| {
                let known = previous.buses.get(name).filter(|known| known.id == bus.id)?;
                Some((previous.view.bus(name)?, known))
            });
            let rules = match known {
                Some((_, known)) if known.generation == bus.generation => Arc::clone(known),
                Some((before, known)) => Arc::new(changed(known, before, bus)),
                None => Arc::new(compile(bus)),
            };
            buses.insert(name.to_owned(), rules);
        }
        Self { view, buses }
    }

    /// Whether changes have piled up on some bus, so that compiling it as a whole is worth it.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        self.buses.values().any(|bus| bus.rules.is_worn())
    }

    /// The same rules, with the buses where changes have piled up compiled as a whole.
    ///
    /// Takes a while with many rules, so it is for a thread that may be kept.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let mut buses = self.buses.clone();
        for bus in self.view.buses() {
            if let Some(rules) = buses.get_mut(bus.name.as_str())
                && rules.rules.is_worn()
            {
                *rules = Arc::new(compile(bus));
            }
        }
        Self {
            view: Arc::clone(&self.view),
            buses,
        }
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

fn compile(bus: &BusView) -> BusRules {
    BusRules {
        name: bus.name.clone(),
        id: bus.id,
        generation: bus.generation,
        rules: RuleSet::compile(bus.rules.values().map(entry)),
    }
}

/// The rules of `bus`, made from those of `before` with the differences between the two.
fn changed(known: &BusRules, before: &BusView, bus: &BusView) -> BusRules {
    /// More than this is compiled as a whole at once.
    const FEW: usize = 64;
    let RuleChanges { gone, put } = bus.changes_since(before);
    if gone.len() + put.len() > FEW {
        return compile(bus);
    }
    let gone: HashSet<_> = gone.into_iter().map(|gone| &gone.rule.name).collect();
    BusRules {
        name: bus.name.clone(),
        id: bus.id,
        generation: bus.generation,
        rules: known
            .rules
            .changed(|rule| gone.contains(&rule.name), put.into_iter().map(entry)),
    }
}

/// A rule as the set of its bus holds it.
fn entry(current: &RuleView) -> (Arc<RoutedRule>, &Match) {
    let routed = RoutedRule {
        name: current.rule.name.clone(),
        routes: current.routes.clone(),
    };
    (Arc::new(routed), &current.rule.wanted)
}

#[cfg(test)]
mod tests;
