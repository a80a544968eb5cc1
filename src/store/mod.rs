//! Every line of SQL: the catalog in `PostgreSQL`, or in an `SQLite` file.
//!
//! One text of SQL serves both databases; only the migrations differ. Nothing of sqlx leaves this
//! module.

mod commit;
mod connect;
mod db;
mod error;
mod load;
mod log;
mod news;
mod statement;

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::catalog::Change;
use crate::catalog::Committed;
use crate::catalog::Loaded;
use crate::catalog::Repository;
use crate::catalog::RepositoryError;
use db::Db;
use news::News;

pub use error::StoreError;

/// How long one call may take. The server's own limits end most calls sooner; this one is for a
/// network that swallows packets, and leaves time for 100,000 rules in one change.
const CALL_LIMIT: Duration = Duration::from_mins(1);

/// An open catalog database.
///
/// Cheap to share by reference; calls wait up to 5 s for a free connection.
#[derive(Debug)]
pub struct Store {
    db: Db,
    news: News,
}

impl Store {
    /// Opens a catalog by `postgres://…` URL or by the path of an `SQLite` file, which is created.
    ///
    /// On return the tables are there and as this version needs them. Servers that start together
    /// on one database take turns.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is left behind but a database that is perhaps empty.
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        if location.starts_with("postgres://") || location.starts_with("postgresql://") {
            return Ok(Self::of(connect::postgres(location).await?));
        }
        Self::open_file(Path::new(location.strip_prefix("sqlite:").unwrap_or(location))).await
    }

    /// Opens a catalog in an `SQLite` file, which is created; its folder must exist.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_file(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(connect::sqlite(path).await?))
    }

    fn of(db: Db) -> Self {
        let news = News::default();
        Self { db, news }
    }

    /// Closes all connections, after the calls in progress; later calls fail.
    pub async fn close(&self) {
        self.news.close().await;
        self.db.close().await;
    }
}

impl Repository for Store {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, RepositoryError>> {
        Box::pin(bounded(load::load(&self.db)))
    }

    fn bind_log(&self, log: Uuid, may_join: bool) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(bounded(log::bind(&self.db, log, may_join)))
    }

    fn version(&self) -> BoxFuture<'_, Result<u64, RepositoryError>> {
        Box::pin(bounded(async {
            let mut tx = self.db.read().await?;
            load::version(&mut tx).await
        }))
    }

    fn news(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.news.wait(&self.db))
    }

    fn raise_counters(&self, bus: u32, route: u64) -> BoxFuture<'_, Result<(), RepositoryError>> {
        Box::pin(bounded(log::raise_counters(&self.db, bus, route)))
    }

    fn commit(&self, change: Change) -> BoxFuture<'_, Result<Committed, RepositoryError>> {
        Box::pin(async move {
            let (tx, committed) = bounded(commit::prepare(&self.db, &change)).await?;
            finish(tx).await?;
            Ok(committed)
        })
    }
}

/// Commits; from here on a failure may mean that it was done.
async fn finish(tx: db::Tx) -> Result<(), RepositoryError> {
    match tokio::time::timeout(CALL_LIMIT, tx.commit()).await {
        Ok(result) => result.map_err(error::of_commit),
        Err(elapsed) => Err(RepositoryError::OutcomeUnknown {
            source: elapsed.into(),
        }),
    }
}

/// A call that changes nothing until it is committed, with its deadline.
async fn bounded<T>(
    call: impl Future<Output = Result<T, RepositoryError>> + Send,
) -> Result<T, RepositoryError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(result) => result,
        Err(elapsed) => Err(RepositoryError::Unavailable {
            source: elapsed.into(),
        }),
    }
}
