//! Brokers and databases of a test's own: the real programs, each on its own port and in its own
//! directory, stopped when it is dropped.

mod daemon;
mod group;
mod mosquitto;
mod nats_server;
mod postgres_server;
mod rabbit;
mod redis_server;
mod relay;

use std::time::Duration;

pub(crate) use daemon::free_port;
pub(crate) use mosquitto::Mosquitto;
pub(crate) use mosquitto::Subscriber;
pub(crate) use nats_server::NatsServer;
pub(crate) use postgres_server::ADMIN;
pub(crate) use postgres_server::PASSWORD;
pub(crate) use postgres_server::PostgresServer;
pub(crate) use rabbit::Rabbit;
pub(crate) use redis_server::RedisServer;
pub(crate) use relay::Relay;

/// Longest time a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until the answer is there; panics when it does not come.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let mut again = tokio::time::interval(Duration::from_millis(10));
    let asking = async {
        loop {
            again.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"))
}
