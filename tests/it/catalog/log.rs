//! The ties between a catalog, the logs of its servers, and these servers.

use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;
use uuid::Uuid;

use super::support::Database;
use super::support::creates;
use super::support::on_both;
use super::support::put;
use super::support::puts;

on_both!(
    a_change_is_heard_by_whoever_waits,
    a_log_is_bound_if_there_is_no_other_or_it_may_join,
    counters_are_raised_and_never_lowered,
);

async fn a_log_is_bound_if_there_is_no_other_or_it_may_join(database: Database) {
    let store = database.open().await;
    let (log, other) = (Uuid::new_v4(), Uuid::new_v4());
    store.bind_log(log, false).await.unwrap();
    store.bind_log(log, false).await.unwrap();
    let error = database.open().await.bind_log(other, false).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::LogMismatch { expected, found } if (expected, found) == (&vec![log], &other)),
        "{error:?}"
    );
    assert_eq!(store.load().await.unwrap().meta.logs, [log]);
    store.bind_log(other, true).await.unwrap();
    store.bind_log(other, false).await.unwrap();
    let mut both = [log, other];
    both.sort_unstable();
    assert_eq!(store.load().await.unwrap().meta.logs, both);
}

async fn a_change_is_heard_by_whoever_waits(database: Database) {
    let (store, other) = (database.open().await, database.open().await);
    let before = store.version().await.unwrap();
    store.news().await;
    other.commit(creates("a")).await.unwrap();
    while store.version().await.unwrap() == before {
        store.news().await;
    }
    assert_eq!(store.version().await.unwrap(), before + 1);
    store.close().await;
}

async fn counters_are_raised_and_never_lowered(database: Database) {
    let store = database.open().await;
    store.raise_counters(40, 7_000_000_000).await.unwrap();
    store.raise_counters(2, 3).await.unwrap();
    let committed = store.commit(creates("a")).await.unwrap();
    assert_eq!(committed.buses[0].number, 41);
    let committed = store.commit(puts(vec![put("a", "r", &["t"])])).await.unwrap();
    assert_eq!(committed.opened[0].id, 7_000_000_001);
}
