//! Inserts events into a table of a `PostgreSQL` database.
//!
//! The table is the owner's; `docs/queue-table.sql` says what columns it needs. The user needs
//! `INSERT` on the table, `SELECT` on its column `id` (to find an event that is there already) and
//! `USAGE` on its schema. An event whose `id` is there counts as delivered, so a repetition
//! vanishes. `event` is `bytea`, because JSON may hold `\u0000`, which `jsonb` and what it is
//! converted to cannot: read it with `convert_from(event, 'UTF8')::json`.
//!
//! An insert is delivered when it is committed; how durable that is, the server's
//! `synchronous_commit` decides.

mod judge;
mod session;
pub(crate) mod statement;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::Endpoint;
use super::Message;
use super::Trouble;
use super::link::BrokerLink;
use super::silence::Silence;
use crate::egress::Dialer;
use session::Session;
use statement::Row;

/// The table that a target needs, as a statement that makes it.
#[cfg(test)]
const TABLE: &str = include_str!("../../../../docs/queue-table.sql");
/// Sessions of a link. Each has its own transaction at a time, and those of several are made
/// durable together; more would only take connections from others.
const SESSIONS: usize = 4;
/// Longest wait for the sessions to end when a link is closed.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where in a database a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `table` or `schema.table`.
    pub table: String,
}

/// A few sessions of one database. Any number of publishes may be in flight.
pub(crate) struct Link {
    /// One at least.
    sessions: Vec<Session>,
    silence: Silence,
    /// Drive the connections; end with the link.
    tasks: Mutex<JoinSet<()>>,
}

impl BrokerLink for Link {
    type Address = Address;

    /// Opens the sessions. One is enough, when the server has no room for more.
    ///
    /// `sslmode` of the URL: `disable`; `prefer`, the default, takes TLS when the server offers it;
    /// `require` insists. A certificate is always checked, and for the host of the URL. Cancel-safe.
    ///
    /// # Errors
    /// `auth_failed`, `config_error` for the URL and a missing database, `throttled` when the server
    /// has no connection left, `tls_error`, `connect_error`, `protocol_error`, and those of the dialer.
    async fn connect(endpoint: &Endpoint, dialer: &Dialer) -> Result<Self, Trouble> {
        let tasks = Mutex::new(JoinSet::new());
        let first = Session::open(endpoint, dialer, &tasks).await?;
        let more = (1..SESSIONS).map(|_| Session::open(endpoint, dialer, &tasks));
        let more = join_all(more).await.into_iter().filter_map(Result::ok);
        Ok(Self {
            sessions: std::iter::once(first).chain(more).collect(),
            silence: Silence::default(),
            tasks,
        })
    }

    /// Inserts one message and waits until that is committed.
    ///
    /// Dropping the future leaves it open whether the table gets the row.
    ///
    /// # Errors
    /// `config_error` when the table or a column is missing or has another type; `auth_failed`
    /// without the permission; `wrong_type` when a constraint refuses the event; `too_large`;
    /// `throttled` when the server is full; `nacked` when it may work later; `timeout` when the
    /// server gave up; `ambiguous` when the connection ended.
    async fn publish(&self, to: &Address, message: &Message<'_>) -> Result<(), Trouble> {
        let row = Row::of(message);
        let session = self.sessions.iter().min_by_key(|session| session.in_flight());
        let Some(session) = session else {
            return Err(Trouble::later("connect_error", "there is no session").fatal());
        };
        let waiting = self.silence.wait();
        let inserted = session.insert(&to.table, &row).await;
        waiting.answered();
        inserted
    }

    /// Whether a session has ended or the server has gone silent.
    fn is_broken(&self) -> bool {
        self.silence.is_dead() || self.sessions.iter().any(Session::is_closed)
    }

    /// Tells the server that the sessions are over, within about a second.
    async fn close(self) {
        drop(self.sessions);
        let mut tasks = self.tasks.into_inner();
        let ending = async { while tasks.join_next().await.is_some() {} };
        // Those that are left are cut off when the tasks are dropped.
        drop(tokio::time::timeout(GOODBYE, ending).await);
    }
}
