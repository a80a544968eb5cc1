//! What ties a catalog to its log: the log's uuid and the highest numbers it names.

use uuid::Uuid;

use super::db::Db;
use super::error::corrupt;
use super::finish;
use super::load::int;
use super::statement::Statement;
use crate::catalog::RepositoryError;

/// Stores the uuid if the catalog has none, and compares it if it has.
pub(super) async fn bind(db: &Db, log: Uuid) -> Result<(), RepositoryError> {
    let mut tx = db.write().await?;
    let set = Statement::new("UPDATE catalog SET log_uuid = $1 WHERE log_uuid IS NULL").bind(log.to_string());
    tx.execute(set).await?;
    let (stored,): (String,) = tx.row(Statement::new("SELECT log_uuid FROM catalog")).await?;
    let expected = parse_uuid(&stored)?;
    if expected != log {
        return Err(RepositoryError::LogMismatch { expected, found: log });
    }
    finish(tx).await
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

/// Reads a stored uuid.
pub(super) fn parse_uuid(text: &str) -> Result<Uuid, RepositoryError> {
    Uuid::parse_str(text).map_err(|_| corrupt("the uuid of the log cannot be read"))
}
