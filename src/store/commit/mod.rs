//! Changing the catalog: one transaction, one new generation for each bus touched.
//!
//! The transaction begins by updating the one row of `catalog`, so that changes come one after the
//! other also in `PostgreSQL`, whatever they touch. After that nothing read in it can change under
//! it, and numbers can be given out in memory.

mod buses;
mod connections;
mod revisions;
mod routes;
mod schemas;
mod sources;

use super::db::Db;
use super::db::Tx;
use super::load::int;
use super::load::unsigned;
use super::news;
use super::statement::Statement;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::RepositoryError;
use buses::Buses;

/// The highest numbers given out, and the version that the change makes.
struct Counters {
    bus: u64,
    route: u64,
    schema: u64,
    version: u64,
}

/// Makes a change in a transaction that is still to be committed.
///
/// # Errors
/// As [`Repository::commit`](crate::catalog::Repository::commit); the transaction is rolled back.
pub(super) async fn prepare(db: &Db, change: &Change) -> Result<(Tx, Committed), RepositoryError> {
    let mut tx = db.write().await?;
    let mut counters = lock(&mut tx).await?;
    if change
        .expect_version
        .is_some_and(|expected| expected + 1 != counters.version)
    {
        return Err(RepositoryError::Conflict);
    }
    let buses = Buses::decide(&mut tx, change, &mut counters).await?;
    buses.write(&mut tx).await?;
    let mut committed = Committed {
        version: counters.version,
        ..Committed::default()
    };
    revisions::end(&mut tx, change, &buses, &mut committed).await?;
    revisions::begin(&mut tx, change, &buses, &mut committed).await?;
    routes::close(&mut tx, change, &buses, &mut committed).await?;
    routes::open(&mut tx, change, &buses, &mut counters, &mut committed).await?;
    buses.check_empty(&mut tx, change).await?;
    connections::change(&mut tx, change, counters.version, &mut committed).await?;
    schemas::change(&mut tx, change, &mut counters, &mut committed).await?;
    sources::change(&mut tx, change, counters.version, &mut committed).await?;
    committed.buses = buses.into_rows();
    store(&mut tx, &counters).await?;
    news::tell(&mut tx).await?;
    Ok((tx, committed))
}

/// Reads the counters and keeps every other change waiting until the end of the transaction.
async fn lock(tx: &mut Tx) -> Result<Counters, RepositoryError> {
    let lock = Statement::new(
        "UPDATE catalog SET version = version + 1 RETURNING last_bus, last_route, last_schema, version",
    );
    let (bus, route, schema, version): (i64, i64, i64, i64) = tx.row(lock).await?;
    Ok(Counters {
        bus: unsigned(bus)?,
        route: unsigned(route)?,
        schema: unsigned(schema)?,
        version: unsigned(version)?,
    })
}

async fn store(tx: &mut Tx, counters: &Counters) -> Result<(), RepositoryError> {
    let store = Statement::new("UPDATE catalog SET last_bus = $1, last_route = $2, last_schema = $3");
    let store = store.bind(int(counters.bus)?).bind(int(counters.route)?);
    tx.execute(store.bind(int(counters.schema)?)).await?;
    Ok(())
}
