//! Sources, and what buses refuse.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tramline::catalog::BusSettingsRow;
use tramline::catalog::Change;
use tramline::catalog::PutSource;
use tramline::catalog::Repository;
use tramline::catalog::RepositoryError;
use tramline::catalog::SourceName;
use tramline::catalog::View;

use super::support::Database;
use super::support::bus;
use super::support::creates;
use super::support::on_both;
use super::support::removes;

on_both!(
    sources_are_kept_as_they_were_given,
    a_source_expects_the_revision_that_was_seen,
    settings_go_with_the_bus_and_so_do_its_sources,
    a_source_needs_its_bus,
);

fn name(text: &str) -> SourceName {
    SourceName::parse(text).unwrap()
}

fn registers(on: &str, text: &str, expect: u64, spec: &Value) -> Change {
    let put = PutSource {
        bus: bus(on),
        name: name(text),
        expect,
        spec: Arc::new(spec.clone()),
    };
    Change {
        put_sources: vec![put],
        ..Change::default()
    }
}

fn settles(on: &str, spec: &Value) -> Change {
    let row = BusSettingsRow {
        bus: bus(on),
        spec: Arc::new(spec.clone()),
    };
    Change {
        put_bus_settings: vec![row],
        ..Change::default()
    }
}

async fn sources_are_kept_as_they_were_given(database: Database) {
    let store = database.open().await;
    let spec = json!({ "source": "/shop/*", "types": ["a.*"], "owner": "\u{0}ö" });
    let put = store
        .commit(registers("default", "shop", 0, &spec))
        .await
        .unwrap();
    let loaded = database.open().await.load().await.unwrap();
    assert_eq!(loaded.sources, put.sources);
    assert_eq!(loaded.buses[0].generation, 1, "no rule is touched");
    let settings = json!({ "unregistered_sources": "reject" });
    for settings in [&json!({}), &settings] {
        store.commit(settles("default", settings)).await.unwrap();
    }
    let loaded = store.load().await.unwrap();
    assert_eq!(
        (loaded.bus_settings.len(), &*loaded.bus_settings[0].spec),
        (1, &settings)
    );
}

async fn a_source_expects_the_revision_that_was_seen(database: Database) {
    let (a, b) = (database.open().await, database.open().await);
    let (spec, other) = (json!({ "source": "/a" }), json!({ "source": "/b" }));
    let (first, second) = tokio::join!(
        a.commit(registers("default", "s", 0, &spec)),
        b.commit(registers("default", "s", 0, &other))
    );
    assert!(first.is_ok() ^ second.is_ok(), "{first:?} {second:?}");
    let revision = first.or(second).unwrap().sources[0].revision;
    let next = a
        .commit(registers("default", "s", revision, &other))
        .await
        .unwrap();
    assert!(next.sources[0].revision > revision);
    let delete = Change {
        delete_sources: vec![(bus("default"), name("s"))],
        ..Change::default()
    };
    assert_eq!(a.commit(delete.clone()).await.unwrap().removed_sources.len(), 1);
    let error = a.commit(delete).await.unwrap_err();
    assert!(matches!(error, RepositoryError::NoSuchSource { .. }), "{error:?}");
}

async fn settings_go_with_the_bus_and_so_do_its_sources(database: Database) {
    let store = database.open().await;
    let mut view = View::from_loaded(&store.load().await.unwrap(), &View::default()).unwrap();
    let changes = [
        creates("x"),
        settles("x", &json!({ "undeclared_types": "reject" })),
        registers("x", "s", 0, &json!({ "source": "/a" })),
    ];
    for change in changes {
        view = view.after(&store.commit(change).await.unwrap()).unwrap();
    }
    let again = View::from_loaded(&store.load().await.unwrap(), &View::default()).unwrap();
    for view in [&view, &again] {
        let sources = &view.bus("x").unwrap().sources;
        assert!(sources.settings.rejects_undeclared_types);
        assert_eq!(sources.by_name.len(), 1);
    }
    for change in [removes("x"), creates("x")] {
        view = view.after(&store.commit(change).await.unwrap()).unwrap();
    }
    let again = View::from_loaded(&store.load().await.unwrap(), &View::default()).unwrap();
    for view in [&view, &again] {
        let sources = &view.bus("x").unwrap().sources;
        assert!(!sources.settings.rejects_undeclared_types && sources.by_name.is_empty());
    }
}

async fn a_source_needs_its_bus(database: Database) {
    let store = database.open().await;
    let source = registers("y", "s", 0, &json!({ "source": "/a" }));
    for change in [source, settles("y", &json!({}))] {
        let error = store.commit(change).await.unwrap_err();
        assert!(matches!(error, RepositoryError::NoSuchBus(_)), "{error:?}");
    }
    let both = Change {
        create_buses: vec![bus("y")],
        ..settles("y", &json!({}))
    };
    assert_eq!(store.commit(both).await.unwrap().bus_settings.len(), 1);
}
