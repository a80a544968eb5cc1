//! Reading the whole catalog, and the rows of its tables as the domain knows them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::db::Db;
use super::db::Tx;
use super::error::corrupt;
use super::log;
use super::statement::Statement;
use crate::catalog::BusName;
use crate::catalog::BusRow;
use crate::catalog::BusSettingsRow;
use crate::catalog::ConnectionName;
use crate::catalog::ConnectionRow;
use crate::catalog::EventType;
use crate::catalog::Loaded;
use crate::catalog::Meta;
use crate::catalog::RepositoryError;
use crate::catalog::RevisionRow;
use crate::catalog::RouteRow;
use crate::catalog::RuleName;
use crate::catalog::SchemaRow;
use crate::catalog::SchemaVersionRow;
use crate::catalog::SourceName;
use crate::catalog::SourceRow;
use crate::catalog::TargetName;

/// `number, name, generation, deleted`.
pub(super) type BusColumns = (i64, String, i64, bool);
/// `bus, rule, revision, spec, owner, from_generation, until_generation`.
pub(super) type RevisionColumns = (i64, String, i64, String, Option<String>, i64, Option<i64>);
/// `id, bus, rule, target, closed`.
pub(super) type RouteColumns = (i64, i64, String, String, bool);
/// `name, revision, spec`.
type ConnectionColumns = (String, i64, String);
/// `type, revision, settings, last_version`.
pub(super) type SchemaColumns = (String, i64, String, i64);
/// `id, type, version, document`.
type SchemaVersionColumns = (i64, String, i64, String);
/// `bus, name, revision, spec`.
type SourceColumns = (i64, String, i64, String);
/// `bus, spec`.
type BusSettingsColumns = (i64, String);

/// Reads everything, as it was at one moment.
pub(super) async fn load(db: &Db) -> Result<Loaded, RepositoryError> {
    let mut tx = db.read().await?;
    let version = version(&mut tx).await?;
    let logs = log::bound(&mut tx).await?;
    let buses = Statement::new("SELECT number, name, generation, deleted FROM buses ORDER BY number");
    let buses: Vec<BusColumns> = tx.rows(buses).await?;
    let revisions: Vec<RevisionColumns> = tx
        .rows(Statement::new(
            "SELECT bus, rule, revision, spec, owner, from_generation, until_generation FROM revisions",
        ))
        .await?;
    let routes = Statement::new("SELECT id, bus, rule, target, closed FROM routes ORDER BY id");
    let routes: Vec<RouteColumns> = tx.rows(routes).await?;
    let connections = Statement::new("SELECT name, revision, spec FROM connections");
    let connections: Vec<ConnectionColumns> = tx.rows(connections).await?;
    let schemas =
        Statement::new("SELECT type, revision, settings, last_version FROM schemas WHERE NOT deleted");
    let schemas: Vec<SchemaColumns> = tx.rows(schemas).await?;
    let versions = Statement::new("SELECT id, type, version, document FROM schema_versions ORDER BY id");
    let versions: Vec<SchemaVersionColumns> = tx.rows(versions).await?;
    let sources = Statement::new("SELECT bus, name, revision, spec FROM sources");
    let sources: Vec<SourceColumns> = tx.rows(sources).await?;
    let bus_settings = Statement::new("SELECT bus, spec FROM bus_settings");
    let bus_settings: Vec<BusSettingsColumns> = tx.rows(bus_settings).await?;
    drop(tx);

    let buses: Vec<BusRow> = buses.into_iter().map(bus).collect::<Result<_, _>>()?;
    let names: HashMap<i64, &BusName> = buses
        .iter()
        .map(|bus| (i64::from(bus.number), &bus.name))
        .collect();
    let name = |number: i64| {
        names
            .get(&number)
            .copied()
            .ok_or_else(|| corrupt("a row names no bus"))
    };
    let mut revisions: Vec<(i64, RevisionRow)> = revisions
        .into_iter()
        .map(|row| Ok((row.0, revision(name(row.0)?, row)?)))
        .collect::<Result<_, RepositoryError>>()?;
    // Not ORDER BY: the order of names would depend on the database's collation.
    revisions
        .sort_by(|(a_bus, a), (b_bus, b)| (a_bus, &a.rule, a.revision).cmp(&(b_bus, &b.rule, b.revision)));
    let routes = routes
        .into_iter()
        .map(|row| route(name(row.1)?, row))
        .collect::<Result<_, _>>()?;
    let mut connections: Vec<ConnectionRow> = connections
        .into_iter()
        .map(connection)
        .collect::<Result<_, _>>()?;
    connections.sort_by(|a, b| a.name.cmp(&b.name));
    let mut schemas: Vec<SchemaRow> = schemas.into_iter().map(schema).collect::<Result<_, _>>()?;
    schemas.sort_by(|a, b| a.kind.cmp(&b.kind));
    let schema_versions = versions
        .into_iter()
        .map(schema_version)
        .collect::<Result<_, _>>()?;
    let mut sources: Vec<SourceRow> = sources
        .into_iter()
        .map(|row| source(name(row.0)?, row))
        .collect::<Result<_, _>>()?;
    sources.sort_by(|a, b| (&a.bus, &a.name).cmp(&(&b.bus, &b.name)));
    let mut bus_settings: Vec<BusSettingsRow> = bus_settings
        .into_iter()
        .map(|(bus, spec)| {
            let (bus, spec) = (
                name(bus)?.clone(),
                json(&spec, "the settings of a bus are not JSON")?,
            );
            Ok(BusSettingsRow { bus, spec })
        })
        .collect::<Result<_, RepositoryError>>()?;
    bus_settings.sort_by(|a, b| a.bus.cmp(&b.bus));
    Ok(Loaded {
        meta: Meta { logs, version },
        connections,
        revisions: revisions.into_iter().map(|(_, revision)| revision).collect(),
        routes,
        buses,
        schemas,
        schema_versions,
        sources,
        bus_settings,
    })
}

/// How many changes were ever made.
pub(super) async fn version(tx: &mut Tx) -> Result<u64, RepositoryError> {
    let (version,): (i64,) = tx.row(Statement::new("SELECT version FROM catalog")).await?;
    unsigned(version)
}

/// A row of `buses`.
pub(super) fn bus((number, name, generation, deleted): BusColumns) -> Result<BusRow, RepositoryError> {
    Ok(BusRow {
        name: BusName::parse(&name).map_err(|_| corrupt("a bus has an invalid name"))?,
        number: u32::try_from(number).map_err(|_| corrupt("a bus has a number out of range"))?,
        generation: unsigned(generation)?,
        deleted,
    })
}

/// A row of `revisions`, of a bus of that name.
pub(super) fn revision(bus: &BusName, row: RevisionColumns) -> Result<RevisionRow, RepositoryError> {
    let (_, rule, revision, spec, owner, from, until) = row;
    Ok(RevisionRow {
        bus: bus.clone(),
        rule: rule_name(&rule)?,
        revision: unsigned(revision)?,
        spec: Arc::new(serde_json::from_str(&spec).map_err(|_| corrupt("a rule is not JSON"))?),
        owner,
        from_generation: unsigned(from)?,
        until_generation: until.map(unsigned).transpose()?,
    })
}

/// A row of `routes`, of a bus of that name.
pub(super) fn route(bus: &BusName, row: RouteColumns) -> Result<RouteRow, RepositoryError> {
    let (id, _, rule, target, closed) = row;
    Ok(RouteRow {
        id: unsigned(id)?,
        bus: bus.clone(),
        rule: rule_name(&rule)?,
        target: TargetName::parse(&target).map_err(|_| corrupt("a target has an invalid name"))?,
        closed,
    })
}

/// A row of `connections`.
fn connection((name, revision, spec): ConnectionColumns) -> Result<ConnectionRow, RepositoryError> {
    Ok(ConnectionRow {
        name: ConnectionName::parse(&name).map_err(|_| corrupt("a connection has an invalid name"))?,
        revision: unsigned(revision)?,
        spec: Arc::new(serde_json::from_str(&spec).map_err(|_| corrupt("a connection is not JSON"))?),
    })
}

/// A row of `schemas`.
pub(super) fn schema((kind, revision, settings, last): SchemaColumns) -> Result<SchemaRow, RepositoryError> {
    Ok(SchemaRow {
        kind: event_type(&kind)?,
        revision: unsigned(revision)?,
        settings: json(&settings, "the settings of a schema are not JSON")?,
        last_version: small(last)?,
    })
}

/// A row of `schema_versions`.
fn schema_version(
    (id, kind, number, document): SchemaVersionColumns,
) -> Result<SchemaVersionRow, RepositoryError> {
    Ok(SchemaVersionRow {
        kind: event_type(&kind)?,
        number: small(number)?,
        id: unsigned(id)?,
        document: document.into(),
    })
}

/// A row of `sources`, of a bus of that name.
fn source(bus: &BusName, (_, name, revision, spec): SourceColumns) -> Result<SourceRow, RepositoryError> {
    Ok(SourceRow {
        bus: bus.clone(),
        name: SourceName::parse(&name).map_err(|_| corrupt("a source has an invalid name"))?,
        revision: unsigned(revision)?,
        spec: json(&spec, "a source is not JSON")?,
    })
}

fn event_type(text: &str) -> Result<EventType, RepositoryError> {
    EventType::parse(text).map_err(|_| corrupt("a schema has an invalid event type"))
}

fn json(text: &str, otherwise: &str) -> Result<Arc<Value>, RepositoryError> {
    serde_json::from_str(text)
        .map(Arc::new)
        .map_err(|_| corrupt(otherwise))
}

/// A stored number of a version.
pub(super) fn small(value: i64) -> Result<u32, RepositoryError> {
    u32::try_from(value).map_err(|_| corrupt("a number is out of range"))
}

/// A stored rule name.
pub(super) fn rule_name(text: &str) -> Result<RuleName, RepositoryError> {
    RuleName::parse(text).map_err(|_| corrupt("a rule has an invalid name"))
}

/// A stored number that is never negative.
pub(super) fn unsigned(value: i64) -> Result<u64, RepositoryError> {
    u64::try_from(value).map_err(|_| corrupt("a number is negative"))
}

/// A number as both databases store it.
pub(super) fn int(value: u64) -> Result<i64, RepositoryError> {
    i64::try_from(value).map_err(|_| corrupt("a number is beyond 63 bits"))
}
