//! The catalog as the data plane sees it: compiled rules, their history, all routes, schemas, sources.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;

use super::change::BusRow;
use super::change::BusSettingsRow;
use super::change::Committed;
use super::change::ConnectionRow;
use super::change::Loaded;
use super::change::RevisionRow;
use super::change::RouteRow;
use super::change::SchemaRow;
use super::change::SchemaVersionRow;
use super::change::SourceRow;
use super::connection::Connection;
use super::current::Current;
use super::issue::Issue;
use super::names::BusName;
use super::names::ConnectionName;
use super::names::EventType;
use super::names::RuleName;
use super::names::SourceName;
use super::names::TargetName;
use super::registry::BusSettings;
use super::registry::RegisteredSource;
use super::registry::SchemaEntry;
use super::registry::SchemaSettings;
use super::registry::SchemaVersion;
use super::rule::Rule;
use super::suggest;
use super::target::Target;
use crate::log::BusId;
use crate::log::RouteId;

/// An immutable picture of the catalog. A commit makes the next one, which shares with it what did
/// not change: its cost hardly depends on how much there is.
#[derive(Debug, Clone, Default)]
pub struct View {
    current: Current,
    buses: BTreeMap<BusName, BusView>,
    history: BTreeMap<BusName, imbl::HashMap<RuleName, Vec<Revision>>>,
    routes: imbl::HashMap<RouteId, Arc<RouteNames>>,
    open: BTreeMap<BusName, imbl::HashMap<RuleName, BTreeSet<RouteId>>>,
    connections: BTreeMap<ConnectionName, Arc<ConnectionView>>,
    schemas: imbl::HashMap<EventType, Arc<SchemaEntry>>,
    version: u64,
}

/// A connection in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Which version of it: a number that no other connection and no earlier version has.
    pub revision: u64,
    /// The connection.
    pub connection: Connection,
}

/// A bus that takes events.
#[derive(Debug, Clone)]
pub struct BusView {
    /// Its name.
    pub name: BusName,
    /// Its number in the log.
    pub id: BusId,
    /// The number of its ruleset.
    pub generation: u64,
    /// The rules in force, by name.
    pub rules: imbl::OrdMap<RuleName, RuleView>,
    /// Who publishes to it, and what it refuses; another one after every change of that.
    pub sources: Arc<SourcesView>,
}

/// Who publishes to a bus, and what it refuses.
#[derive(Debug, Clone, Default)]
pub struct SourcesView {
    /// What it refuses.
    pub settings: BusSettings,
    /// The registered sources, by name.
    pub by_name: imbl::OrdMap<SourceName, Arc<SourceView>>,
}

/// A registered source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Which version of it: a number that no other source and no earlier version has.
    pub revision: u64,
    /// The source.
    pub source: RegisteredSource,
}

/// How rules came to be different.
#[derive(Debug, Default)]
pub struct RuleChanges<'a> {
    /// What is not in force any more, ascending by bus and name.
    pub gone: Vec<&'a RuleView>,
    /// What is in force now and was not before, ascending by bus and name.
    pub put: Vec<&'a RuleView>,
}

impl BusView {
    /// What makes its rules different from those of `before`.
    ///
    /// Costs little when the two are pictures of one catalog, few commits apart.
    #[must_use]
    pub fn changes_since<'a>(&'a self, before: &'a Self) -> RuleChanges<'a> {
        let mut changes = RuleChanges::default();
        for item in before.rules.diff(&self.rules) {
            match item {
                DiffItem::Add(_, put) => changes.put.push(put),
                DiffItem::Remove(_, gone) => changes.gone.push(gone),
                DiffItem::Update { old, new } => {
                    changes.gone.push(old.1);
                    changes.put.push(new.1);
                }
            }
        }
        changes
    }
}

/// A rule in force.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// Which revision of it, from 1.
    pub revision: u64,
    /// The generation since which it is in force.
    pub from_generation: u64,
    /// The file that brought it, if one did.
    pub owner: Option<String>,
    /// The rule.
    pub rule: Arc<Rule>,
    /// Its open routes, ascending.
    pub routes: Vec<RouteId>,
}

/// Two are equal when they are the same compiled rule, with the same routes.
impl PartialEq for RuleView {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rule, &other.rule) && self.routes == other.routes
    }
}

/// The names behind the number of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteNames {
    /// Its number in the log.
    pub id: RouteId,
    /// Its bus.
    pub bus: BusName,
    /// The number of its bus.
    pub bus_id: BusId,
    /// Its rule.
    pub rule: RuleName,
    /// Its target.
    pub target: TargetName,
    /// Whether it is closed, which is for ever.
    pub is_closed: bool,
}

#[derive(Debug, Clone)]
struct Revision {
    number: u64,
    from: u64,
    until: Option<u64>,
    rule: Arc<Rule>,
}

impl Revision {
    fn covers(&self, generation: u64) -> bool {
        self.from <= generation && self.until.is_none_or(|until| generation < until)
    }
}

/// What is stored cannot be used by this version of Tramline.
#[derive(Debug, thiserror::Error)]
#[error("the stored {what} cannot be read: {}", .issues.first().map_or("", |issue| &issue.detail))]
pub struct StoredSpecError {
    /// Which rule or connection it is.
    pub what: String,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
}

impl View {
    /// The picture of a catalog just read. Compiles every rule and connection that is not in `known`, an
    /// earlier picture of the same catalog.
    ///
    /// # Errors
    /// The first stored rule, connection, schema or source that cannot be used.
    pub fn from_loaded(loaded: &Loaded, known: &Self) -> Result<Self, StoredSpecError> {
        let mut view = Self {
            current: Current::from_loaded(loaded),
            ..Self::default()
        };
        view.put_buses(&loaded.buses);
        view.put_routes(&loaded.routes);
        for revision in &loaded.revisions {
            match known.revision(revision) {
                Some(rule) => view.enter_revision(revision, Arc::clone(rule)),
                None => view.put_revision(revision)?,
            }
        }
        for row in &loaded.connections {
            view.put_connection(row)?;
        }
        for row in &loaded.bus_settings {
            view.put_bus_settings(row)?;
        }
        for row in &loaded.sources {
            view.put_source(row)?;
        }
        for row in &loaded.schemas {
            view.put_schema(row)?;
        }
        for row in &loaded.schema_versions {
            let same = known.schema_version(row.kind.as_str(), row.number);
            match same.filter(|version| version.id == row.id) {
                Some(version) => view.enter_schema_version(row, Arc::clone(version)),
                None => view.put_schema_version(row),
            }
        }
        view.version = loaded.meta.version;
        Ok(view)
    }

    /// The picture after a commit.
    ///
    /// # Errors
    /// The first committed rule, connection, schema or source that cannot be used.
    pub fn after(&self, committed: &Committed) -> Result<Self, StoredSpecError> {
        let mut view = self.clone();
        view.current.apply(committed);
        view.put_buses(&committed.buses);
        for ended in &committed.ended {
            view.end_revision(ended);
        }
        view.put_routes(&committed.closed);
        view.put_routes(&committed.opened);
        for revision in &committed.revisions {
            view.put_revision(revision)?;
        }
        for name in &committed.removed_connections {
            view.connections.remove(name);
        }
        for row in &committed.connections {
            view.put_connection(row)?;
        }
        for row in &committed.bus_settings {
            view.put_bus_settings(row)?;
        }
        for (bus, name) in &committed.removed_sources {
            view.change_sources(bus, |sources| drop(sources.by_name.remove(name)));
        }
        for row in &committed.sources {
            view.put_source(row)?;
        }
        for kind in &committed.removed_schemas {
            view.schemas.remove(kind);
        }
        for row in &committed.schemas {
            view.put_schema(row)?;
        }
        for row in &committed.schema_versions {
            view.put_schema_version(row);
        }
        view.version = committed.version;
        Ok(view)
    }

    /// The version of the catalog: how many changes were ever made.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What makes the rules of all buses different from those of `before`.
    #[must_use]
    pub fn changes_since<'a>(&'a self, before: &'a Self) -> RuleChanges<'a> {
        let mut changes = RuleChanges::default();
        for bus in before
            .buses
            .values()
            .filter(|bus| !self.buses.contains_key(&bus.name))
        {
            changes.gone.extend(bus.rules.values());
        }
        for bus in self.buses.values() {
            match before.buses.get(&bus.name) {
                Some(before) => {
                    let more = bus.changes_since(before);
                    changes.gone.extend(more.gone);
                    changes.put.extend(more.put);
                }
                None => changes.put.extend(bus.rules.values()),
            }
        }
        changes
    }

    /// The connections, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<ConnectionView>> {
        self.connections.values()
    }

    /// A connection.
    #[must_use]
    pub fn connection(&self, name: &ConnectionName) -> Option<&Arc<ConnectionView>> {
        self.connections.get(name)
    }

    /// The schema of an event type; one hash lookup.
    #[must_use]
    pub fn schema(&self, kind: &str) -> Option<&Arc<SchemaEntry>> {
        self.schemas.get(kind)
    }

    /// The schemas, by event type.
    #[must_use]
    pub fn schemas(&self) -> Vec<&Arc<SchemaEntry>> {
        let mut all: Vec<_> = self.schemas.values().collect();
        all.sort_unstable_by(|a, b| a.kind.cmp(&b.kind));
        all
    }

    /// The version of that number of the schema of an event type.
    #[must_use]
    pub fn schema_version(&self, kind: &str, number: u32) -> Option<&Arc<SchemaVersion>> {
        self.schema(kind)?.version(number)
    }

    /// The version of that number among all versions of all types, with its schema; looks into every schema.
    #[must_use]
    pub fn schema_version_with_id(&self, id: u64) -> Option<(&Arc<SchemaEntry>, &Arc<SchemaVersion>)> {
        let mut schemas = self.schemas.values();
        schemas.find_map(|entry| Some((entry, entry.version_with_id(id)?)))
    }

    /// The versions of other schemas that refer to one of this event type, as type and number.
    pub fn schemas_referring_to<'a>(
        &'a self,
        kind: &'a EventType,
    ) -> impl Iterator<Item = (&'a EventType, u32)> {
        let others = self.schemas.values().filter(move |entry| entry.kind != *kind);
        let versions = others.flat_map(|entry| entry.versions.iter().map(move |version| (entry, version)));
        let referring =
            versions.filter(move |(_, version)| version.refers.iter().any(|(named, _)| named == kind));
        referring.map(|(entry, version)| (&entry.kind, version.number))
    }

    /// An issue for every target of a rule that names a connection which is not there.
    #[must_use]
    pub fn missing_connections(&self, rule: &Rule) -> Vec<Issue> {
        let missing = |(index, target): (usize, &Target)| {
            let named = target.kind.connection();
            let (place, name) = named.filter(|(_, name)| !self.connections.contains_key(*name))?;
            let pointer = format!("/targets/{index}{place}");
            let detail = format!("there is no connection `{name}`");
            let issue = Issue::new(pointer, "unknown-connection", detail);
            let known = self.connections.keys().map(ConnectionName::as_str);
            Some(match suggest::nearest(name.as_str(), known) {
                Some(near) => issue.with_correction(format!("did you mean `{near}`?")),
                None => issue.with_correction(format!("create it with PUT /v1/connections/{name}")),
            })
        };
        rule.targets.iter().enumerate().filter_map(missing).collect()
    }

    /// An issue for every target of a rule that publishes to a bus which is not there and will not come
    /// with the same change.
    #[must_use]
    pub fn missing_buses(&self, rule: &Rule, coming: &[BusName]) -> Vec<Issue> {
        let missing = |(index, target): (usize, &Target)| {
            let (place, name) = target.kind.bus()?;
            if self.buses.contains_key(name) || coming.contains(name) {
                return None;
            }
            let detail = format!("there is no bus `{name}`");
            let issue = Issue::new(format!("/targets/{index}{place}"), "unknown-bus", detail);
            let known = self.buses.keys().filter(|name| !name.is_system());
            Some(
                match suggest::nearest(name.as_str(), known.map(BusName::as_str)) {
                    Some(near) => issue.with_correction(format!("did you mean `{near}`?")),
                    None => issue.with_correction(format!("create it with PUT /v1/buses/{name}")),
                },
            )
        };
        rule.targets.iter().enumerate().filter_map(missing).collect()
    }

    /// The rules whose targets name a connection, as bus and rule.
    pub fn users_of<'a>(
        &'a self,
        name: &'a ConnectionName,
    ) -> impl Iterator<Item = (&'a BusName, &'a RuleName)> {
        let rules = self
            .buses
            .iter()
            .flat_map(|(bus, view)| view.rules.iter().map(move |(rule, live)| (bus, rule, live)));
        rules
            .filter(move |(_, _, live)| live.rule.connections().any(|used| used == name))
            .map(|(bus, rule, _)| (bus, rule))
    }

    /// The ids of the keys that the secrets in force are sealed with.
    #[must_use]
    pub fn key_ids(&self) -> BTreeSet<String> {
        let rules = self.buses.values().flat_map(|bus| bus.rules.values());
        let of_rules = rules.flat_map(|live| live.rule.key_ids());
        let of_connections = self
            .connections
            .values()
            .flat_map(|live| live.connection.key_ids());
        of_rules.chain(of_connections).collect()
    }

    /// What plans are made against.
    #[must_use]
    pub const fn current(&self) -> &Current {
        &self.current
    }

    /// The buses that take events, by name.
    pub fn buses(&self) -> impl Iterator<Item = &BusView> {
        self.buses.values()
    }

    /// A bus that takes events.
    #[must_use]
    pub fn bus(&self, name: &str) -> Option<&BusView> {
        BusName::parse(name).ok().and_then(|name| self.buses.get(&name))
    }

    /// A rule in force.
    #[must_use]
    pub fn rule(&self, bus: &BusName, rule: &RuleName) -> Option<&RuleView> {
        self.buses.get(bus)?.rules.get(rule)
    }

    /// What a rule said in a generation of its bus.
    #[must_use]
    pub fn rule_at(&self, bus: &BusName, rule: &RuleName, generation: u64) -> Option<&Arc<Rule>> {
        let revisions = self.history.get(bus)?.get(rule)?;
        revisions
            .iter()
            .rev()
            .find(|revision| revision.covers(generation))
            .map(|revision| &revision.rule)
    }

    /// The rules that were in force in a generation of a bus, as far as they are remembered.
    pub fn rules_at(&self, bus: &BusName, generation: u64) -> impl Iterator<Item = &Arc<Rule>> {
        let rules = self.history.get(bus).into_iter().flat_map(imbl::HashMap::values);
        rules.filter_map(move |revisions| {
            let mut revisions = revisions.iter().rev();
            revisions
                .find(|revision| revision.covers(generation))
                .map(|revision| &revision.rule)
        })
    }

    /// The names of a route, also of a closed one.
    #[must_use]
    pub fn route(&self, id: RouteId) -> Option<&RouteNames> {
        self.routes.get(&id).map(AsRef::as_ref)
    }

    /// The open route of these names.
    #[must_use]
    pub fn open_route(&self, bus: &str, rule: &str, target: &str) -> Option<RouteId> {
        let rule = self.bus(bus)?.rules.get(&RuleName::parse(rule).ok()?)?;
        let is_meant = |id: &&RouteId| {
            self.route(**id)
                .is_some_and(|names| names.target.as_str() == target)
        };
        rule.routes.iter().find(is_meant).copied()
    }

    /// The present settings of the target of an open route.
    #[must_use]
    pub fn target(&self, id: RouteId) -> Option<&Target> {
        let names = self.route(id).filter(|names| !names.is_closed)?;
        let rule = self.rule(&names.bus, &names.rule)?;
        rule.rule
            .targets
            .iter()
            .find(|target| target.name == names.target)
    }

    /// Every route there ever was.
    pub fn routes(&self) -> impl Iterator<Item = &RouteNames> {
        self.routes.values().map(AsRef::as_ref)
    }

    fn put_buses(&mut self, rows: &[BusRow]) {
        for row in rows {
            if row.deleted {
                self.buses.remove(&row.name);
                continue;
            }
            let bus = self.buses.entry(row.name.clone()).or_insert_with(|| BusView {
                name: row.name.clone(),
                id: BusId(row.number),
                generation: 0,
                rules: imbl::OrdMap::new(),
                sources: Arc::default(),
            });
            bus.generation = row.generation;
        }
    }

    fn put_routes(&mut self, rows: &[RouteRow]) {
        for row in rows {
            let id = RouteId(row.id);
            // The bus of a closed route may be gone; its number is still that of the row before.
            let known = self.routes.get(&id).map(|names| names.bus_id);
            let bus_id = known
                .or_else(|| self.current.number(&row.bus))
                .unwrap_or(BusId(0));
            let names = RouteNames {
                id,
                bus: row.bus.clone(),
                bus_id,
                rule: row.rule.clone(),
                target: row.target.clone(),
                is_closed: row.closed,
            };
            let open = self
                .open
                .entry(row.bus.clone())
                .or_default()
                .entry(row.rule.clone())
                .or_default();
            if row.closed {
                open.remove(&id)
            } else {
                open.insert(id)
            };
            self.routes.insert(id, Arc::new(names));
        }
    }

    fn put_revision(&mut self, row: &RevisionRow) -> Result<(), StoredSpecError> {
        let rule = Rule::stored(&row.spec, &row.bus, &row.rule).map_err(|issues| StoredSpecError {
            what: format!("rule `{}` of the bus `{}`", row.rule, row.bus),
            issues,
        })?;
        self.enter_revision(row, Arc::new(rule));
        Ok(())
    }

    fn enter_revision(&mut self, row: &RevisionRow, rule: Arc<Rule>) {
        let revision = Revision {
            number: row.revision,
            from: row.from_generation,
            until: row.until_generation,
            rule: Arc::clone(&rule),
        };
        self.history
            .entry(row.bus.clone())
            .or_default()
            .entry(row.rule.clone())
            .or_default()
            .push(revision);
        if row.until_generation.is_none() {
            let routes = self.open_routes(&row.bus, &row.rule);
            if let Some(bus) = self.buses.get_mut(&row.bus) {
                let live = RuleView {
                    revision: row.revision,
                    from_generation: row.from_generation,
                    owner: row.owner.clone(),
                    rule,
                    routes,
                };
                bus.rules.insert(row.rule.clone(), live);
            }
        }
    }

    /// The rule as a revision says it, if it is known.
    fn revision(&self, row: &RevisionRow) -> Option<&Arc<Rule>> {
        let mut revisions = self.history.get(&row.bus)?.get(&row.rule)?.iter();
        let known = revisions.find(|known| known.number == row.revision)?;
        Some(&known.rule)
    }

    fn put_connection(&mut self, row: &ConnectionRow) -> Result<(), StoredSpecError> {
        let connection = Connection::stored(&row.name, &row.spec).map_err(|issues| StoredSpecError {
            what: format!("connection `{}`", row.name),
            issues,
        })?;
        let live = ConnectionView {
            revision: row.revision,
            connection,
        };
        self.connections.insert(row.name.clone(), Arc::new(live));
        Ok(())
    }

    fn change_sources(&mut self, bus: &BusName, change: impl FnOnce(&mut SourcesView)) {
        if let Some(bus) = self.buses.get_mut(bus) {
            let mut changed = SourcesView::clone(&bus.sources);
            change(&mut changed);
            bus.sources = Arc::new(changed);
        }
    }

    fn put_bus_settings(&mut self, row: &BusSettingsRow) -> Result<(), StoredSpecError> {
        let settings = BusSettings::parse(&row.spec).map_err(|issues| StoredSpecError {
            what: format!("settings of the bus `{}`", row.bus),
            issues,
        })?;
        self.change_sources(&row.bus, |sources| sources.settings = settings);
        Ok(())
    }

    fn put_source(&mut self, row: &SourceRow) -> Result<(), StoredSpecError> {
        let source = RegisteredSource::parse(&row.name, &row.spec).map_err(|issues| StoredSpecError {
            what: format!("source `{}` of the bus `{}`", row.name, row.bus),
            issues,
        })?;
        let live = Arc::new(SourceView {
            revision: row.revision,
            source,
        });
        self.change_sources(&row.bus, |sources| {
            drop(sources.by_name.insert(row.name.clone(), live));
        });
        Ok(())
    }

    fn put_schema(&mut self, row: &SchemaRow) -> Result<(), StoredSpecError> {
        let settings = SchemaSettings::parse(&row.settings).map_err(|issues| StoredSpecError {
            what: format!("settings of the schema of `{}`", row.kind),
            issues,
        })?;
        let versions = self.schemas.get(&row.kind).map(|entry| entry.versions.clone());
        let entry = SchemaEntry {
            kind: row.kind.clone(),
            revision: row.revision,
            settings,
            versions: versions.unwrap_or_default(),
        };
        self.schemas.insert(row.kind.clone(), Arc::new(entry));
        Ok(())
    }

    fn put_schema_version(&mut self, row: &SchemaVersionRow) {
        let find = |kind: &EventType, number| self.schema_version(kind.as_str(), number).cloned();
        let version = Arc::new(SchemaVersion::stored(row, find));
        self.enter_schema_version(row, version);
    }

    fn enter_schema_version(&mut self, row: &SchemaVersionRow, version: Arc<SchemaVersion>) {
        if let Some(entry) = self.schemas.get_mut(&row.kind) {
            Arc::make_mut(entry).versions.push(version);
        }
    }

    fn end_revision(&mut self, row: &RevisionRow) {
        if let Some(bus) = self.buses.get_mut(&row.bus) {
            bus.rules.remove(&row.rule);
        }
        let revisions = self
            .history
            .get_mut(&row.bus)
            .and_then(|rules| rules.get_mut(&row.rule));
        for revision in revisions
            .into_iter()
            .flatten()
            .filter(|revision| revision.from == row.from_generation)
        {
            revision.until = row.until_generation;
        }
    }

    fn open_routes(&self, bus: &BusName, rule: &RuleName) -> Vec<RouteId> {
        self.open
            .get(bus)
            .and_then(|rules| rules.get(rule))
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }
}
