//! From a publish to its arrival at a webhook, at a steady rate.

use super::open_loop::OpenLoop;
use super::options::Options;
use super::server::Server;
use super::sink::Sink;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;

/// Events a second.
const RATE: u32 = 2_000;
/// Connections that share the schedule: each has one publish at a time.
const CONNECTIONS: usize = 64;
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
    let publishing = OpenLoop {
        rate: RATE,
        count,
        connections: CONNECTIONS,
    };
    let (took, latencies) = publishing.run(server.address, &sink).await;
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
