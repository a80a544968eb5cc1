//! Generations and revisions.

use serde_json::Value;
use tramline::catalog::Change;
use tramline::catalog::Current;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;
use tramline::catalog::RevisionRow;

use super::support::Database;
use super::support::bus;
use super::support::creates;
use super::support::deletes;
use super::support::on_both;
use super::support::put;
use super::support::put_spec;
use super::support::puts;
use super::support::rule;

on_both!(
    a_change_is_one_generation_of_each_bus_it_touches,
    revisions_cover_the_generations_without_gap_or_overlap,
    numbers_come_back_as_they_were_spelled,
    the_owner_is_kept,
    deleting_a_rule_that_is_not_there_changes_nothing,
    a_rule_needs_its_bus,
    following_commits_equals_reading_again,
);

async fn a_change_is_one_generation_of_each_bus_it_touches(database: Database) {
    let store = database.open().await;
    store.commit(creates("other")).await.unwrap();
    store.commit(creates("idle")).await.unwrap();
    let change = puts(vec![
        put("default", "a", &["t"]),
        put("default", "b", &["t"]),
        put("other", "a", &["t"]),
    ]);
    let committed = store.commit(change).await.unwrap();
    let generations: Vec<_> = committed
        .buses
        .iter()
        .map(|b| (b.name.as_str(), b.generation))
        .collect();
    assert_eq!(generations, [("default", 2), ("other", 2)]);
    let idle = store
        .load()
        .await
        .unwrap()
        .buses
        .into_iter()
        .find(|b| b.name == bus("idle"));
    assert_eq!(idle.unwrap().generation, 1);
}

async fn revisions_cover_the_generations_without_gap_or_overlap(database: Database) {
    let store = database.open().await;
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    store
        .commit(puts(vec![put("default", "other", &["t"])]))
        .await
        .unwrap();
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    store.commit(deletes(&[("default", "a")])).await.unwrap();
    store
        .commit(puts(vec![put("default", "other", &["t"])]))
        .await
        .unwrap();
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    let loaded = store.load().await.unwrap();
    let of_a = loaded.revisions.iter().filter(|r| r.rule == rule("a"));
    let ranges: Vec<_> = of_a
        .map(|r| (r.revision, r.from_generation, r.until_generation))
        .collect();
    assert_eq!(ranges, [(1, 2, Some(4)), (2, 4, Some(5)), (3, 7, None)]);
}

async fn numbers_come_back_as_they_were_spelled(database: Database) {
    let store = database.open().await;
    let text = r#"{"name":"a","n":[1.50,100,12345678901234567890123,1e+400,-0],"nul":"\u0000"}"#;
    let spec: Value = serde_json::from_str(text).unwrap();
    store
        .commit(puts(vec![put_spec("default", "a", &["t"], spec)]))
        .await
        .unwrap();
    assert_eq!(store.load().await.unwrap().revisions[0].spec.to_string(), text);
}

async fn the_owner_is_kept(database: Database) {
    let store = database.open().await;
    let mut owned = put("default", "a", &["t"]);
    owned.owner = Some("rules/ö x.yaml".to_owned());
    store
        .commit(puts(vec![owned, put("default", "b", &["t"])]))
        .await
        .unwrap();
    let owners: Vec<_> = store
        .load()
        .await
        .unwrap()
        .revisions
        .into_iter()
        .map(|r| r.owner)
        .collect();
    assert_eq!(owners, [Some("rules/ö x.yaml".to_owned()), None]);
}

async fn deleting_a_rule_that_is_not_there_changes_nothing(database: Database) {
    let store = database.open().await;
    store
        .commit(puts(vec![put("default", "a", &["t"])]))
        .await
        .unwrap();
    let before = store.load().await.unwrap();
    let change = Change {
        put_rules: vec![put("default", "c", &["t"])],
        ..deletes(&[("default", "b")])
    };
    let error = store.commit(change).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::NoSuchRule { rule, .. } if rule.as_str() == "b"),
        "{error:?}"
    );
    assert_eq!(store.load().await.unwrap(), before);
}

async fn a_rule_needs_its_bus(database: Database) {
    let store = database.open().await;
    let error = store
        .commit(puts(vec![put("nowhere", "a", &["t"])]))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RepositoryError::NoSuchBus(name) if *name == bus("nowhere")),
        "{error:?}"
    );
    let together = Change {
        create_buses: vec![bus("nowhere")],
        ..puts(vec![put("nowhere", "a", &["t"])])
    };
    let committed = store.commit(together).await.unwrap();
    let RevisionRow { from_generation, .. } = committed.revisions[0];
    assert_eq!((committed.buses[0].generation, from_generation), (1, 1));
}

async fn following_commits_equals_reading_again(database: Database) {
    let store = database.open().await;
    let mut current = Current::from_loaded(&store.load().await.unwrap());
    for change in [
        puts(vec![
            put("default", "a", &["t"]),
            put("default", "b", &["t", "u"]),
        ]),
        creates("other"),
        puts(vec![put("other", "a", &["t"]), put("default", "b", &["u"])]),
        deletes(&[("default", "a"), ("other", "a")]),
        Change {
            delete_buses: vec![bus("other")],
            ..puts(vec![put("default", "a", &["v"])])
        },
    ] {
        current.apply(&store.commit(change).await.unwrap());
        assert_eq!(current, Current::from_loaded(&store.load().await.unwrap()));
    }
    let reopened = database.open().await.load().await.unwrap();
    assert_eq!(reopened, store.load().await.unwrap());
}
