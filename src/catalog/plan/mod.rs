//! What it takes to get from the rules in force to the rules that files name.
//!
//! A rule brought by a named file is owned by it. Without a file (the API) owned rules can be
//! neither changed nor removed. A file takes over every rule it names, and what it owned and names
//! no longer is removed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::change::Change;
use super::change::PutRule;
use super::current::Current;
use super::current::LiveRule;
use super::names::BusName;
use super::names::EventType;
use super::names::RuleName;
use super::rule::Rule;
use super::rules_file::RulesFile;
use super::source::Source;

/// What would change, in the order of the files, and for removals in the order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Rules that are new.
    pub add: Vec<PlanEntry>,
    /// Rules that differ, in what they say or in whose they are.
    pub change: Vec<PlanEntry>,
    /// Rules that go.
    pub remove: Vec<PlanEntry>,
    /// Rules that are named and stay as they are.
    pub unchanged: Vec<PlanEntry>,
    /// Buses that are named and do not exist.
    pub buses_created: Vec<BusName>,
    /// Schemas that are named.
    pub schemas: SchemaPlan,
}

/// What would change of schemas, in the order of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaPlan {
    /// Schemas that are new.
    pub add: Vec<EventType>,
    /// Schemas that get a version or other settings.
    pub change: Vec<EventType>,
    /// Schemas that stay as they are.
    pub unchanged: Vec<EventType>,
}

/// One rule in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanEntry {
    /// The rule's bus.
    pub bus: BusName,
    /// The rule.
    pub rule: RuleName,
}

/// A plan, and the change that carries it out as long as nobody else changes the same buses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// For people.
    pub plan: Plan,
    /// For the repository; empty if there is nothing to do.
    pub change: Change,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Change the file instead.
    #[error("the rule `{rule}` of the bus `{bus}` belongs to the file {owner}")]
    OwnedByFile {
        /// The rule's bus.
        bus: BusName,
        /// The rule.
        rule: RuleName,
        /// The file that brought it.
        owner: String,
    },
    /// Create the bus first, or apply a file, which does.
    #[error("there is no bus `{0}`")]
    NoSuchBus(BusName),
    /// There is nothing to remove.
    #[error("there is no rule `{rule}` on the bus `{bus}`")]
    NoSuchRule {
        /// The bus asked for.
        bus: BusName,
        /// The rule asked for.
        rule: RuleName,
    },
}

impl Plan {
    /// Plans rules without a file: those named are added or changed, and with `prune` all others
    /// on the buses named are removed.
    ///
    /// The files together must name each rule once, as what [`read_yaml`](super::read_yaml) gives does.
    ///
    /// # Errors
    /// [`PlanError::OwnedByFile`] for the first rule that would change or go and is a file's.
    pub fn apply(current: &Current, files: &[RulesFile], prune: bool) -> Result<Planned, PlanError> {
        let mut planner = Planner::new(current, Authority::Api);
        for file in files {
            planner.name_bus_of(file);
            for rule in &file.rules {
                planner.put(&file.bus, rule, None)?;
            }
        }
        if prune {
            planner.remove_unnamed()?;
        }
        Ok(planner.finish())
    }

    /// Plans the rules of files that own them.
    ///
    /// Rules that one of `sources` owns and none of them names are removed, from all buses: a file
    /// that is gone is a source without documents. Rules of other files stay unless one of
    /// `sources` names them; then they change hands.
    #[must_use]
    pub fn apply_sources(current: &Current, sources: &[Source]) -> Planned {
        let names: BTreeSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let mut planner = Planner::new(current, Authority::Files);
        for source in sources {
            for file in &source.files {
                planner.name_bus_of(file);
                for rule in &file.rules {
                    planner.place(&file.bus, rule, Some(&source.name));
                }
            }
        }
        planner.remove_owned(&names);
        planner.finish()
    }

    /// Plans one rule without a file.
    ///
    /// # Errors
    /// [`PlanError::NoSuchBus`], and [`PlanError::OwnedByFile`] if the rule would change and is a file's.
    pub fn put(current: &Current, bus: &BusName, rule: &Rule) -> Result<Planned, PlanError> {
        if current.bus(bus).is_none() {
            return Err(PlanError::NoSuchBus(bus.clone()));
        }
        let mut planner = Planner::new(current, Authority::Api);
        planner.name_bus(bus);
        planner.put(bus, rule, None)?;
        Ok(planner.finish())
    }

    /// Plans the removal of one rule without a file.
    ///
    /// # Errors
    /// [`PlanError::OwnedByFile`] and [`PlanError::NoSuchRule`].
    pub fn delete(current: &Current, bus: &BusName, rule: &RuleName) -> Result<Planned, PlanError> {
        let mut planner = Planner::new(current, Authority::Api);
        let Some(live) = current.rule(bus, rule) else {
            return Err(PlanError::NoSuchRule {
                bus: bus.clone(),
                rule: rule.clone(),
            });
        };
        planner.remove(bus, rule, live)?;
        Ok(planner.finish())
    }
}

/// On whose word rules change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authority {
    Api,
    Files,
}

struct Planner<'a> {
    current: &'a Current,
    authority: Authority,
    buses: BTreeSet<BusName>,
    named: BTreeSet<(BusName, RuleName)>,
    planned: Planned,
}

impl<'a> Planner<'a> {
    fn new(current: &'a Current, authority: Authority) -> Self {
        let (buses, named) = (BTreeSet::new(), BTreeSet::new());
        Self {
            current,
            authority,
            buses,
            named,
            planned: Planned::default(),
        }
    }

    /// Notes the bus that a file is about; one of schemas alone is about none.
    fn name_bus_of(&mut self, file: &RulesFile) {
        if file.schemas.is_empty() || !file.rules.is_empty() {
            self.name_bus(&file.bus);
        }
    }

    /// Notes a bus that a file is about, and creates it if need be.
    fn name_bus(&mut self, bus: &BusName) {
        if self.buses.insert(bus.clone()) && self.current.bus(bus).is_none() {
            self.planned.plan.buses_created.push(bus.clone());
            self.planned.change.create_buses.push(bus.clone());
        }
    }

    /// Adds or changes a rule if it may be.
    fn put(&mut self, bus: &BusName, rule: &Rule, owner: Option<&str>) -> Result<(), PlanError> {
        let live = self.current.rule(bus, &rule.name);
        if let Some(live) = live.filter(|live| live.spec != rule.spec) {
            self.check_owner(bus, &rule.name, live)?;
        }
        self.place(bus, rule, owner);
        Ok(())
    }

    /// Adds or changes a rule.
    fn place(&mut self, bus: &BusName, rule: &Rule, owner: Option<&str>) {
        self.named.insert((bus.clone(), rule.name.clone()));
        let entry = PlanEntry {
            bus: bus.clone(),
            rule: rule.name.clone(),
        };
        let same = |live: &LiveRule| {
            // Without a file, a rule that says the same stays its file's.
            let same_owner = self.authority == Authority::Api || live.owner.as_deref() == owner;
            live.spec == rule.spec && same_owner
        };
        let plan = &mut self.planned.plan;
        match self.current.rule(bus, &rule.name) {
            Some(live) if same(live) => return plan.unchanged.push(entry),
            Some(_) => plan.change.push(entry),
            None => plan.add.push(entry),
        }
        self.planned.change.put_rules.push(PutRule {
            bus: bus.clone(),
            rule: rule.name.clone(),
            spec: Arc::clone(&rule.spec),
            owner: owner.map(str::to_owned),
            targets: rule.target_names().cloned().collect(),
            connections: rule.connections().cloned().collect(),
        });
    }

    /// Removes the rules on the named buses that were not named.
    fn remove_unnamed(&mut self) -> Result<(), PlanError> {
        let current = self.current;
        for bus in self.buses.clone() {
            for (rule, live) in current.rules(&bus) {
                if !self.named.contains(&(bus.clone(), rule.clone())) {
                    self.remove(&bus, rule, live)?;
                }
            }
        }
        Ok(())
    }

    /// Removes the rules, on all buses, that one of `owners` owns and none named.
    fn remove_owned(&mut self, owners: &BTreeSet<&str>) {
        let current = self.current;
        for (bus, rule, live) in current.all_rules() {
            let owned = live.owner.as_deref().is_some_and(|owner| owners.contains(owner));
            if owned && !self.named.contains(&(bus.clone(), rule.clone())) {
                self.drop_rule(bus, rule);
            }
        }
    }

    fn remove(&mut self, bus: &BusName, rule: &RuleName, live: &LiveRule) -> Result<(), PlanError> {
        self.check_owner(bus, rule, live)?;
        self.drop_rule(bus, rule);
        Ok(())
    }

    fn drop_rule(&mut self, bus: &BusName, rule: &RuleName) {
        self.planned.plan.remove.push(PlanEntry {
            bus: bus.clone(),
            rule: rule.clone(),
        });
        self.planned.change.delete_rules.push((bus.clone(), rule.clone()));
    }

    fn check_owner(&self, bus: &BusName, rule: &RuleName, live: &LiveRule) -> Result<(), PlanError> {
        match &live.owner {
            Some(owner) if self.authority == Authority::Api => Err(PlanError::OwnedByFile {
                bus: bus.clone(),
                rule: rule.clone(),
                owner: owner.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The plan; its change expects every bus it looked at to be as it was.
    fn finish(mut self) -> Planned {
        if self.planned.change.is_empty() {
            return self.planned;
        }
        self.buses.extend(
            self.planned
                .change
                .delete_rules
                .iter()
                .map(|(bus, _)| bus.clone()),
        );
        for bus in self.buses {
            if let Some(generation) = self.current.generation(&bus) {
                self.planned.change.expect.push((bus, generation));
            }
        }
        self.planned
    }
}

#[cfg(test)]
mod tests;
