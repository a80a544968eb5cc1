//! The link against real Redis servers.

mod faults;
mod ledger;
mod refusals;
mod security;
mod wire;

use super::Address;
use super::BrokerLink;
use super::Link;
use crate::brokers::RedisServer;
use crate::egress::Dialer;
use crate::target::queue::Trouble;
use crate::target::queue::test_support;
use crate::target::queue::test_support::dialer;

fn to(stream: &str) -> Address {
    Address {
        stream: stream.to_owned(),
        max_len: None,
    }
}

async fn link(port: u16) -> Result<Link, Trouble> {
    link_of(&format!("redis://127.0.0.1:{port}"), &dialer()).await
}

async fn link_of(url: &str, dialer: &Dialer) -> Result<Link, Trouble> {
    test_support::link_of(url, dialer).await
}

/// Runs a command as somebody else, and gives the answer.
async fn run<T: redis::FromRedisValue>(server: &RedisServer, command: &str) -> T {
    run_in(server, 0, command).await
}

/// The same in a database of a number.
async fn run_in<T: redis::FromRedisValue>(server: &RedisServer, database: u8, command: &str) -> T {
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/{database}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut words = command.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command.query_async(&mut connection).await.unwrap()
}
