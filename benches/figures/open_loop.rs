//! Publishing at a steady rate, whatever the server does.
//!
//! Event n is due at n / rate, and its time counts from then, so a server that makes its
//! publishers wait does not hide it.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;

use super::load::exchange;
use super::payload::Payload;
use super::sink::Sink;
use super::statistics::Latencies;
use super::wire::Wire;

/// Events that have not arrived so long after the last was sent are lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is published, how fast and over how many connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenLoop {
    /// Events a second.
    pub(crate) rate: u32,
    /// Events in all, with ids from 0.
    pub(crate) count: usize,
    /// Connections that share the schedule: each has one publish at a time.
    pub(crate) connections: usize,
}

impl OpenLoop {
    /// Publishes everything; how long it took, and for each event that came to `sink` the time from
    /// when it was due.
    pub(crate) async fn run(self, server: SocketAddr, sink: &Sink) -> (Duration, Latencies) {
        let started = Instant::now() + Duration::from_millis(100);
        let mut publishers = JoinSet::new();
        for first in 0..self.connections {
            publishers.spawn(self.publish(server, started, first));
        }
        publishers.join_all().await;
        let took = started.elapsed();
        let mut latencies = Latencies::default();
        for (n, arrived) in sink.arrivals(PATIENCE).await.into_iter().enumerate() {
            if let Some(arrived) = arrived {
                latencies.add(arrived.saturating_duration_since(self.due(started, n)));
            }
        }
        (took, Latencies::merge(vec![latencies]))
    }

    /// When event `n` is to be sent.
    fn due(self, started: Instant, n: usize) -> Instant {
        started + Duration::from_secs(1) / self.rate * u32::try_from(n).expect("a count")
    }

    async fn publish(self, server: SocketAddr, started: Instant, first: usize) {
        let mut wire = Wire::connect(server).await.expect("a connection");
        let mut payload = Payload::single();
        for n in (first..self.count).step_by(self.connections) {
            tokio::time::sleep_until(self.due(started, n).into()).await;
            exchange(&mut wire, payload.with_ids(n as u64)).await;
        }
    }
}
