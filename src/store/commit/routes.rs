//! The routes of a change: a rule that is put keeps those of targets it still has.

use std::collections::BTreeSet;

use super::Counters;
use super::buses::Buses;
use super::revisions::names;
use super::revisions::touched_rules;
use crate::catalog::BusName;
use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::RepositoryError;
use crate::catalog::RouteRow;
use crate::catalog::RuleName;
use crate::catalog::TargetName;
use crate::store::db::Tx;
use crate::store::load;
use crate::store::load::RouteColumns;
use crate::store::load::int;
use crate::store::statement::CHUNK;
use crate::store::statement::Statement;

/// Bus, rule and target: what at most one open route has.
type Key<'a> = (&'a BusName, &'a RuleName, &'a TargetName);

/// The routes that the rules put by the change should have.
fn wanted(change: &Change) -> Vec<Key<'_>> {
    let of_put = change.put_rules.iter().flat_map(|put| {
        put.targets
            .iter()
            .map(move |target| (&put.bus, &put.rule, target))
    });
    of_put.collect()
}

/// Closes the routes of deleted rules, and those whose target is gone.
pub(super) async fn close(
    tx: &mut Tx,
    change: &Change,
    buses: &Buses,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    let wanted: BTreeSet<Key<'_>> = wanted(change).into_iter().collect();
    let deleted: BTreeSet<_> = change
        .delete_rules
        .iter()
        .map(|(bus, rule)| (bus, rule))
        .collect();
    for mut route in open_routes(tx, change, buses).await? {
        // A rule that is deleted and put by one change is another rule: it keeps nothing.
        let is_kept = wanted.contains(&(&route.bus, &route.rule, &route.target))
            && !deleted.contains(&(&route.bus, &route.rule));
        if !is_kept {
            route.closed = true;
            committed.closed.push(route);
        }
    }
    committed.closed.sort_by_key(|route| route.id);
    for routes in committed.closed.chunks(CHUNK) {
        let ids = routes
            .iter()
            .map(|route| int(route.id).map(Into::into))
            .collect::<Result<Vec<_>, _>>()?;
        tx.execute(
            Statement::new("UPDATE routes SET closed = $1 WHERE id IN")
                .bind(true)
                .list(ids),
        )
        .await?;
    }
    Ok(())
}

/// Opens the routes that are wanted and not open.
pub(super) async fn open(
    tx: &mut Tx,
    change: &Change,
    buses: &Buses,
    counters: &mut Counters,
    committed: &mut Committed,
) -> Result<(), RepositoryError> {
    let open = open_routes(tx, change, buses).await?;
    let open: BTreeSet<Key<'_>> = open
        .iter()
        .map(|route| (&route.bus, &route.rule, &route.target))
        .collect();
    for (bus, rule, target) in wanted(change) {
        if !open.contains(&(bus, rule, target)) {
            counters.route += 1;
            let (bus, rule, target) = (bus.clone(), rule.clone(), target.clone());
            committed.opened.push(RouteRow {
                id: counters.route,
                bus,
                rule,
                target,
                closed: false,
            });
        }
    }
    for routes in committed.opened.chunks(CHUNK) {
        let mut values = Vec::with_capacity(routes.len());
        for route in routes {
            values.push([
                int(route.id)?.into(),
                i64::from(buses.row(&route.bus)?.number).into(),
                route.rule.as_str().into(),
                route.target.as_str().into(),
                route.closed.into(),
            ]);
        }
        let insert = "INSERT INTO routes (id, bus, rule, target, closed) VALUES";
        tx.execute(Statement::new(insert).rows(values)).await?;
    }
    Ok(())
}

/// The open routes of all rules that the change touches.
async fn open_routes(tx: &mut Tx, change: &Change, buses: &Buses) -> Result<Vec<RouteRow>, RepositoryError> {
    let mut found = Vec::new();
    for (bus, rules) in touched_rules(change) {
        let number = i64::from(buses.row(bus)?.number);
        let rules: Vec<_> = rules.into_iter().collect();
        for rules in rules.chunks(CHUNK) {
            let select = Statement::new(
                "SELECT id, bus, rule, target, closed FROM routes WHERE NOT closed AND bus = $1 AND rule IN",
            );
            for row in tx
                .rows::<RouteColumns>(select.bind(number).list(names(rules)))
                .await?
            {
                found.push(load::route(bus, row)?);
            }
        }
    }
    Ok(found)
}
