//! Changes of many rules.

use std::time::Duration;
use std::time::Instant;

use tramline::catalog::Change;
use tramline::catalog::Repository;

use super::support::Database;
use super::support::bus;
use super::support::on_both;
use super::support::put;
use super::support::puts;
use super::support::rule;

on_both!(ten_thousand_rules_are_one_change);

async fn ten_thousand_rules_are_one_change(database: Database) {
    let store = database.open().await;
    let names: Vec<_> = (0..10_000).map(|n| format!("r{n}")).collect();
    let rules = || {
        names
            .iter()
            .map(|name| put("default", name, &["t"]))
            .collect::<Vec<_>>()
    };
    let start = Instant::now();
    let committed = store.commit(puts(rules())).await.unwrap();
    assert_eq!(
        (committed.revisions.len(), committed.opened.len()),
        (10_000, 10_000)
    );
    let committed = store.commit(puts(rules())).await.unwrap();
    assert_eq!(
        (
            committed.ended.len(),
            committed.opened.len(),
            committed.closed.len()
        ),
        (10_000, 0, 0)
    );
    let delete_rules = names.iter().map(|name| (bus("default"), rule(name))).collect();
    let committed = store
        .commit(Change {
            delete_rules,
            ..Change::default()
        })
        .await
        .unwrap();
    assert_eq!((committed.ended.len(), committed.closed.len()), (10_000, 10_000));
    // Row by row it would be minutes; with room for a slow machine.
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
    assert_eq!(store.load().await.unwrap().buses[0].generation, 4);
}
