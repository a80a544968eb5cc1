//! Schemas and their versions.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tramline::catalog::AddVersion;
use tramline::catalog::Change;
use tramline::catalog::EventType;
use tramline::catalog::PutSchema;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;
use tramline::catalog::View;

use super::support::Database;
use super::support::on_both;

on_both!(
    versions_are_numbered_by_type_and_over_all_types,
    documents_come_back_byte_by_byte,
    a_number_never_names_another_document,
    of_two_versions_added_to_one_state_one_is_a_conflict,
    settings_and_versions_expect_the_state_that_was_seen,
    a_version_is_not_added_when_one_it_refers_to_is_gone,
    following_commits_equals_reading_again,
);

fn kind(text: &str) -> EventType {
    EventType::parse(text).unwrap()
}

fn version_of(text: &str, expect: u64, document: &str) -> AddVersion {
    AddVersion {
        kind: kind(text),
        expect,
        settings: Arc::new(json!({ "validation": "off" })),
        document: Arc::from(document),
        refers: Vec::new(),
    }
}

fn adds(version: AddVersion) -> Change {
    Change {
        add_versions: vec![version],
        ..Change::default()
    }
}

fn settles(text: &str, expect: u64, settings: &Value) -> Change {
    let put = PutSchema {
        kind: kind(text),
        expect,
        settings: Arc::new(settings.clone()),
    };
    Change {
        put_schemas: vec![put],
        ..Change::default()
    }
}

fn removes(text: &str) -> Change {
    Change {
        delete_schemas: vec![kind(text)],
        ..Change::default()
    }
}

async fn versions_are_numbered_by_type_and_over_all_types(database: Database) {
    let store = database.open().await;
    let mut expect = [0, 0];
    for (index, document) in [(0, "true"), (1, "true"), (0, "{}"), (1, "false")] {
        let of = ["b", "a/ä %?"][index];
        let committed = store
            .commit(adds(version_of(of, expect[index], document)))
            .await
            .unwrap();
        expect[index] = committed.schemas[0].revision;
    }
    let loaded = database.open().await.load().await.unwrap();
    let numbers: Vec<_> = loaded
        .schema_versions
        .iter()
        .map(|row| (row.id, row.kind.as_str(), row.number))
        .collect();
    assert_eq!(
        numbers,
        [(1, "b", 1), (2, "a/ä %?", 1), (3, "b", 2), (4, "a/ä %?", 2)]
    );
    let schemas: Vec<_> = loaded
        .schemas
        .iter()
        .map(|row| (row.kind.as_str(), row.last_version))
        .collect();
    assert_eq!(schemas, [("a/ä %?", 2), ("b", 2)]);
    assert_eq!(*loaded.schemas[0].settings, json!({ "validation": "off" }));
}

async fn documents_come_back_byte_by_byte(database: Database) {
    let store = database.open().await;
    let document = r#"{ "const": "\u0000ö", "z": 1.0, "a": 1e400,"maximum":123456789012345678901234567890 }"#;
    store.commit(adds(version_of("t", 0, document))).await.unwrap();
    let loaded = database.open().await.load().await.unwrap();
    assert_eq!(&*loaded.schema_versions[0].document, document);
}

async fn a_number_never_names_another_document(database: Database) {
    let store = database.open().await;
    store.commit(adds(version_of("t", 0, "true"))).await.unwrap();
    let gone = store.commit(removes("t")).await.unwrap();
    assert_eq!(gone.removed_schemas, [kind("t")]);
    let loaded = store.load().await.unwrap();
    assert!(loaded.schemas.is_empty() && loaded.schema_versions.is_empty());
    let error = store.commit(removes("t")).await.unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchSchema(_)), "{error:?}");
    let again = store.commit(adds(version_of("t", 0, "false"))).await.unwrap();
    let row = &again.schema_versions[0];
    assert_eq!((row.number, row.id), (2, 2));
    store.commit(removes("t")).await.unwrap();
    let put = store.commit(settles("t", 0, &json!({}))).await.unwrap();
    assert_eq!(put.schemas[0].last_version, 2);
}

async fn of_two_versions_added_to_one_state_one_is_a_conflict(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    let mut revision = 0;
    for round in 1..=10 {
        let (a, b) = tokio::join!(
            a.commit(adds(version_of("t", revision, "true"))),
            b.commit(adds(version_of("t", revision, "false")))
        );
        let conflicts = [&a, &b]
            .iter()
            .filter(|result| matches!(result, Err(RepositoryError::Conflict)))
            .count();
        assert_eq!((conflicts, a.is_ok() ^ b.is_ok()), (1, true), "{a:?} {b:?}");
        let done = a.or(b).unwrap();
        assert_eq!(done.schema_versions[0].number, round);
        revision = done.schemas[0].revision;
    }
}

async fn settings_and_versions_expect_the_state_that_was_seen(database: Database) {
    let store = database.open().await;
    let put = store
        .commit(settles("t", 0, &json!({ "policy": "strict" })))
        .await
        .unwrap();
    let revision = put.schemas[0].revision;
    for stale in [adds(version_of("t", 0, "true")), settles("t", 0, &json!({}))] {
        let error = store.commit(stale).await.unwrap_err();
        assert!(matches!(error, RepositoryError::Conflict), "{error:?}");
    }
    let added = store
        .commit(adds(version_of("t", revision, "true")))
        .await
        .unwrap();
    assert!(added.schemas[0].revision > revision);
    assert_eq!(*added.schemas[0].settings, json!({ "policy": "strict" }));
}

async fn a_version_is_not_added_when_one_it_refers_to_is_gone(database: Database) {
    let store = database.open().await;
    store.commit(adds(version_of("money", 0, "true"))).await.unwrap();
    let referring = |number| AddVersion {
        refers: vec![(kind("money"), number)],
        ..version_of("order", 0, "true")
    };
    let error = store.commit(adds(referring(2))).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Conflict), "{error:?}");
    store.commit(adds(referring(1))).await.unwrap();
}

async fn following_commits_equals_reading_again(database: Database) {
    let store = database.open().await;
    let mut view = View::from_loaded(&store.load().await.unwrap(), &View::default()).unwrap();
    let reference = r#"{ "properties": { "total": { "$ref": "/v1/schemas/money/versions/1" } } }"#;
    let mut revision = 0;
    for (of, document) in [("money", r#"{ "type": "number" }"#), ("order", reference)] {
        let added = store.commit(adds(version_of(of, 0, document))).await.unwrap();
        revision = added.schemas[0].revision;
        view = view.after(&added).unwrap();
    }
    view = view
        .after(
            &store
                .commit(settles("order", revision, &json!({})))
                .await
                .unwrap(),
        )
        .unwrap();
    let again = View::from_loaded(&store.load().await.unwrap(), &View::default()).unwrap();
    for view in [&view, &again] {
        let order = view.schema("order").unwrap().latest().unwrap();
        assert_eq!(
            order.refers.iter().cloned().collect::<Vec<_>>(),
            [(kind("money"), 1)]
        );
        let validator = &order.compiled().unwrap().validator;
        assert!(validator.is_valid(&json!({ "total": 1 })));
        assert!(!validator.is_valid(&json!({ "total": "1" })));
        let money = kind("money");
        let referring: Vec<_> = view.schemas_referring_to(&money).collect();
        assert_eq!(referring, [(&kind("order"), 1)]);
    }
    assert_eq!(
        view.schema("order").unwrap().revision,
        again.schema("order").unwrap().revision
    );
    assert_eq!(view.version(), again.version());
}
