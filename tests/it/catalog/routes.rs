//! Routes: kept while their target is there, never reused.

use tramline::catalog::Change;
use tramline::catalog::Repository;
use tramline::catalog::RouteRow;

use super::support::Database;
use super::support::deletes;
use super::support::on_both;
use super::support::put;
use super::support::puts;

on_both!(
    a_changed_rule_keeps_the_routes_of_targets_it_still_has,
    a_target_that_comes_back_is_another_route,
    a_rule_deleted_and_put_at_once_keeps_nothing,
    closed_routes_stay_in_the_catalog,
);

fn ids(routes: &[RouteRow]) -> Vec<(u64, &str)> {
    routes
        .iter()
        .map(|route| (route.id, route.target.as_str()))
        .collect()
}

async fn a_changed_rule_keeps_the_routes_of_targets_it_still_has(database: Database) {
    let store = database.open().await;
    let first = store
        .commit(puts(vec![put("default", "a", &["t", "u"])]))
        .await
        .unwrap();
    assert_eq!(ids(&first.opened), [(1, "t"), (2, "u")]);
    let second = store
        .commit(puts(vec![put("default", "a", &["v", "u"])]))
        .await
        .unwrap();
    assert_eq!(
        (ids(&second.opened), ids(&second.closed)),
        (vec![(3, "v")], vec![(1, "t")])
    );
    let third = store
        .commit(puts(vec![put("default", "a", &["u", "v"])]))
        .await
        .unwrap();
    assert_eq!((third.opened.len(), third.closed.len()), (0, 0));
}

async fn a_target_that_comes_back_is_another_route(database: Database) {
    let store = database.open().await;
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    let gone = store.commit(deletes(&[("default", "a")])).await.unwrap();
    assert_eq!(ids(&gone.closed), [(1, "t")]);
    let back = database
        .open()
        .await
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    assert_eq!(ids(&back.opened), [(2, "t")]);
}

async fn a_rule_deleted_and_put_at_once_keeps_nothing(database: Database) {
    let store = database.open().await;
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    let change = Change {
        put_rules: vec![put("default", "a", &["t"])],
        ..deletes(&[("default", "a")])
    };
    let committed = store.commit(change).await.unwrap();
    assert_eq!(
        (ids(&committed.closed), ids(&committed.opened)),
        (vec![(1, "t")], vec![(2, "t")])
    );
}

async fn closed_routes_stay_in_the_catalog(database: Database) {
    let store = database.open().await;
    store
        .commit(puts(vec![put("default", "a", &["t", "u"])]))
        .await
        .unwrap();
    store.commit(deletes(&[("default", "a")])).await.unwrap();
    let routes = store.load().await.unwrap().routes;
    assert_eq!(ids(&routes), [(1, "t"), (2, "u")]);
    assert!(routes.iter().all(|route| route.closed));
}
