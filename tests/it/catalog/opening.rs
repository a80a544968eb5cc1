//! Opening a store.

use tramline::catalog::BusRow;
use tramline::catalog::Repository;
use tramline::store::Store;
use tramline::store::StoreError;

use super::support::Database;
use super::support::bus;
use super::support::on_both;

on_both!(
    a_new_catalog_has_the_default_bus,
    servers_may_open_a_new_database_at_once
);

async fn a_new_catalog_has_the_default_bus(database: Database) {
    let loaded = database.open().await.load().await.unwrap();
    let default = BusRow {
        name: bus("default"),
        number: 1,
        generation: 1,
        deleted: false,
    };
    assert_eq!(loaded.buses, [default]);
    assert_eq!(
        (loaded.meta.logs, loaded.revisions.len(), loaded.routes.len()),
        (Vec::new(), 0, 0)
    );
}

async fn servers_may_open_a_new_database_at_once(database: Database) {
    let stores = futures_util::future::join_all((0..6).map(|_| database.open())).await;
    let first = stores[0].load().await.unwrap();
    for store in &stores {
        assert_eq!(store.load().await.unwrap(), first);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = Store::open("postgres://postgres@127.0.0.1:1/postgres")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let error = Store::open("/nonexistent/folder/catalog.db").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_location_that_cannot_be_read_does_not_repeat_its_password() {
    let error = Store::open("postgres://user:hunter2@host:port/db")
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::InvalidLocation { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
}
