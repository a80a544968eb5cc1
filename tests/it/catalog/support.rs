//! A fresh database for each test, and short words for changes.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::Value;
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::PgConnection;
use tramline::catalog::BusName;
use tramline::catalog::Change;
use tramline::catalog::PutRule;
use tramline::catalog::RuleName;
use tramline::catalog::TargetName;
use tramline::store::Store;
use uuid::Uuid;

/// Declares each test twice: on `SQLite` and on `PostgreSQL`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::catalog::support::on_sqlite(super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                crate::catalog::support::on_postgres(super::$name).await;
            })+
        }
    };
}
pub(crate) use on_both;

/// An empty database.
pub(crate) struct Database {
    pub(crate) location: String,
}

impl Database {
    /// Another server on the same database.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location).await.expect("open the store")
    }
}

pub(crate) async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Database) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    test(Database {
        location: path.to_str().expect("a path of text").to_owned(),
    })
    .await;
}

pub(crate) async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Database) -> F) {
    let server = std::env::var("TRAMLINE_TEST_POSTGRES")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("tramline_test_{}", Uuid::new_v4().simple());
    let mut admin = PgConnection::connect(&server)
        .await
        .expect("TRAMLINE_TEST_POSTGRES answers");
    admin
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .expect("create a database");

    let mut location = url::Url::parse(&server).expect("TRAMLINE_TEST_POSTGRES is a URL");
    location.set_path(&name);
    let outcome = AssertUnwindSafe(test(Database {
        location: location.into(),
    }))
    .catch_unwind()
    .await;

    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    admin
        .execute(AssertSqlSafe(drop))
        .await
        .expect("drop the database");
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) fn bus(name: &str) -> BusName {
    BusName::parse(name).unwrap()
}

pub(crate) fn rule(name: &str) -> RuleName {
    RuleName::parse(name).unwrap()
}

pub(crate) fn put(bus_name: &str, name: &str, targets: &[&str]) -> PutRule {
    put_spec(bus_name, name, targets, json!({"name": name}))
}

pub(crate) fn put_spec(bus_name: &str, name: &str, targets: &[&str], spec: Value) -> PutRule {
    PutRule {
        bus: bus(bus_name),
        rule: rule(name),
        spec: Arc::new(spec),
        owner: None,
        targets: targets
            .iter()
            .map(|target| TargetName::parse(target).unwrap())
            .collect(),
        connections: Vec::new(),
    }
}

pub(crate) fn puts(rules: Vec<PutRule>) -> Change {
    Change {
        put_rules: rules,
        ..Change::default()
    }
}

pub(crate) fn deletes(rules: &[(&str, &str)]) -> Change {
    let delete_rules = rules
        .iter()
        .map(|(bus_name, name)| (bus(bus_name), rule(name)))
        .collect();
    Change {
        delete_rules,
        ..Change::default()
    }
}

pub(crate) fn creates(name: &str) -> Change {
    Change {
        create_buses: vec![bus(name)],
        ..Change::default()
    }
}

pub(crate) fn removes(name: &str) -> Change {
    Change {
        delete_buses: vec![bus(name)],
        ..Change::default()
    }
}
