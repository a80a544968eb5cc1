//! Changes made at the same time.

use std::time::Duration;

use sqlx::Connection;
use sqlx::Executor;
use sqlx::PgConnection;
use sqlx::SqliteConnection;
use tramline::catalog::Change;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;

use super::support::Database;
use super::support::bus;
use super::support::creates;
use super::support::on_both;
use super::support::put;
use super::support::puts;

on_both!(
    of_two_changes_to_one_generation_one_is_a_conflict,
    changes_that_expect_nothing_all_happen,
    of_two_servers_creating_a_bus_one_is_told,
    an_expectation_holds_also_for_a_bus_not_touched,
    a_change_given_up_half_way_is_whole_or_not_at_all,
    a_lock_held_by_somebody_else_is_a_bounded_wait,
);

fn expecting(generation: u64, change: Change) -> Change {
    Change {
        expect: vec![(bus("default"), generation)],
        ..change
    }
}

async fn of_two_changes_to_one_generation_one_is_a_conflict(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    for generation in 1..=10 {
        let of = |name: &str| expecting(generation, puts(vec![put("default", name, &["t"])]));
        let (a, b) = tokio::join!(a.commit(of("a")), b.commit(of("b")));
        let conflicts = [&a, &b]
            .iter()
            .filter(|result| matches!(result, Err(RepositoryError::Conflict)))
            .count();
        assert_eq!((conflicts, a.is_ok() ^ b.is_ok()), (1, true), "{a:?} {b:?}");
    }
    assert_eq!(a.load().await.unwrap().buses[0].generation, 11);
}

async fn changes_that_expect_nothing_all_happen(database: Database) {
    let servers = [database.open().await, database.open().await];
    let names: Vec<_> = (0..20).map(|n| format!("r{n}")).collect();
    let commits = names
        .iter()
        .enumerate()
        .map(|(n, name)| servers[n % 2].commit(puts(vec![put("default", name, &["t", "u"])])));
    let committed = futures_util::future::join_all(commits).await;
    assert!(committed.iter().all(Result::is_ok), "{committed:?}");
    let loaded = servers[0].load().await.unwrap();
    assert_eq!((loaded.buses[0].generation, loaded.revisions.len()), (21, 20));
    let ids: Vec<_> = loaded.routes.iter().map(|route| route.id).collect();
    assert_eq!(ids, (1..=40).collect::<Vec<u64>>());
}

async fn of_two_servers_creating_a_bus_one_is_told(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    let (a, b) = tokio::join!(a.commit(creates("x")), b.commit(creates("x")));
    let told = [&a, &b]
        .iter()
        .filter(|r| matches!(r, Err(RepositoryError::BusExists(_))))
        .count();
    assert_eq!((told, a.is_ok() ^ b.is_ok()), (1, true), "{a:?} {b:?}");
}

async fn an_expectation_holds_also_for_a_bus_not_touched(database: Database) {
    let store = database.open().await;
    store.commit(expecting(1, creates("a"))).await.unwrap();
    let error = store.commit(expecting(9, creates("b"))).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Conflict), "{error:?}");
    let unknown = Change {
        expect: vec![(bus("z"), 1)],
        ..creates("b")
    };
    let error = store.commit(unknown).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Conflict), "{error:?}");
}

async fn a_change_given_up_half_way_is_whole_or_not_at_all(database: Database) {
    let store = database.open().await;
    let rules: Vec<_> = (0..50)
        .map(|n| put("default", &format!("r{n}"), &["t"]))
        .collect();
    // Cut off at ever later places, from before the transaction to after its end. A commit that was
    // sent may land after its future is dropped, so what holds at every moment is that each
    // generation has all of its rules.
    for step in 0..40 {
        let before = store.load().await.unwrap().buses[0].generation;
        let commit = store.commit(puts(rules.clone()));
        let outcome = tokio::time::timeout(Duration::from_micros(step * 250), commit).await;
        let after = store.load().await.unwrap();
        let generation = after.buses[0].generation;
        assert_eq!(
            after.revisions.len() as u64,
            50 * (generation - 1),
            "a change in part"
        );
        assert_eq!(
            after.routes.len(),
            if generation > 1 { 50 } else { 0 },
            "a change in part"
        );
        let live = after
            .revisions
            .iter()
            .filter(|revision| revision.until_generation.is_none());
        assert!(matches!(live.count(), 0 | 50), "a change in part");
        assert!(
            outcome.is_err() || generation > before,
            "an answered change is there"
        );
    }
    store.commit(puts(rules)).await.unwrap();
}

async fn a_lock_held_by_somebody_else_is_a_bounded_wait(database: Database) {
    const HOLD: &str = "UPDATE catalog SET last_bus = last_bus";
    let store = database.open().await;
    let commit = || store.commit(puts(vec![put("default", "a", &["t"])]));
    let outcome = if database.location.starts_with("postgres:") {
        let mut other = PgConnection::connect(&database.location).await.unwrap();
        let mut holder = other.begin().await.unwrap();
        holder.execute(HOLD).await.unwrap();
        let outcome = commit().await;
        holder.rollback().await.unwrap();
        outcome
    } else {
        let mut other = SqliteConnection::connect(&database.location).await.unwrap();
        let mut holder = other.begin().await.unwrap();
        holder.execute(HOLD).await.unwrap();
        let outcome = commit().await;
        holder.rollback().await.unwrap();
        outcome
    };
    assert!(
        matches!(outcome, Err(RepositoryError::Unavailable { .. })),
        "{outcome:?}"
    );
    assert_eq!(commit().await.unwrap().buses[0].generation, 2);
}
