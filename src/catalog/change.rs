//! What the catalog stores, and the one way to change it.
//!
//! Everything a repository holds is a row: of buses and their settings, revisions of rules, routes,
//! connections, schemas and their versions, and sources. Revisions and routes are never taken away,
//! because the log names them.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::names::BusName;
use super::names::ConnectionName;
use super::names::EventType;
use super::names::RuleName;
use super::names::SourceName;
use super::names::TargetName;

/// Everything in the catalog, in a stable order: buses by number, revisions by bus, rule and
/// revision, routes by id, connections by name, schemas by type, their versions by id, sources by bus
/// and name, settings by bus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What the catalog says of itself.
    pub meta: Meta,
    /// All buses, deleted ones too.
    pub buses: Vec<BusRow>,
    /// All revisions of all rules, ended ones too.
    pub revisions: Vec<RevisionRow>,
    /// All routes, closed ones too.
    pub routes: Vec<RouteRow>,
    /// All connections.
    pub connections: Vec<ConnectionRow>,
    /// All schemas that are not deleted.
    pub schemas: Vec<SchemaRow>,
    /// All their versions.
    pub schema_versions: Vec<SchemaVersionRow>,
    /// All sources.
    pub sources: Vec<SourceRow>,
    /// The settings of buses that have some.
    pub bus_settings: Vec<BusSettingsRow>,
}

/// What the catalog says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// The logs of the servers of this catalog, ascending.
    pub logs: Vec<Uuid>,
    /// How many changes were ever made.
    pub version: u64,
}

/// A bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusRow {
    /// Its name, unique for ever.
    pub name: BusName,
    /// Its number in the log, never reused; a bus created again keeps it.
    pub number: u32,
    /// The number of its ruleset, raised by every change, never going back.
    pub generation: u64,
    /// Whether it is deleted: nothing can be published to it.
    pub deleted: bool,
}

/// What a rule said during a range of generations. Only `until_generation` ever changes, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRow {
    /// The rule's bus.
    pub bus: BusName,
    /// The rule.
    pub rule: RuleName,
    /// Counts the revisions of a rule from 1, over deletions too.
    pub revision: u64,
    /// The rule as it was given.
    pub spec: Arc<Value>,
    /// The file that brought it, if one did.
    pub owner: Option<String>,
    /// The first generation it was in force.
    pub from_generation: u64,
    /// The first generation it was no longer in force; `None` while it is.
    pub until_generation: Option<u64>,
}

/// A route: the pair of a rule and one of its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// Its number in the log, never reused.
    pub id: u64,
    /// The rule's bus.
    pub bus: BusName,
    /// The rule.
    pub rule: RuleName,
    /// The target.
    pub target: TargetName,
    /// Whether it is closed, which is for ever: the same names again are another route.
    pub closed: bool,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its name.
    pub name: ConnectionName,
    /// The version of the catalog in which it was put: no other connection ever has the same one.
    pub revision: u64,
    /// The connection as it was given, its secrets sealed.
    pub spec: Arc<Value>,
}

/// The schema of an event type, without its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRow {
    /// The event type.
    pub kind: EventType,
    /// The version of the catalog in which it was last changed, by a new version of it too.
    pub revision: u64,
    /// How it is kept and used.
    pub settings: Arc<Value>,
    /// The highest number of a version of it, those of a schema deleted before included.
    pub last_version: u32,
}

/// A version of a schema; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaVersionRow {
    /// The event type.
    pub kind: EventType,
    /// Its number among the versions of the type, from 1, never given to another document.
    pub number: u32,
    /// Its number among all versions of all types.
    pub id: u64,
    /// The JSON Schema.
    pub document: Arc<str>,
}

/// A registered source of a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its bus.
    pub bus: BusName,
    /// Its name.
    pub name: SourceName,
    /// The version of the catalog in which it was put: no other source ever has the same one.
    pub revision: u64,
    /// The source as it was given.
    pub spec: Arc<Value>,
}

/// What a bus refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusSettingsRow {
    /// The bus.
    pub bus: BusName,
    /// Its settings.
    pub spec: Arc<Value>,
}

/// Changes that are made together or not at all, in the order of the fields below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Generations that must still be current; else nothing is changed.
    pub expect: Vec<(BusName, u64)>,
    /// Rules to remove; their routes are closed.
    pub delete_rules: Vec<(BusName, RuleName)>,
    /// Buses to remove, which must hold no rules then. `default` cannot be.
    pub delete_buses: Vec<BusName>,
    /// Buses to create, or to create again.
    pub create_buses: Vec<BusName>,
    /// Rules to add or to replace, each at most once.
    pub put_rules: Vec<PutRule>,
    /// The version of the catalog that must still be current; else nothing is changed. For what
    /// depends on all of it.
    pub expect_version: Option<u64>,
    /// Connections to remove.
    pub delete_connections: Vec<ConnectionName>,
    /// Connections to add or to replace, each at most once.
    pub put_connections: Vec<PutConnection>,
    /// Schemas to remove, with all their versions.
    pub delete_schemas: Vec<EventType>,
    /// Schemas to add without versions, or whose settings to replace, each at most once.
    pub put_schemas: Vec<PutSchema>,
    /// Versions to add, at most one of each schema.
    pub add_versions: Vec<AddVersion>,
    /// Sources to remove.
    pub delete_sources: Vec<(BusName, SourceName)>,
    /// Sources to add or to replace, each at most once.
    pub put_sources: Vec<PutSource>,
    /// The settings of buses that exist or are created by the same change.
    pub put_bus_settings: Vec<BusSettingsRow>,
}

/// A schema to add, or whose settings to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutSchema {
    /// The event type.
    pub kind: EventType,
    /// The revision that must be there, 0 for none; else nothing is changed.
    pub expect: u64,
    /// Its settings.
    pub settings: Arc<Value>,
}

/// A version to add to a schema, which is added with it if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddVersion {
    /// The event type.
    pub kind: EventType,
    /// The revision of the schema that must be there, 0 for none; else nothing is changed.
    pub expect: u64,
    /// The settings of a schema that is added.
    pub settings: Arc<Value>,
    /// The JSON Schema.
    pub document: Arc<str>,
    /// The versions that it refers to, which must be there; else nothing is changed.
    pub refers: Vec<(EventType, u32)>,
}

/// A source to add or to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutSource {
    /// Its bus.
    pub bus: BusName,
    /// Its name.
    pub name: SourceName,
    /// The revision that must be there, 0 for none; else nothing is changed.
    pub expect: u64,
    /// The source as it was given.
    pub spec: Arc<Value>,
}

/// A connection to add or to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutConnection {
    /// Its name.
    pub name: ConnectionName,
    /// The revision that must be there, 0 for none; else nothing is changed.
    pub expect: u64,
    /// The connection as it was given, its secrets sealed.
    pub spec: Arc<Value>,
}

/// A rule to add or to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutRule {
    /// Its bus, which must exist or be created by the same change.
    pub bus: BusName,
    /// Its name.
    pub rule: RuleName,
    /// The rule as it was given.
    pub spec: Arc<Value>,
    /// The file that brings it, if one does.
    pub owner: Option<String>,
    /// The names of all its targets: routes of others are closed, of new ones opened.
    pub targets: Vec<TargetName>,
    /// The connections that its targets name, which must exist.
    pub connections: Vec<ConnectionName>,
}

impl Change {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.delete_rules.is_empty()
            && self.delete_buses.is_empty()
            && self.create_buses.is_empty()
            && self.put_rules.is_empty()
            && self.delete_connections.is_empty()
            && self.put_connections.is_empty()
            && self.delete_schemas.is_empty()
            && self.put_schemas.is_empty()
            && self.add_versions.is_empty()
            && self.delete_sources.is_empty()
            && self.put_sources.is_empty()
            && self.put_bus_settings.is_empty()
    }
}

/// What a change did. All rows are as they are stored now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The version of the catalog that it made.
    pub version: u64,
    /// The buses touched, each in its new generation.
    pub buses: Vec<BusRow>,
    /// Revisions that begin with it.
    pub revisions: Vec<RevisionRow>,
    /// Revisions that end with it.
    pub ended: Vec<RevisionRow>,
    /// Routes that begin with it.
    pub opened: Vec<RouteRow>,
    /// Routes that end with it.
    pub closed: Vec<RouteRow>,
    /// Connections put.
    pub connections: Vec<ConnectionRow>,
    /// Connections removed.
    pub removed_connections: Vec<ConnectionName>,
    /// Schemas put, and those that got a version.
    pub schemas: Vec<SchemaRow>,
    /// Versions added.
    pub schema_versions: Vec<SchemaVersionRow>,
    /// Schemas removed.
    pub removed_schemas: Vec<EventType>,
    /// Sources put.
    pub sources: Vec<SourceRow>,
    /// Sources removed; those of a bus that went are not named.
    pub removed_sources: Vec<(BusName, SourceName)>,
    /// Settings put.
    pub bus_settings: Vec<BusSettingsRow>,
}
