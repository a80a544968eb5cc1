//! Opening a database and bringing its tables up to date.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::SqlitePool;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

use super::db::Db;
use super::error::StoreError;

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a call waits for a connection, and `SQLite` for its lock.
const WAIT: Duration = Duration::from_secs(5);
/// Between two tries to open an `SQLite` file that somebody else is opening, which takes milliseconds.
const PAUSE: Duration = Duration::from_millis(20);
/// Connections to `PostgreSQL`: changes are made one after the other anyway, and one hears of those of others.
const CONNECTIONS: u32 = 8;
/// Connections that read an `SQLite` file.
const READERS: u32 = 4;
/// How long migrations may take, the wait for another server's included.
const MIGRATION_LIMIT: Duration = Duration::from_mins(5);

/// Opens a `PostgreSQL` database.
pub(super) async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("tramline");
    // On a connection of its own, because waiting for another server's migrations takes longer
    // than a statement may. sqlx takes the advisory lock.
    let migrate = async {
        let mut connection = options.clone().connect().await?;
        POSTGRES.run(&mut connection).await?;
        Ok(connection.close().await?)
    };
    limited(MIGRATION_LIMIT, migrate).await?;
    let options = options.options([
        ("statement_timeout", "5s"),
        // A server that dies between two statements must not keep its locks.
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(WAIT);
    Ok(Db::Pg(
        limited(2 * WAIT, async { Ok(pool.connect_with(options).await?) }).await?,
    ))
}

/// Opens an `SQLite` file and creates it if it is not there.
pub(super) async fn sqlite(path: &Path) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(WAIT)
        .foreign_keys(true);
    let write = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A change that was answered must survive a power cut.
        .synchronous(SqliteSynchronous::Full);
    let writer = sqlite_pool(1, write).await?;
    limited(MIGRATION_LIMIT, migrate_sqlite(&writer)).await?;
    let readers = sqlite_pool(READERS, options.read_only(true)).await?;
    Ok(Db::Lite { writer, readers })
}

/// Connects to an `SQLite` file, waiting for whoever else is opening it.
///
/// `busy_timeout` does not cover all of this: a connection can be refused at once while another
/// one is setting up the same file.
async fn sqlite_pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None);
    let connect = async {
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Err(error) if is_busy(&error) => tokio::time::sleep(PAUSE).await,
                result => return Ok(result?),
            }
        }
    };
    limited(WAIT, connect).await
}

/// Whether `SQLite` says that somebody else holds the lock, in whichever of the extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

/// Runs what is missing of the migrations of `SQLite`.
///
/// Nothing like an advisory lock exists there, so another server may run the same one first. Each is
/// committed with its entry in the list of those done: who comes second changes nothing, and finds
/// it done when it looks again. Each such failure is a migration that somebody finished, so there
/// are at most as many as migrations; an error of another kind comes back every time.
async fn migrate_sqlite(writer: &SqlitePool) -> Result<(), StoreError> {
    for _ in SQLITE.iter() {
        match SQLITE.run(writer).await {
            Err(MigrateError::ExecuteMigration(..)) => {}
            result => return Ok(result?),
        }
    }
    Ok(SQLITE.run(writer).await?)
}

async fn limited<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result,
        Err(elapsed) => Err(StoreError::Unavailable {
            source: elapsed.into(),
        }),
    }
}
