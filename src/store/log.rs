//! What ties a catalog to the logs of its servers: their uuids and the highest numbers they name.

use uuid::Uuid;

use super::db::Db;
use super::db::Tx;
use super::error::corrupt;
use super::finish;
use super::load::int;
use super::statement::Statement;
use crate::catalog::RepositoryError;

/// Stores the uuid if the catalog has none or it may join, and looks for it if not.
pub(super) async fn bind(db: &Db, log: Uuid, may_join: bool) -> Result<(), RepositoryError> {
    let mut tx = db.write().await?;
    // Servers that start together take turns.
    tx.execute(Statement::new("UPDATE catalog SET version = version"))
        .await?;
    let bound = bound(&mut tx).await?;
    if bound.contains(&log) {
        return Ok(());
    }
    if !bound.is_empty() && !may_join {
        return Err(RepositoryError::LogMismatch {
            expected: bound,
            found: log,
        });
    }
    let insert = Statement::new("INSERT INTO logs (uuid) VALUES ($1)").bind(log.to_string());
    tx.execute(insert).await?;
    finish(tx).await
}

/// The logs of the catalog, ascending.
pub(super) async fn bound(tx: &mut Tx) -> Result<Vec<Uuid>, RepositoryError> {
    let rows: Vec<(String,)> = tx.rows(Statement::new("SELECT uuid FROM logs")).await?;
    let logs = rows
        .iter()
        .map(|(text,)| Uuid::parse_str(text).map_err(|_| corrupt("the uuid of a log cannot be read")));
    let mut logs: Vec<_> = logs.collect::<Result<_, _>>()?;
    logs.sort_unstable();
    Ok(logs)
}

/// Raises the counters to what the log names; never lowers them.
pub(super) async fn raise_counters(db: &Db, bus: u32, route: u64) -> Result<(), RepositoryError> {
    let mut tx = db.write().await?;
    let raise = Statement::new(
        "UPDATE catalog SET
             last_bus = CASE WHEN last_bus < $1 THEN $1 ELSE last_bus END,
             last_route = CASE WHEN last_route < $2 THEN $2 ELSE last_route END",
    );
    tx.execute(raise.bind(i64::from(bus)).bind(int(route)?)).await?;
    finish(tx).await
}
