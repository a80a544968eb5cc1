//! Connections, and what holds them together with rules.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tramline::catalog::Change;
use tramline::catalog::ConnectionName;
use tramline::catalog::PutConnection;
use tramline::catalog::PutRule;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;

use super::support::Database;
use super::support::on_both;
use super::support::put;
use super::support::puts;

on_both!(
    connections_are_kept_as_they_were_given,
    a_revision_never_comes_again,
    of_two_writes_of_one_connection_one_is_a_conflict,
    a_rule_and_the_end_of_its_connection_cannot_both_happen,
);

fn name(text: &str) -> ConnectionName {
    ConnectionName::parse(text).unwrap()
}

fn connects(text: &str, expect: u64, spec: &Value) -> Change {
    let connection = PutConnection {
        name: name(text),
        expect,
        spec: Arc::new(spec.clone()),
    };
    Change {
        put_connections: vec![connection],
        ..Change::default()
    }
}

fn disconnects(text: &str, version: u64) -> Change {
    Change {
        delete_connections: vec![name(text)],
        expect_version: Some(version),
        ..Change::default()
    }
}

async fn connections_are_kept_as_they_were_given(database: Database) {
    let store = database.open().await;
    let spec = json!({"bearer": {"token": {"sealed": "v1.a.b"}}, "headers": {"ö": "\u{0}"}});
    let put = store.commit(connects("b", 0, &spec)).await.unwrap();
    store.commit(connects("a", 0, &json!({}))).await.unwrap();
    let loaded = database.open().await.load().await.unwrap();
    assert_eq!(loaded.connections[1], put.connections[0]);
    let names: Vec<_> = loaded.connections.iter().map(|row| row.name.as_str()).collect();
    assert_eq!((names, loaded.meta.version), (vec!["a", "b"], 2));
    assert_eq!(loaded.buses[0].generation, 1, "no bus is touched");
}

async fn a_revision_never_comes_again(database: Database) {
    let store = database.open().await;
    let mut seen = Vec::new();
    for round in 1..=3 {
        let first = store.commit(connects("a", 0, &json!({}))).await.unwrap();
        let revision = first.connections[0].revision;
        let second = store
            .commit(connects("a", revision, &json!({"n": round})))
            .await
            .unwrap();
        seen.extend([revision, second.connections[0].revision]);
        let gone = store.commit(disconnects("a", second.version)).await.unwrap();
        assert_eq!(gone.removed_connections, [name("a")]);
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    let error = store
        .commit(Change {
            expect_version: None,
            ..disconnects("a", 0)
        })
        .await
        .unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchConnection(_)), "{error:?}");
}

async fn of_two_writes_of_one_connection_one_is_a_conflict(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    let (spec, other) = (json!({"n": 1}), json!({"n": 2}));
    let (a, b) = tokio::join!(
        a.commit(connects("c", 0, &spec)),
        b.commit(connects("c", 0, &other))
    );
    let conflicts = [&a, &b]
        .iter()
        .filter(|result| matches!(result, Err(RepositoryError::Conflict)))
        .count();
    assert_eq!((conflicts, a.is_ok() ^ b.is_ok()), (1, true), "{a:?} {b:?}");
}

async fn a_rule_and_the_end_of_its_connection_cannot_both_happen(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    for round in 0..10 {
        let text = format!("c{round}");
        let version = a.commit(connects(&text, 0, &json!({}))).await.unwrap().version;
        let rule = PutRule {
            connections: vec![name(&text)],
            ..put("default", &text, &["t"])
        };
        let (rule, end) = tokio::join!(a.commit(puts(vec![rule])), b.commit(disconnects(&text, version)));
        let conflicts = [&rule, &end]
            .iter()
            .filter(|result| matches!(result, Err(RepositoryError::Conflict)))
            .count();
        assert_eq!(
            (conflicts, rule.is_ok() ^ end.is_ok()),
            (1, true),
            "{rule:?} {end:?}"
        );
    }
}
