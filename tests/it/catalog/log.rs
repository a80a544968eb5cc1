//! The tie between a catalog and its log.

use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;
use uuid::Uuid;

use super::support::Database;
use super::support::creates;
use super::support::on_both;
use super::support::put;
use super::support::puts;

on_both!(
    a_catalog_is_bound_to_one_log,
    counters_are_raised_and_never_lowered,
);

async fn a_catalog_is_bound_to_one_log(database: Database) {
    let store = database.open().await;
    let (log, other) = (Uuid::new_v4(), Uuid::new_v4());
    store.bind_log(log).await.unwrap();
    store.bind_log(log).await.unwrap();
    let error = database.open().await.bind_log(other).await.unwrap_err();
    assert!(
        matches!(error, RepositoryError::LogMismatch { expected, found } if (expected, found) == (log, other)),
        "{error:?}"
    );
    assert_eq!(store.load().await.unwrap().meta.log_uuid, Some(log));
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
