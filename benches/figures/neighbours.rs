//! A fast route beside one whose target takes half a minute for each call.

use std::net::SocketAddr;
use std::time::Duration;

use super::load::exchange;
use super::open_loop::OpenLoop;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::sink::Sink;
use super::statistics::Latencies;
use super::statistics::median;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;
use super::targets::Answering;
use super::wire::Wire;
use serde_json::json;

/// Events a second for the fast route.
const RATE: u32 = 1_000;
/// Connections that share the schedule.
const CONNECTIONS: usize = 16;
/// Events for the slow route.
const SLOW_EVENTS: u64 = 10_000;
/// Time of one of its calls.
const SLOW_CALL: Duration = Duration::from_secs(30);
/// How often the slow route may make the fast one's 99th percentile as long as it is alone.
const BAR: f64 = 2.0;
/// A slow call that has not begun after this long never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures in turn: the fast route alone, and with the slow one behind.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let (mut alone, mut beside) = (Rounds::default(), Rounds::default());
    let mut ratios = Vec::new();
    for _ in 0..options.rounds() {
        let (without, with) = (round(options, false).await, round(options, true).await);
        ratios.push(with.percentile(99) / without.percentile(99));
        alone.add(&without);
        beside.add(&with);
    }
    let ratio = median(ratios);
    table.add(alone.row("fast route alone".to_owned(), None));
    let verdict = (
        format!("p99 {ratio:.2} of alone"),
        format!("at most {BAR}"),
        ratio <= BAR,
    );
    let name = format!("  beside {SLOW_EVENTS} events of {} s", SLOW_CALL.as_secs());
    table.add(beside.row(name, Some(verdict)));
}

#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, latencies: &Latencies) {
        self.p50.push(latencies.percentile(50));
        self.p99.push(latencies.percentile(99));
    }

    fn row(self, name: String, bar: Option<(String, String, bool)>) -> Row {
        Row {
            name,
            rate: Some(rate(u64::from(RATE), Duration::from_secs(1))),
            latency: Some((median(self.p50), median(self.p99))),
            bar,
        }
    }
}

/// From the moment when each event of the fast route is due to its arrival.
async fn round(options: &Options, is_crowded: bool) -> Latencies {
    let time = options.neighbours();
    let count = usize::try_from(time.as_secs() * u64::from(RATE)).expect("a count");
    let (fast, slow) = (Sink::start(count).await, Answering::slowly(SLOW_CALL).await);
    let server = Server::start(None).await;
    put(&server, "fast", "com.example.order.placed", fast.address).await;
    put(&server, "slow", "com.example.slow", slow.address).await;
    if is_crowded {
        let mut wire = Wire::connect(server.address).await.expect("a connection");
        let mut batch = Payload::batch_of("com.example.slow", super::payload::EVENT_BYTES, 1_000);
        for _ in 0..SLOW_EVENTS / batch.events() {
            exchange(&mut wire, batch.fresh()).await;
        }
        slow.reached(1, PATIENCE).await;
    }
    let publishing = OpenLoop {
        rate: RATE,
        count,
        connections: CONNECTIONS,
    };
    let (_, latencies) = publishing.run(server.address, &fast).await;
    assert_eq!(
        latencies.count(),
        count as u64,
        "events for the fast route were lost"
    );
    latencies
}

async fn put(server: &Server, name: &str, kind: &str, target: SocketAddr) {
    let rule = json!({
        "match": { "type": [kind] },
        "targets": [{ "name": "sink", "timeout": "60s", "webhook": { "url": format!("http://{target}/") } }],
    });
    let path = format!("/v1/buses/default/rules/{name}");
    server.call("PUT", &path, &rule).await;
}
