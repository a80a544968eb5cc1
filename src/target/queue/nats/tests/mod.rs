//! The link against real NATS servers.

mod faults;
mod ledger;
mod refusals;
mod security;
mod wire;

use async_nats::jetstream;

use super::Address;
use super::BrokerLink;
use super::Link;
use crate::brokers::NatsServer;
use crate::egress::Dialer;
use crate::target::queue::Trouble;
use crate::target::queue::test_support;
use crate::target::queue::test_support::dialer;

/// A server with the stream `ORDERS` for `orders.>`, and a client of somebody else's to look at it.
struct Fixture {
    server: NatsServer,
    stream: jetstream::stream::Stream,
}

impl Fixture {
    async fn new() -> Self {
        Self::with("", jetstream::stream::Config::default()).await
    }

    async fn with(server: &str, stream: jetstream::stream::Config) -> Self {
        let server = NatsServer::start_with(server).await;
        let stream = made(server.port(), stream).await;
        Self { server, stream }
    }

    async fn link(&self) -> Link {
        link(self.server.port()).await.unwrap()
    }

    async fn count(&self) -> u64 {
        self.stream.get_info().await.unwrap().state.messages
    }
}

async fn made(port: u16, config: jetstream::stream::Config) -> jetstream::stream::Stream {
    let client = async_nats::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let config = jetstream::stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders.>".to_owned()],
        ..config
    };
    jetstream::new(client).get_or_create_stream(config).await.unwrap()
}

fn to(subject: &str) -> Address {
    Address {
        subject: subject.to_owned(),
    }
}

async fn link(port: u16) -> Result<Link, Trouble> {
    link_of(&format!("nats://127.0.0.1:{port}"), &dialer()).await
}

async fn link_of(url: &str, dialer: &Dialer) -> Result<Link, Trouble> {
    test_support::link_of(url, dialer).await
}
