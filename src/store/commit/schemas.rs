//! The schemas of a change.

use super::Counters;
use crate::catalog::AddVersion;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::EventType;
use crate::catalog::RepositoryError;
use crate::catalog::SchemaRow;
use crate::catalog::SchemaVersionRow;
use crate::store::db::Tx;
use crate::store::error::corrupt;
use crate::store::load;
use crate::store::load::SchemaColumns;
use crate::store::load::int;
use crate::store::statement::Statement;

/// Removes schemas, puts their settings, and adds versions.
pub(super) async fn change(
    tx: &mut Tx,
    change: &Change,
    counters: &mut Counters,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    for kind in &change.delete_schemas {
        delete(tx, kind, counters.version).await?;
        committed.removed_schemas.push(kind.clone());
    }
    for put in &change.put_schemas {
        let (before, is_live) = find(tx, &put.kind).await?;
        expect(before.as_ref().filter(|_| is_live), put.expect)?;
        let row = SchemaRow {
            kind: put.kind.clone(),
            revision: counters.version,
            settings: put.settings.clone(),
            last_version: before.map_or(0, |before| before.last_version),
        };
        write(tx, &row).await?;
        committed.schemas.push(row);
    }
    for add in &change.add_versions {
        add_version(tx, add, counters, committed).await?;
    }
    Ok(())
}

/// Keeps the row, because its count of versions must go on.
async fn delete(tx: &mut Tx, kind: &EventType, version: u64) -> Result<(), RepositoryError> {
    let delete =
        Statement::new("UPDATE schemas SET deleted = TRUE, revision = $1 WHERE type = $2 AND NOT deleted");
    if tx.execute(delete.bind(int(version)?).bind(kind.as_str())).await? != 1 {
        return Err(RepositoryError::NoSuchSchema(kind.clone()));
    }
    let delete = Statement::new("DELETE FROM schema_versions WHERE type = $1");
    tx.execute(delete.bind(kind.as_str())).await?;
    Ok(())
}

async fn add_version(
    tx: &mut Tx,
    add: &AddVersion,
    counters: &mut Counters,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    let (before, is_live) = find(tx, &add.kind).await?;
    let live = before.as_ref().filter(|_| is_live);
    // Settings put by the same change met the same expectation.
    if !committed.schemas.iter().any(|row| row.kind == add.kind) {
        expect(live, add.expect)?;
    }
    for (kind, number) in &add.refers {
        check_there(tx, kind, *number).await?;
    }
    let last = before.as_ref().map_or(0, |before| before.last_version);
    let number = last
        .checked_add(1)
        .ok_or_else(|| corrupt("the numbers of versions ran out"))?;
    let settings = live.map_or(&add.settings, |live| &live.settings);
    let row = SchemaRow {
        kind: add.kind.clone(),
        revision: counters.version,
        settings: settings.clone(),
        last_version: number,
    };
    write(tx, &row).await?;
    counters.schema += 1;
    let insert =
        Statement::new("INSERT INTO schema_versions (id, type, version, document) VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(int(counters.schema)?).bind(add.kind.as_str());
    let insert = insert.bind(i64::from(number)).bind(add.document.to_string());
    if tx.execute(insert).await? != 1 {
        return Err(corrupt("a version of a schema was not written"));
    }
    committed.schemas.push(row);
    committed.schema_versions.push(SchemaVersionRow {
        kind: add.kind.clone(),
        number,
        id: counters.schema,
        document: add.document.clone(),
    });
    Ok(())
}

/// The row of an event type, and whether it is not deleted.
async fn find(tx: &mut Tx, kind: &EventType) -> Result<(Option<SchemaRow>, bool), RepositoryError> {
    let select = Statement::new("SELECT type, revision, settings, last_version FROM schemas WHERE type = $1");
    let rows: Vec<SchemaColumns> = tx.rows(select.bind(kind.as_str())).await?;
    let row = rows.into_iter().next().map(load::schema).transpose()?;
    let live = Statement::new("SELECT COUNT(*) FROM schemas WHERE type = $1 AND NOT deleted");
    let (live,): (i64,) = tx.row(live.bind(kind.as_str())).await?;
    Ok((row, live > 0))
}

fn expect(live: Option<&SchemaRow>, revision: u64) -> Result<(), RepositoryError> {
    if live.map_or(0, |live| live.revision) == revision {
        Ok(())
    } else {
        Err(RepositoryError::Conflict)
    }
}

/// Refuses the change if a version that it refers to has gone in the meantime.
async fn check_there(tx: &mut Tx, kind: &EventType, number: u32) -> Result<(), RepositoryError> {
    let count = Statement::new("SELECT COUNT(*) FROM schema_versions WHERE type = $1 AND version = $2");
    let (found,): (i64,) = tx.row(count.bind(kind.as_str()).bind(i64::from(number))).await?;
    if found == 1 {
        Ok(())
    } else {
        Err(RepositoryError::Conflict)
    }
}

async fn write(tx: &mut Tx, row: &SchemaRow) -> Result<(), RepositoryError> {
    let upsert = Statement::new(
        "INSERT INTO schemas (type, revision, settings, last_version, deleted) VALUES ($1, $2, $3, $4, FALSE)
         ON CONFLICT (type) DO UPDATE SET revision = excluded.revision, settings = excluded.settings,
             last_version = excluded.last_version, deleted = FALSE",
    );
    let upsert = upsert.bind(row.kind.as_str()).bind(int(row.revision)?);
    let upsert = upsert
        .bind(row.settings.to_string())
        .bind(i64::from(row.last_version));
    if tx.execute(upsert).await? != 1 {
        return Err(corrupt("a schema was not written"));
    }
    Ok(())
}
