//! The revisions of a change: those that end with it and those that begin.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use super::buses::Buses;
use crate::catalog::BusName;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::RepositoryError;
use crate::catalog::RevisionRow;
use crate::catalog::RuleName;
use crate::store::db::Tx;
use crate::store::load;
use crate::store::load::RevisionColumns;
use crate::store::load::int;
use crate::store::load::unsigned;
use crate::store::statement::CHUNK;
use crate::store::statement::Statement;

/// The rules of a change by bus.
pub(super) type ByBus<'a> = BTreeMap<&'a BusName, BTreeSet<&'a RuleName>>;

/// The rules that the change deletes or puts, by bus.
pub(super) fn touched_rules(change: &Change) -> ByBus<'_> {
    let deleted = change.delete_rules.iter().map(|(bus, rule)| (bus, rule));
    group(deleted.chain(change.put_rules.iter().map(|put| (&put.bus, &put.rule))))
}

/// Ends what is in force of the rules that the change deletes or puts.
///
/// # Errors
/// [`RepositoryError::NoSuchRule`] if one to be deleted is not in force.
pub(super) async fn end(
    tx: &mut Tx,
    change: &Change,
    buses: &Buses,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    for (bus, rules) in touched_rules(change) {
        let row = buses.row(bus)?;
        let rules: Vec<_> = rules.into_iter().collect();
        for rules in rules.chunks(CHUNK) {
            let end = Statement::new(
                "UPDATE revisions SET until_generation = $1
                 WHERE bus = $2 AND until_generation IS NULL AND rule IN",
            );
            let end = end
                .bind(int(row.generation)?)
                .bind(i64::from(row.number))
                .list(names(rules))
                .then(" RETURNING bus, rule, revision, spec, owner, from_generation, until_generation");
            for ended in tx.rows::<RevisionColumns>(end).await? {
                committed.ended.push(load::revision(bus, ended)?);
            }
        }
    }
    let ended: BTreeSet<_> = committed.ended.iter().map(|row| (&row.bus, &row.rule)).collect();
    match change
        .delete_rules
        .iter()
        .find(|(bus, rule)| !ended.contains(&(bus, rule)))
    {
        Some((bus, rule)) => Err(RepositoryError::NoSuchRule {
            bus: bus.clone(),
            rule: rule.clone(),
        }),
        None => Ok(()),
    }
}

/// Begins the revisions of the rules that the change puts.
pub(super) async fn begin(
    tx: &mut Tx,
    change: &Change,
    buses: &Buses,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    let last = last_revisions(tx, change, buses).await?;
    let mut rows = Vec::with_capacity(change.put_rules.len());
    for put in &change.put_rules {
        let before = last.get(&(&put.bus, &put.rule)).copied().unwrap_or(0);
        rows.push(RevisionRow {
            bus: put.bus.clone(),
            rule: put.rule.clone(),
            revision: before + 1,
            spec: Arc::clone(&put.spec),
            owner: put.owner.clone(),
            from_generation: buses.row(&put.bus)?.generation,
            until_generation: None,
        });
    }
    for rows in rows.chunks(CHUNK) {
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            values.push([
                i64::from(buses.row(&row.bus)?.number).into(),
                row.rule.as_str().into(),
                int(row.revision)?.into(),
                row.spec.to_string().into(),
                row.owner.clone().into(),
                int(row.from_generation)?.into(),
            ]);
        }
        let insert = "INSERT INTO revisions (bus, rule, revision, spec, owner, from_generation) VALUES";
        tx.execute(Statement::new(insert).rows(values)).await?;
    }
    committed.revisions = rows;
    Ok(())
}

/// The highest revision that each rule to be put has had, deleted ones too.
async fn last_revisions<'a>(
    tx: &mut Tx,
    change: &'a Change,
    buses: &Buses,
) -> Result<HashMap<(&'a BusName, &'a RuleName), u64>, RepositoryError> {
    let mut last = HashMap::new();
    for (bus, rules) in group(change.put_rules.iter().map(|put| (&put.bus, &put.rule))) {
        let number = i64::from(buses.row(bus)?.number);
        let by_name: HashMap<&str, &RuleName> = rules.iter().map(|rule| (rule.as_str(), *rule)).collect();
        let rules: Vec<_> = rules.into_iter().collect();
        for rules in rules.chunks(CHUNK) {
            let select =
                Statement::new("SELECT rule, MAX(revision) FROM revisions WHERE bus = $1 AND rule IN");
            let select = select.bind(number).list(names(rules)).then(" GROUP BY rule");
            for (rule, revision) in tx.rows::<(String, i64)>(select).await? {
                if let Some(rule) = by_name.get(rule.as_str()) {
                    last.insert((bus, *rule), unsigned(revision)?);
                }
            }
        }
    }
    Ok(last)
}

/// The names as values of a statement.
pub(super) fn names<'a>(
    rules: &'a [&RuleName],
) -> impl Iterator<Item = crate::store::statement::Datum> + use<'a> {
    rules.iter().map(|rule| rule.as_str().into())
}

fn group<'a>(rules: impl Iterator<Item = (&'a BusName, &'a RuleName)>) -> ByBus<'a> {
    let mut by_bus = ByBus::new();
    for (bus, rule) in rules {
        by_bus.entry(bus).or_default().insert(rule);
    }
    by_bus
}
