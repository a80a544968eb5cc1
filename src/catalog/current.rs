//! The catalog as it is now: what plans are made against.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::change::BusRow;
use super::change::Committed;
use super::change::Loaded;
use super::change::RevisionRow;
use super::names::BusName;
use super::names::RuleName;
use crate::log::BusId;

/// The buses and the rules in force, kept up to date by applying each commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Current {
    buses: BTreeMap<BusName, BusRow>,
    rules: BTreeMap<BusName, imbl::OrdMap<RuleName, LiveRule>>,
}

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRule {
    /// Which revision of it.
    pub revision: u64,
    /// The rule as it was given.
    pub spec: Arc<Value>,
    /// The file that brought it, if one did.
    pub owner: Option<String>,
}

impl Current {
    /// What is in force in a catalog just read.
    #[must_use]
    pub fn from_loaded(loaded: &Loaded) -> Self {
        let mut current = Self::default();
        loaded.buses.iter().for_each(|bus| current.put_bus(bus));
        let live = loaded
            .revisions
            .iter()
            .filter(|revision| revision.until_generation.is_none());
        live.for_each(|revision| current.put_rule(revision));
        current
    }

    /// Follows a commit, so that the result equals a catalog read after it.
    pub fn apply(&mut self, committed: &Committed) {
        committed.buses.iter().for_each(|bus| self.put_bus(bus));
        for ended in &committed.ended {
            if let Some(rules) = self.rules.get_mut(&ended.bus) {
                rules.remove(&ended.rule);
                if rules.is_empty() {
                    self.rules.remove(&ended.bus);
                }
            }
        }
        committed
            .revisions
            .iter()
            .for_each(|revision| self.put_rule(revision));
    }

    /// The bus of that name, if it exists and is not deleted.
    #[must_use]
    pub fn bus(&self, name: &BusName) -> Option<&BusRow> {
        self.buses.get(name).filter(|bus| !bus.deleted)
    }

    /// All buses that are not deleted, by name.
    pub fn buses(&self) -> impl Iterator<Item = &BusRow> {
        self.buses.values().filter(|bus| !bus.deleted)
    }

    /// The generation of a bus, also of a deleted one.
    #[must_use]
    pub fn generation(&self, name: &BusName) -> Option<u64> {
        self.buses.get(name).map(|bus| bus.generation)
    }

    /// The number of a bus in the log, also of a deleted one.
    #[must_use]
    pub fn number(&self, name: &BusName) -> Option<BusId> {
        self.buses.get(name).map(|bus| BusId(bus.number))
    }

    /// The rule of that name, if it is in force.
    #[must_use]
    pub fn rule(&self, bus: &BusName, rule: &RuleName) -> Option<&LiveRule> {
        self.rules.get(bus)?.get(rule)
    }

    /// The rules of a bus, by name.
    pub fn rules(&self, bus: &BusName) -> impl Iterator<Item = (&RuleName, &LiveRule)> {
        self.rules.get(bus).into_iter().flatten()
    }

    /// All rules, by bus and name.
    pub fn all_rules(&self) -> impl Iterator<Item = (&BusName, &RuleName, &LiveRule)> {
        self.rules
            .iter()
            .flat_map(|(bus, rules)| rules.iter().map(move |(name, rule)| (bus, name, rule)))
    }

    fn put_bus(&mut self, bus: &BusRow) {
        self.buses.insert(bus.name.clone(), bus.clone());
    }

    fn put_rule(&mut self, row: &RevisionRow) {
        let rule = LiveRule {
            revision: row.revision,
            spec: Arc::clone(&row.spec),
            owner: row.owner.clone(),
        };
        self.rules
            .entry(row.bus.clone())
            .or_default()
            .insert(row.rule.clone(), rule);
    }
}
