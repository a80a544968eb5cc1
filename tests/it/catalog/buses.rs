//! Creating and deleting buses.

use tramline::catalog::BusName;
use tramline::catalog::Change;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;

use super::support::Database;
use super::support::bus;
use super::support::creates;
use super::support::deletes;
use super::support::on_both;
use super::support::put;
use super::support::puts;
use super::support::removes;

on_both!(
    a_bus_created_again_keeps_its_number_and_goes_on_counting,
    a_bus_with_rules_is_not_deleted,
    the_default_bus_is_not_deleted,
    a_bus_is_created_once_and_deleted_once,
);

async fn a_bus_created_again_keeps_its_number_and_goes_on_counting(database: Database) {
    let store = database.open().await;
    store.commit(creates("a")).await.unwrap();
    store.commit(creates("b")).await.unwrap();
    store.commit(removes("a")).await.unwrap();
    let again = store.commit(creates("a")).await.unwrap();
    assert_eq!(
        (
            again.buses[0].number,
            again.buses[0].generation,
            again.buses[0].deleted
        ),
        (2, 3, false)
    );
    let new = store.commit(creates("c")).await.unwrap();
    assert_eq!(new.buses[0].number, 4);
}

async fn a_bus_with_rules_is_not_deleted(database: Database) {
    let store = database.open().await;
    store.commit(creates("a")).await.unwrap();
    store.commit(puts(vec![put("a", "r", &["t"])])).await.unwrap();
    let before = store.load().await.unwrap();
    let error = store.commit(removes("a")).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::BusNotEmpty(name) if *name == bus("a")),
        "{error:?}"
    );
    assert_eq!(store.load().await.unwrap(), before);
    let together = Change {
        delete_buses: vec![bus("a")],
        ..deletes(&[("a", "r")])
    };
    let committed = store.commit(together).await.unwrap();
    assert!(committed.buses[0].deleted);
    assert_eq!(committed.buses[0].generation, 3);
}

async fn the_default_bus_is_not_deleted(database: Database) {
    let store = database.open().await;
    let error = store.commit(removes("default")).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::PermanentBus(name) if *name == BusName::default()),
        "{error:?}"
    );
}

async fn a_bus_is_created_once_and_deleted_once(database: Database) {
    let store = database.open().await;
    store.commit(creates("a")).await.unwrap();
    let error = store.commit(creates("a")).await.unwrap_err();
    assert!(matches!(error, RepositoryError::BusExists(_)), "{error:?}");
    store.commit(removes("a")).await.unwrap();
    let error = store.commit(removes("a")).await.unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchBus(_)), "{error:?}");
    let error = store.commit(puts(vec![put("a", "r", &["t"])])).await.unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchBus(_)), "{error:?}");
}
