//! From a publish to its arrival at a webhook, at a steady rate.
//!
//! An open loop: event n is due at n / 2,000 s, and its time counts from then, so a server that
//! makes its publishers wait does not hide it.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;

use super::load::exchange;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::sink::Sink;
use super::statistics::Latencies;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;
use super::wire::Wire;

/// Events a second.
const RATE: u32 = 2_000;
/// Connections that share the schedule: each has one publish at a time.
const CONNECTIONS: usize = 64;
/// Events that have not arrived so long after the last was sent are lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// The 99th percentile stays below, in milliseconds.
const BAR_MS: f64 = 50.0;

/// Measures one run.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let time = options.delivery();
    let count = usize::try_from(time.as_secs() * u64::from(RATE)).expect("a count");
    let sink = Sink::start(count).await;
    let rules = format!(
        "rules:\n  - name: orders\n    match: {{ type: [com.example.order.placed] }}\n    targets:\n      \
         - name: sink\n        webhook: {{ url: \"http://{}/\" }}\n",
        sink.address
    );
    let server = Server::start(Some(&rules)).await;
    let started = Instant::now() + Duration::from_millis(100);
    let mut publishers = JoinSet::new();
    for first in 0..CONNECTIONS {
        publishers.spawn(publish(server.address, started, first, count));
    }
    publishers.join_all().await;
    let took = started.elapsed();
    let mut latencies = Latencies::default();
    let arrivals = sink.arrivals(PATIENCE).await;
    for (n, arrived) in arrivals.iter().enumerate() {
        if let Some(arrived) = arrived {
            latencies.add(arrived.saturating_duration_since(due(started, n)));
        }
    }
    let latencies = Latencies::merge(vec![latencies]);
    let (p50, p99) = (latencies.percentile(50), latencies.percentile(99));
    let arrived = latencies.count();
    let verdict = (
        format!("{arrived} of {count} arrived"),
        format!("all, p99 under {BAR_MS} ms"),
        arrived == count as u64 && p99 < BAR_MS,
    );
    table.add(Row {
        name: format!("publish to webhook, {} s, open loop", time.as_secs()),
        rate: Some(rate(arrived, took)),
        latency: Some((p50, p99)),
        bar: Some(verdict),
    });
}

/// When event `n` is to be sent.
fn due(started: Instant, n: usize) -> Instant {
    started + Duration::from_secs(1) / RATE * u32::try_from(n).expect("a count")
}

async fn publish(address: SocketAddr, started: Instant, first: usize, count: usize) {
    let mut wire = Wire::connect(address).await.expect("a connection");
    let mut payload = Payload::single();
    for n in (first..count).step_by(CONNECTIONS) {
        tokio::time::sleep_until(due(started, n).into()).await;
        exchange(&mut wire, payload.with_ids(n as u64)).await;
    }
}
