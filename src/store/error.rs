//! What databases say went wrong, in words of what can be done about it.

use sqlx::migrate::MigrateError;

use crate::catalog::RepositoryError;

/// Why a catalog could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The location cannot be understood: correct it. The text is not repeated; it may hold a password.
    #[error("the database location cannot be read")]
    InvalidLocation {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database does not answer now: try again later.
    #[error("the database is not available")]
    Unavailable {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another version of the program made the tables: run that version or a newer one.
    #[error("the tables of the catalog are not those of this version")]
    Incompatible {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Configuration(source) => Self::InvalidLocation { source },
            other => Self::Unavailable { source: other.into() },
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..) => {
                Self::Unavailable { source: error.into() }
            }
            other => Self::Incompatible { source: other.into() },
        }
    }
}

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(cause) => match cause.code().as_deref() {
                // PostgreSQL ended one of two transactions that waited for each other or overlapped.
                Some("40001" | "40P01") => Self::Conflict,
                Some(code) if is_ours(code) => corrupt(cause.message()),
                // SQLite: damaged, and not a database.
                Some("11" | "26") => corrupt(cause.message()),
                _ if cause.is_foreign_key_violation() || cause.is_check_violation() => {
                    corrupt(cause.message())
                }
                _ => Self::Unavailable { source: error.into() },
            },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => {
                corrupt(&error.to_string())
            }
            _ => Self::Unavailable { source: error.into() },
        }
    }
}

/// Whether a `PostgreSQL` code says that the data or the tables are not as we made them: integrity,
/// data, schema, internal error.
fn is_ours(code: &str) -> bool {
    code.len() == 5
        && ["22", "23", "42", "XX"]
            .iter()
            .any(|class| code.starts_with(class))
}

/// The error of a commit.
///
/// Only `PostgreSQL`'s answer that it rolled back (class 40) or that a constraint is broken (23)
/// says for sure that nothing was changed; a server that shuts down answers too, and may have
/// committed.
pub(super) fn of_commit(error: sqlx::Error) -> RepositoryError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let is_undone =
        code.is_some_and(|code| code.len() == 5 && (code.starts_with("40") || code.starts_with("23")));
    if is_undone {
        error.into()
    } else {
        RepositoryError::OutcomeUnknown { source: error.into() }
    }
}

/// The error of a row that we cannot have written.
pub(super) fn corrupt(what: &str) -> RepositoryError {
    RepositoryError::Corrupt {
        what: what.to_owned(),
    }
}
