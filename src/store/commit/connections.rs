//! The connections of a change.

use std::collections::BTreeSet;

use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::ConnectionName;
use crate::catalog::ConnectionRow;
use crate::catalog::RepositoryError;
use crate::store::db::Tx;
use crate::store::error::corrupt;
use crate::store::load::int;
use crate::store::load::unsigned;
use crate::store::statement::CHUNK;
use crate::store::statement::Statement;

/// Removes, adds and replaces connections, and sees that those that rules name are there.
pub(super) async fn change(
    tx: &mut Tx,
    change: &Change,
    version: u64,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    for name in &change.delete_connections {
        let delete = Statement::new("DELETE FROM connections WHERE name = $1").bind(name.as_str());
        if tx.execute(delete).await? != 1 {
            return Err(RepositoryError::NoSuchConnection(name.clone()));
        }
        committed.removed_connections.push(name.clone());
    }
    for put in &change.put_connections {
        if revision(tx, &put.name).await? != put.expect {
            return Err(RepositoryError::Conflict);
        }
        let upsert = Statement::new(
            "INSERT INTO connections (name, revision, spec) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, spec = excluded.spec",
        );
        let upsert = upsert.bind(put.name.as_str()).bind(int(version)?);
        if tx.execute(upsert.bind(put.spec.to_string())).await? != 1 {
            return Err(corrupt("a connection was not written"));
        }
        committed.connections.push(ConnectionRow {
            name: put.name.clone(),
            revision: version,
            spec: put.spec.clone(),
        });
    }
    check_named(tx, change).await
}

/// The revision of a connection, 0 for none.
async fn revision(tx: &mut Tx, name: &ConnectionName) -> Result<u64, RepositoryError> {
    let select = Statement::new("SELECT COALESCE(MAX(revision), 0) FROM connections WHERE name = $1");
    let (revision,): (i64,) = tx.row(select.bind(name.as_str())).await?;
    unsigned(revision)
}

/// Refuses the change if a rule that it puts names a connection that is not there: then somebody
/// has removed it in the meantime.
async fn check_named(tx: &mut Tx, change: &Change) -> Result<(), RepositoryError> {
    let named: BTreeSet<_> = change.put_rules.iter().flat_map(|put| &put.connections).collect();
    let named: Vec<_> = named.into_iter().collect();
    for names in named.chunks(CHUNK) {
        let count = Statement::new("SELECT COUNT(*) FROM connections WHERE name IN");
        let (found,): (i64,) = tx
            .row(count.list(names.iter().map(|name| name.as_str().into())))
            .await?;
        if usize::try_from(found).ok() != Some(names.len()) {
            return Err(RepositoryError::Conflict);
        }
    }
    Ok(())
}
