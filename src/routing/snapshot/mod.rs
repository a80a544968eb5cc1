//! The compiled rules and sources of every bus, as of one moment; the schemas are compiled in the view.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::gate::Denial;
use super::gate::Gate;
use crate::catalog::BusName;
use crate::catalog::BusView;
use crate::catalog::Origins;
use crate::catalog::RuleChanges;
use crate::catalog::RuleName;
use crate::catalog::RuleView;
use crate::catalog::View;
use crate::event::Event;
use crate::filter::Match;
use crate::log::BusId;
use crate::log::RouteId;
use crate::pattern::RuleSet;

/// The snapshot in force. Reading it costs an atomic load and never waits for a change.
#[derive(Debug)]
pub struct Router {
    current: ArcSwap<Snapshot>,
    origins: Origins,
}

impl Router {
    /// A router in force with `snapshot`, of a server that is known under `origins`.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, origins: Origins) -> Self {
        Self {
            current: ArcSwap::new(snapshot),
            origins,
        }
    }

    /// The addresses of this server, by which events and schemas name schemas.
    #[must_use]
    pub const fn origins(&self) -> &Origins {
        &self.origins
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
    gates: HashMap<String, Arc<Gate>>,
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
        let gates = gates(&view, previous);
        Self { view, buses, gates }
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
            gates: self.gates.clone(),
        }
    }

    /// The catalog that the rules come from.
    #[must_use]
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Whether an event may be published to a bus by its source.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, bus: &str, event: &Event) -> Result<(), Denial> {
        self.gates.get(bus).map_or(Ok(()), |gate| gate.admit(event))
    }

    /// The rules of one bus.
    #[must_use]
    pub fn bus(&self, name: &str) -> Option<&Arc<BusRules>> {
        self.buses.get(name)
    }
}

/// The gates of all buses; what did not change is taken from `previous`.
fn gates(view: &View, previous: Option<&Snapshot>) -> HashMap<String, Arc<Gate>> {
    let gate = |bus: &BusView| {
        let known = previous.and_then(|previous| previous.gates.get(bus.name.as_str()));
        let gate = match known.filter(|known| known.is_of(&bus.sources)) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Gate::compile(&bus.sources)),
        };
        (bus.name.as_str().to_owned(), gate)
    };
    view.buses().map(gate).collect()
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
