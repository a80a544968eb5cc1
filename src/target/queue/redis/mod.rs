//! Publishes to streams of Redis.
//!
//! A message is delivered when `XADD` has been answered; how durable that is, the server's
//! `appendfsync` and replication decide. Redis does not recognize a repetition: consumers do, by the
//! field `id`, which is the webhook id. Fields beside it: `tramline-hops`; `content-type` and
//! `event`, the event in JSON format; in binary mode `ce-…` for each attribute, as it is,
//! `content-type` and `data`. Nodes that a cluster names are never followed.

mod command;
mod judge;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use redis::AsyncConnectionConfig;
use redis::RedisConnectionInfo;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;

use super::Endpoint;
use super::Message;
use super::Trouble;
use super::link::BrokerLink;
use super::place::Place;
use super::silence::Silence;
use crate::egress::Dialer;

const PORT: u16 = 6379;
/// Commands that wait to be written; publishers wait behind them.
const QUEUE: usize = 256;

/// Where in Redis a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Key of the stream, which is made when there is none.
    pub stream: String,
    /// About how many entries are kept; the oldest go first.
    pub max_len: Option<u64>,
}

/// One connection to a Redis server. Any number of publishes may be in flight.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    has_ended: Arc<AtomicBool>,
    silence: Silence,
    /// Writes and reads; ends with the link.
    _driver: JoinSet<()>,
}

impl BrokerLink for Link {
    type Address = Address;

    /// Connects, logs in if there is a password, and selects the database that is the URL's path.
    ///
    /// `redis://` is plain, `rediss://` secured. Cancel-safe.
    ///
    /// # Errors
    /// `auth_failed`, `config_error` for the database, `connect_error`, `protocol_error`, and those
    /// of the dialer.
    async fn connect(endpoint: &Endpoint, dialer: &Dialer) -> Result<Self, Trouble> {
        let database = database(endpoint.url.path())?;
        let place = Place::of(&endpoint.url, ("redis", PORT), ("rediss", PORT))?;
        let stream = dialer.open(&place.host, place.port, place.is_secure).await?;
        // The login is ours, to see the server's own error; so is every deadline.
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE);
        let connected = MultiplexedConnection::new_with_config(&nobody, stream, config).await;
        let (connection, driver) = connected.map_err(|error| judge::unwelcome(&error))?;
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            driver.await;
            ended.store(true, Ordering::Relaxed);
        });
        login(connection.clone(), endpoint, database)
            .await
            .map_err(|error| judge::unwelcome(&error))?;
        Ok(Self {
            connection,
            has_ended,
            silence: Silence::default(),
            _driver: tasks,
        })
    }

    /// Adds one message to the stream and waits for the server's answer.
    ///
    /// Dropping the future leaves it open whether the stream gets the message.
    ///
    /// # Errors
    /// `throttled` when the server is out of memory or cannot save; `wrong_type` when the key is no
    /// stream; `auth_failed`; `config_error`; `nacked` for every other refusal; `ambiguous` when the
    /// connection ended.
    async fn publish(&self, to: &Address, message: &Message<'_>) -> Result<(), Trouble> {
        if to.stream.is_empty() {
            return Err(Trouble::never("unroutable", "the name of the stream is empty"));
        }
        let command = command::add(to, message);
        // A handle of its own: commands of all handles are in flight together.
        let mut connection = self.connection.clone();
        let waiting = self.silence.wait();
        let answer = connection.send_packed_command(&command).await;
        waiting.answered();
        match answer.and_then(redis::Value::extract_error) {
            Ok(_) => Ok(()),
            Err(error) => Err(judge::refused(&to.stream, &error)),
        }
    }

    /// Whether it has ended or its server has gone silent.
    fn is_broken(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed) || self.silence.is_dead()
    }

    /// Nothing is left to say: every command that was answered is done.
    async fn close(self) {
        let Self {
            _driver: mut driver, ..
        } = self;
        driver.shutdown().await;
    }
}

/// The number of a path like `/2`; 0 without one.
fn database(path: &str) -> Result<u32, Trouble> {
    match path.trim_matches('/') {
        "" => Ok(0),
        number => number.parse().map_err(|_| {
            let reason = "the path of the Redis URL is not the number of a database";
            Trouble::later("config_error", reason).fatal()
        }),
    }
}

/// Logs in and selects the database, each only when it is asked for: a user who may do nothing but
/// add to its stream may do neither.
async fn login(
    mut connection: MultiplexedConnection,
    endpoint: &Endpoint,
    database: u32,
) -> redis::RedisResult<()> {
    let mut commands = Vec::with_capacity(2);
    if let Some(password) = &endpoint.password {
        let mut auth = redis::cmd("AUTH");
        if let Some(user) = endpoint.username.as_deref().filter(|user| !user.is_empty()) {
            auth.arg(user);
        }
        auth.arg(password.as_str());
        commands.push(auth);
    }
    if database != 0 {
        let mut select = redis::cmd("SELECT");
        select.arg(database);
        commands.push(select);
    }
    for command in commands {
        connection.send_packed_command(&command).await?.extract_error()?;
    }
    Ok(())
}
