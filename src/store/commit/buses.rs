//! The buses of a change: what is expected of them, and what becomes of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Counters;
use crate::catalog::BusName;
use crate::catalog::BusRow;
use crate::catalog::Change;
use crate::catalog::RepositoryError;
use crate::store::db::Tx;
use crate::store::error::corrupt;
use crate::store::load;
use crate::store::load::BusColumns;
use crate::store::load::int;
use crate::store::statement::CHUNK;
use crate::store::statement::Statement;

/// The buses that a change touches, as they will be.
pub(super) struct Buses {
    touched: BTreeMap<BusName, BusRow>,
    new: BTreeSet<BusName>,
}

impl Buses {
    /// Compares the buses with what the change expects, and works out what becomes of them.
    pub(super) async fn decide(
        tx: &mut Tx,
        change: &Change,
        counters: &mut Counters,
    ) -> Result<Self, RepositoryError> {
        let names = touched(change);
        let expected = change.expect.iter().map(|(bus, _)| bus);
        let mut stored = read(tx, &names.iter().copied().chain(expected).collect()).await?;
        for (bus, generation) in &change.expect {
            if stored.get(bus).is_none_or(|row| row.generation != *generation) {
                return Err(RepositoryError::Conflict);
            }
        }
        let mut buses = Self {
            touched: BTreeMap::new(),
            new: BTreeSet::new(),
        };
        for name in names {
            let row = match stored.remove(name) {
                Some(row) => BusRow {
                    generation: row.generation + 1,
                    ..row
                },
                None if change.create_buses.contains(name) => {
                    buses.new.insert(name.clone());
                    counters.bus += 1;
                    let number = u32::try_from(counters.bus).map_err(|_| corrupt("bus numbers ran out"))?;
                    BusRow {
                        name: name.clone(),
                        number,
                        generation: 1,
                        deleted: true,
                    }
                }
                None => return Err(RepositoryError::NoSuchBus(name.clone())),
            };
            buses.touched.insert(name.clone(), buses_fate(row, change)?);
        }
        Ok(buses)
    }

    /// The bus of that name, which the change touches.
    pub(super) fn row(&self, name: &BusName) -> Result<&BusRow, RepositoryError> {
        self.touched
            .get(name)
            .ok_or_else(|| RepositoryError::NoSuchBus(name.clone()))
    }

    /// All of them as they will be, by name.
    pub(super) fn into_rows(self) -> Vec<BusRow> {
        self.touched.into_values().collect()
    }

    /// Writes them.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<(), RepositoryError> {
        for row in self.touched.values() {
            let statement = if self.new.contains(&row.name) {
                Statement::new(
                    "INSERT INTO buses (generation, deleted, number, name) VALUES ($1, $2, $3, $4)",
                )
            } else {
                Statement::new(
                    "UPDATE buses SET generation = $1, deleted = $2 WHERE number = $3 AND name = $4",
                )
            };
            let statement = statement.bind(int(row.generation)?).bind(row.deleted);
            let statement = statement.bind(i64::from(row.number)).bind(row.name.as_str());
            if tx.execute(statement).await? != 1 {
                return Err(corrupt("a bus that was just read is gone"));
            }
        }
        Ok(())
    }

    /// Refuses the change if a bus to be deleted is left with rules.
    pub(super) async fn check_empty(&self, tx: &mut Tx, change: &Change) -> Result<(), RepositoryError> {
        for name in &change.delete_buses {
            let live =
                Statement::new("SELECT COUNT(*) FROM revisions WHERE bus = $1 AND until_generation IS NULL");
            let (rules,): (i64,) = tx.row(live.bind(i64::from(self.row(name)?.number))).await?;
            if rules > 0 {
                return Err(RepositoryError::BusNotEmpty(name.clone()));
            }
        }
        Ok(())
    }
}

/// What the change makes of a bus that it touches.
fn buses_fate(mut row: BusRow, change: &Change) -> Result<BusRow, RepositoryError> {
    let name = &row.name;
    let is_alive = |row: &BusRow| {
        if row.deleted {
            Err(RepositoryError::NoSuchBus(row.name.clone()))
        } else {
            Ok(())
        }
    };
    if change.delete_rules.iter().any(|(bus, _)| bus == name) {
        is_alive(&row)?;
    }
    if change.delete_buses.contains(name) {
        is_alive(&row)?;
        if name.is_permanent() {
            return Err(RepositoryError::PermanentBus(row.name));
        }
        row.deleted = true;
    }
    if change.create_buses.contains(&row.name) {
        if !row.deleted {
            return Err(RepositoryError::BusExists(row.name));
        }
        row.deleted = false;
    }
    if change.put_rules.iter().any(|put| put.bus == row.name) {
        is_alive(&row)?;
    }
    Ok(row)
}

/// The buses that the change touches.
fn touched(change: &Change) -> BTreeSet<&BusName> {
    let deleted = change.delete_rules.iter().map(|(bus, _)| bus);
    let put = change.put_rules.iter().map(|put| &put.bus);
    deleted
        .chain(put)
        .chain(&change.delete_buses)
        .chain(&change.create_buses)
        .collect()
}

async fn read(tx: &mut Tx, names: &BTreeSet<&BusName>) -> Result<BTreeMap<BusName, BusRow>, RepositoryError> {
    let names: Vec<_> = names.iter().copied().collect();
    let mut found = BTreeMap::new();
    for names in names.chunks(CHUNK) {
        let statement = Statement::new("SELECT number, name, generation, deleted FROM buses WHERE name IN")
            .list(names.iter().map(|name| name.as_str().into()));
        for row in tx.rows::<BusColumns>(statement).await? {
            let row = load::bus(row)?;
            found.insert(row.name.clone(), row);
        }
    }
    Ok(found)
}
