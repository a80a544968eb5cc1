//! What the catalog stores, and the one way to change it.
//!
//! Everything a repository holds is a row of four kinds: buses, revisions of rules, routes, and
//! connections. Revisions and routes are never taken away, because the log names them.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::names::BusName;
use super::names::ConnectionName;
use super::names::RuleName;
use super::names::TargetName;

/// Everything in the catalog, in a stable order: buses by number, revisions by bus, rule and
/// revision, routes by id, connections by name.
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
}

/// What the catalog says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// The log that this catalog belongs to, once one was bound.
    pub log_uuid: Option<Uuid>,
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
}
