//! One session of a database: login, TLS, and the statements that it has prepared.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tokio_postgres::Config;
use tokio_postgres::NoTls;
use tokio_postgres::Statement;
use tokio_postgres::config::SslMode;

use super::judge;
use super::statement;
use super::statement::Row;
use crate::egress::Dialer;
use crate::target::queue::Endpoint;
use crate::target::queue::Trouble;
use crate::target::queue::secure::Wire;
use crate::target::queue::secure::secured;

const PORT: u16 = 5432;
/// Tables that a session keeps a statement of; a target has one, and few share a connection.
const MAX_STATEMENTS: usize = 64;
/// `SSLRequest`: eight bytes long, number 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Nobody waits longer than the longest deadline, so neither shall the server on our behalf: an
/// attempt that was given up would hold its backend until the lock it waits for is free.
const LIMITS: &str = "SET lock_timeout = '10s'; SET statement_timeout = '60s'";

/// Whether to agree on TLS. The certificate is checked whenever it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Never,
    IfOffered,
    Always,
}

/// One session. Any number of inserts may be in flight; the server does one after the other.
pub(super) struct Session {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
    /// Inserts in flight.
    busy: AtomicUsize,
}

/// One insert in flight.
struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Session {
    /// Connects and logs in. What drives the connection goes into `tasks`.
    pub(super) async fn open(
        endpoint: &Endpoint,
        dialer: &Dialer,
        tasks: &Mutex<JoinSet<()>>,
    ) -> Result<Self, Trouble> {
        let secrecy = secrecy(endpoint)?;
        let stream = connected(endpoint, dialer, secrecy).await?;
        let connected = config(endpoint)?.connect_raw(stream, NoTls).await;
        let (client, connection) = connected.map_err(|error| judge::unwelcome(&error))?;
        tasks.lock().spawn(async move {
            // Those who wait for an answer hear of the failure; the client knows that it is closed.
            drop(connection.await);
        });
        let limited = client.batch_execute(LIMITS).await;
        limited.map_err(|error| judge::unwelcome(&error))?;
        Ok(Self {
            client,
            statements: Mutex::default(),
            busy: AtomicUsize::new(0),
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Inserts a row, or finds that it is there already.
    pub(super) async fn insert(&self, table: &str, row: &Row<'_>) -> Result<(), Trouble> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let _busy = Busy(&self.busy);
        let inserted = async {
            let statement = self.statement(table).await?;
            let inserted = self.client.execute(&statement, &row.parameters()).await;
            inserted.map_err(|error| judge::refused(table, &error))
        };
        inserted.await.map(drop).inspect_err(|trouble| {
            // The table may be another one when it is there again.
            if trouble.class == "config_error" {
                self.statements.lock().remove(table);
            }
        })
    }

    async fn statement(&self, table: &str) -> Result<Statement, Trouble> {
        if let Some(known) = self.statements.lock().get(table) {
            return Ok(known.clone());
        }
        let text = statement::insert(&statement::quoted(table)?);
        let prepared = self.client.prepare(&text).await;
        let prepared = prepared.map_err(|error| judge::refused(table, &error))?;
        let mut statements = self.statements.lock();
        if statements.len() >= MAX_STATEMENTS {
            statements.clear();
        }
        statements.insert(table.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

/// Reads `sslmode`, the only parameter that a URL may have.
fn secrecy(endpoint: &Endpoint) -> Result<Secrecy, Trouble> {
    let mut secrecy = Secrecy::IfOffered;
    for (name, value) in endpoint.url.query_pairs() {
        secrecy = match (&*name, &*value) {
            ("sslmode", "disable" | "allow") => Secrecy::Never,
            ("sslmode", "prefer") => Secrecy::IfOffered,
            ("sslmode", "require" | "verify-ca" | "verify-full") => Secrecy::Always,
            ("sslmode", _) => return Err(misconfigured("the PostgreSQL URL has an unknown sslmode")),
            _ => {
                return Err(misconfigured(
                    "the PostgreSQL URL has a parameter other than sslmode",
                ));
            }
        };
    }
    Ok(secrecy)
}

/// A connection on which the login begins.
async fn connected(endpoint: &Endpoint, dialer: &Dialer, secrecy: Secrecy) -> Result<Box<dyn Wire>, Trouble> {
    let host = endpoint.url.host_str().unwrap_or_default();
    let port = endpoint.url.port().unwrap_or(PORT);
    let mut stream = dialer.open(host, port, false).await?;
    if secrecy == Secrecy::Never {
        return Ok(Box::new(stream));
    }
    let asked = async {
        stream.write_all(&SSL_REQUEST).await?;
        stream.flush().await?;
        // One byte and no more: what follows it belongs to the handshake.
        stream.read_u8().await
    };
    match asked.await {
        Ok(b'S') => Ok(Box::new(secured(stream, host, dialer).await?)),
        Ok(b'N') if secrecy == Secrecy::IfOffered => Ok(Box::new(stream)),
        Ok(b'N') => {
            let reason = format!("the PostgreSQL server {host} offers no TLS");
            Err(Trouble::later("tls_error", reason).fatal())
        }
        Ok(_) => {
            let reason = "what answers does not speak the protocol of PostgreSQL";
            Err(Trouble::later("protocol_error", reason).fatal())
        }
        Err(error) => {
            let reason =
                format!("the connection to the PostgreSQL server broke before it was ready: {error}");
            Err(Trouble::later("connect_error", reason).fatal())
        }
    }
}

fn config(endpoint: &Endpoint) -> Result<Config, Trouble> {
    let user = endpoint.username.as_deref().filter(|user| !user.is_empty());
    let user = user.ok_or_else(|| misconfigured("the PostgreSQL URL names no user"))?;
    let database = match endpoint.url.path().trim_matches('/') {
        "" => user.to_owned(),
        name => decoded(name)
            .ok_or_else(|| misconfigured("the path of the PostgreSQL URL is not the name of a database"))?,
    };
    let mut config = Config::new();
    config
        .user(user)
        .dbname(database)
        .application_name("tramline")
        .ssl_mode(SslMode::Disable);
    if let Some(password) = &endpoint.password {
        config.password(password.as_bytes());
    }
    Ok(config)
}

/// Decodes `%41` in a path.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut out = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok().filter(|name| !name.contains('\0'))
}

fn misconfigured(reason: &str) -> Trouble {
    Trouble::later("config_error", reason).fatal()
}
