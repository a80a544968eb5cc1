//! The two databases behind one face: pools, and transactions that run statements.

use sqlx::AssertSqlSafe;
use sqlx::FromRow;
use sqlx::PgPool;
use sqlx::Postgres;
use sqlx::Sqlite;
use sqlx::SqlitePool;
use sqlx::Transaction;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::statement::Statement;

/// An open database.
#[derive(Debug)]
pub(super) enum Db {
    /// A `PostgreSQL` server.
    Pg(PgPool),
    /// An `SQLite` file: it has one writer at a time, and readers that it does not block.
    Lite {
        /// One connection.
        writer: SqlitePool,
        /// Connections that cannot write.
        readers: SqlitePool,
    },
}

/// A transaction. Dropped without commit it is rolled back.
pub(super) enum Tx {
    /// On a `PostgreSQL` server.
    Pg(Transaction<'static, Postgres>),
    /// On an `SQLite` file.
    Lite(Transaction<'static, Sqlite>),
}

/// A row type that both databases can give.
pub(super) trait Row:
    for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{
}

impl<R> Row for R where R: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// Runs the same lines for the connection of either database.
macro_rules! on {
    ($tx:expr, |$connection:ident: $Database:ident| $body:expr) => {
        match $tx {
            Tx::Pg(transaction) => {
                type $Database = Postgres;
                let $connection = &mut **transaction;
                $body
            }
            Tx::Lite(transaction) => {
                type $Database = Sqlite;
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}

impl Db {
    /// Begins a transaction that sees one moment and writes nothing.
    pub(super) async fn read(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            Self::Pg(pool) => Tx::Pg(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    .await?,
            ),
            Self::Lite { readers, .. } => Tx::Lite(readers.begin().await?),
        })
    }

    /// Begins a transaction that writes.
    pub(super) async fn write(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            Self::Pg(pool) => Tx::Pg(pool.begin().await?),
            // A transaction that began as a reader could not wait for another writer.
            Self::Lite { writer, .. } => Tx::Lite(writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Closes all connections when the calls in progress are done.
    pub(super) async fn close(&self) {
        match self {
            Self::Pg(pool) => pool.close().await,
            Self::Lite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

impl Tx {
    /// Runs a statement and says how many rows it changed.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        on!(self, |connection: Database| {
            let arguments = statement.arguments::<Database>()?;
            let persistent = statement.is_constant();
            let query = sqlx::query_with(AssertSqlSafe(statement.text), arguments).persistent(persistent);
            Ok(query.execute(connection).await?.rows_affected())
        })
    }

    /// Runs a statement and collects the rows it gives.
    pub(super) async fn rows<R: Row>(&mut self, statement: Statement) -> Result<Vec<R>, sqlx::Error> {
        on!(self, |connection: Database| {
            let arguments = statement.arguments::<Database>()?;
            let persistent = statement.is_constant();
            let query = sqlx::query_as_with(AssertSqlSafe(statement.text), arguments).persistent(persistent);
            query.fetch_all(connection).await
        })
    }

    /// Runs a statement that gives exactly one row.
    pub(super) async fn row<R: Row>(&mut self, statement: Statement) -> Result<R, sqlx::Error> {
        let mut rows = self.rows(statement).await?;
        rows.pop()
            .filter(|_| rows.is_empty())
            .ok_or(sqlx::Error::RowNotFound)
    }

    /// Makes the transaction's changes durable.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Pg(transaction) => transaction.commit().await,
            Self::Lite(transaction) => transaction.commit().await,
        }
    }
}
