//! The sources of a change, and the settings of buses.

use crate::catalog::BusName;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::RepositoryError;
use crate::catalog::SourceName;
use crate::catalog::SourceRow;
use crate::store::db::Tx;
use crate::store::load::int;
use crate::store::load::unsigned;
use crate::store::statement::Statement;

/// Removes what belongs to buses that go, removes and puts sources, and puts settings.
pub(super) async fn change(
    tx: &mut Tx,
    change: &Change,
    version: u64,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    for bus in &change.delete_buses {
        empty(tx, bus).await?;
    }
    for row in &change.put_bus_settings {
        let upsert = Statement::new(
            "INSERT INTO bus_settings (bus, spec) SELECT number, $1 FROM buses WHERE name = $2 AND NOT deleted
             ON CONFLICT (bus) DO UPDATE SET spec = excluded.spec",
        );
        let upsert = upsert.bind(row.spec.to_string()).bind(row.bus.as_str());
        if tx.execute(upsert).await? != 1 {
            return Err(RepositoryError::NoSuchBus(row.bus.clone()));
        }
        committed.bus_settings.push(row.clone());
    }
    for (bus, name) in &change.delete_sources {
        let delete = Statement::new(
            "DELETE FROM sources WHERE name = $1 AND bus IN (SELECT number FROM buses WHERE name = $2)",
        );
        if tx.execute(delete.bind(name.as_str()).bind(bus.as_str())).await? != 1 {
            let (bus, name) = (bus.clone(), name.clone());
            return Err(RepositoryError::NoSuchSource { bus, name });
        }
        committed.removed_sources.push((bus.clone(), name.clone()));
    }
    for put in &change.put_sources {
        if revision(tx, &put.bus, &put.name).await? != put.expect {
            return Err(RepositoryError::Conflict);
        }
        let upsert = Statement::new(
            "INSERT INTO sources (bus, name, revision, spec)
             SELECT number, $1, $2, $3 FROM buses WHERE name = $4 AND NOT deleted
             ON CONFLICT (bus, name) DO UPDATE SET revision = excluded.revision, spec = excluded.spec",
        );
        let upsert = upsert.bind(put.name.as_str()).bind(int(version)?);
        let upsert = upsert.bind(put.spec.to_string()).bind(put.bus.as_str());
        if tx.execute(upsert).await? != 1 {
            return Err(RepositoryError::NoSuchBus(put.bus.clone()));
        }
        committed.sources.push(SourceRow {
            bus: put.bus.clone(),
            name: put.name.clone(),
            revision: version,
            spec: put.spec.clone(),
        });
    }
    Ok(())
}

/// A bus that is created again begins without sources and settings.
async fn empty(tx: &mut Tx, bus: &BusName) -> Result<(), RepositoryError> {
    let sources =
        Statement::new("DELETE FROM sources WHERE bus IN (SELECT number FROM buses WHERE name = $1)");
    tx.execute(sources.bind(bus.as_str())).await?;
    let settings =
        Statement::new("DELETE FROM bus_settings WHERE bus IN (SELECT number FROM buses WHERE name = $1)");
    tx.execute(settings.bind(bus.as_str())).await?;
    Ok(())
}

/// The revision of a source, 0 for none.
async fn revision(tx: &mut Tx, bus: &BusName, name: &SourceName) -> Result<u64, RepositoryError> {
    let select = Statement::new(
        "SELECT COALESCE(MAX(revision), 0) FROM sources
         WHERE name = $1 AND bus IN (SELECT number FROM buses WHERE name = $2)",
    );
    let (revision,): (i64,) = tx.row(select.bind(name.as_str()).bind(bus.as_str())).await?;
    unsigned(revision)
}
