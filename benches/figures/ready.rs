//! From the start of a server on a large log to its first answer.

use std::time::Duration;

use super::load::exchange;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::statistics::ratio;
use super::table::Row;
use super::table::Table;
use super::wire::Wire;
use tokio::task::JoinSet;

/// Deliveries that are open when the server is killed.
const OPEN: u64 = 100_000;
/// It is ready within this time.
const BAR: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 8;
const BATCH: u64 = 1_000;

/// Fills a log, most of it without a route and some for a target that is paused; kills and starts again.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let rules = "rules:\n  - name: held\n    match: { type: [com.example.held] }\n    targets:\n      \
                 - name: later\n        paused: true\n        webhook: { url: \"http://127.0.0.1:9/\" }\n";
    let server = Server::start(Some(rules)).await;
    publish(&server, &Payload::batch_of("com.example.held", 200, BATCH), OPEN).await;
    let rest = options.large_log() / 1_080;
    publish(
        &server,
        &Payload::batch_of("com.example.other", 1_024, BATCH),
        rest,
    )
    .await;
    let bytes = server.synced().await.bytes;
    let (server, took) = server.restart().await;
    let backlog = server.backlog().await;
    table.add(Row {
        name: format!(
            "start after kill -9, {:.2} GiB, {backlog} open",
            ratio(bytes, 1 << 30)
        ),
        bar: Some((
            format!("ready in {:.2} s", took.as_secs_f64()),
            format!("under {} s, all open", BAR.as_secs()),
            took < BAR && backlog == OPEN,
        )),
        ..Row::default()
    });
}

/// Publishes so many events in batches.
pub(crate) async fn publish(server: &Server, payload: &Payload, events: u64) {
    let mut tasks = JoinSet::new();
    let batches = usize::try_from(events / payload.events()).expect("a count");
    for first in 0..CONNECTIONS {
        let (address, mut payload) = (server.address, payload.clone());
        tasks.spawn(async move {
            let mut wire = Wire::connect(address).await.expect("a connection");
            for _ in (first..batches).step_by(CONNECTIONS) {
                exchange(&mut wire, payload.fresh()).await;
            }
        });
    }
    tasks.join_all().await;
}
