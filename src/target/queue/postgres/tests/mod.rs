//! The link against real `PostgreSQL` servers.

mod faults;
mod ledger;
mod refusals;
mod security;
mod wire;

use super::Address;
use super::BrokerLink;
use super::Link;
use super::TABLE;
use crate::brokers::PostgresServer;
use crate::egress::Dialer;
use crate::target::queue::Trouble;
use crate::target::queue::test_support;
use crate::target::queue::test_support::dialer;

/// A user who may do what a target needs and nothing else, as the documentation says.
const USER: &str = "
    CREATE ROLE tramline LOGIN PASSWORD 'correct-horse';
    GRANT INSERT ON events TO tramline;
    GRANT SELECT (id) ON events TO tramline";

/// A server with the table and the user.
async fn fixture() -> PostgresServer {
    let server = PostgresServer::start().await;
    server.run(TABLE).await;
    server.run(USER).await;
    server
}

fn to(table: &str) -> Address {
    Address {
        table: table.to_owned(),
    }
}

async fn link(port: u16) -> Result<Link, Trouble> {
    link_of(
        &format!("postgres://tramline:correct-horse@127.0.0.1:{port}/postgres"),
        &dialer(),
    )
    .await
}

async fn link_of(url: &str, dialer: &Dialer) -> Result<Link, Trouble> {
    test_support::link_of(url, dialer).await
}
