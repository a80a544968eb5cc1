//! The trait behind which the catalog is stored, and what can go wrong there.

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::change::Change;
use super::change::Committed;
use super::change::Loaded;
use super::names::BusName;
use super::names::ConnectionName;
use super::names::EventType;
use super::names::RuleName;
use super::names::SourceName;

/// Where the catalog is stored.
///
/// The bus `default` always exists. Every call is bounded in time and may run concurrently with
/// every other. Dropping a call's future leaves either all of its effect or none, but a commit
/// already sent may still happen after the drop: a caller that gives up must not take the next
/// [`load`](Self::load) for the last word. A change that names its generations in `expect` can be
/// repeated safely, because the second of two is a [`RepositoryError::Conflict`].
pub trait Repository: Send + Sync {
    /// Reads everything, as it was at one moment.
    fn load(&self) -> BoxFuture<'_, Result<Loaded, RepositoryError>>;

    /// Binds a log to the catalog, if it is bound to none or `may_join` those that it is bound to.
    ///
    /// # Errors
    /// [`RepositoryError::LogMismatch`] if the catalog belongs to other logs.
    fn bind_log(&self, log: Uuid, may_join: bool) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// The version of the catalog: how many changes were ever made. Cheap.
    fn version(&self) -> BoxFuture<'_, Result<u64, RepositoryError>>;

    /// Returns when the catalog may have been changed: soon after a change, and now and then without one.
    ///
    /// Only one caller at a time is told soon. Cancel-safe.
    fn news(&self) -> BoxFuture<'_, ()>;

    /// Makes sure that no bus number up to `bus` and no route id up to `route` is given out again.
    ///
    /// For a catalog that is behind its log, as after a restore. Never lowers a counter.
    fn raise_counters(&self, bus: u32, route: u64) -> BoxFuture<'_, Result<(), RepositoryError>>;

    /// Makes a change in one transaction; on return it is durable.
    ///
    /// Every bus that the change names in anything but `expect` gets one new generation.
    ///
    /// # Errors
    /// After [`RepositoryError::OutcomeUnknown`] the change may have been made, or may be yet: load
    /// again, and repeat it only with `expect`. After every other error nothing is changed.
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<Committed, RepositoryError>>;
}

/// What went wrong in the repository, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Somebody else changed the bus in between: load, plan and commit again.
    #[error("the catalog was changed by somebody else in the meantime")]
    Conflict,
    /// Remove the rules of the bus first.
    #[error("the bus `{0}` still has rules")]
    BusNotEmpty(BusName),
    /// The bus does not exist, or is deleted.
    #[error("there is no bus `{0}`")]
    NoSuchBus(BusName),
    /// The bus is there already.
    #[error("there is a bus `{0}` already")]
    BusExists(BusName),
    /// The buses `default` and `system` are always there.
    #[error("the bus `{0}` cannot be deleted")]
    PermanentBus(BusName),
    /// The rule does not exist, or is deleted.
    #[error("there is no rule `{rule}` on the bus `{bus}`")]
    NoSuchRule {
        /// The bus asked for.
        bus: BusName,
        /// The rule asked for.
        rule: RuleName,
    },
    /// The connection does not exist.
    #[error("there is no connection `{0}`")]
    NoSuchConnection(ConnectionName),
    /// The event type has no schema.
    #[error("there is no schema of the event type `{0}`")]
    NoSuchSchema(EventType),
    /// The source is not registered.
    #[error("there is no source `{name}` on the bus `{bus}`")]
    NoSuchSource {
        /// The bus asked for.
        bus: BusName,
        /// The source asked for.
        name: SourceName,
    },
    /// Catalog and log do not belong together: refuse to start.
    #[error("the catalog belongs to the log {}, not to {found}", listed(expected))]
    LogMismatch {
        /// The logs that the catalog names.
        expected: Vec<Uuid>,
        /// The log that was offered.
        found: Uuid,
    },
    /// The database does not answer now: try again later. Nothing is changed.
    #[error("the database is not available")]
    Unavailable {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The commit was sent and not answered: load again, and repeat it only with `expect`.
    #[error("the database did not answer the commit")]
    OutcomeUnknown {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database holds what we never wrote: an operator must look.
    #[error("the catalog is damaged: {what}")]
    Corrupt {
        /// What was found.
        what: String,
    },
}

fn listed(logs: &[Uuid]) -> String {
    let logs: Vec<_> = logs.iter().map(Uuid::to_string).collect();
    logs.join(", ")
}
