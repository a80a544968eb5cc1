//! Deliveries a second to a fast target beside the bare loop: one route, and one event for many.

use std::fmt::Write as _;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::caller::Order;
use super::load::exchange;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::statistics::median;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;
use super::targets::Answering;
use super::wire::Wire;

/// Calls that a route has in flight; the loop has as many as all routes together.
const CONCURRENCY: usize = 32;
/// Routes that one event takes.
const FAN_OUT: u64 = 100;
const RULE: &str = "/v1/buses/default/rules/orders";
/// Events of a batch.
const BATCH: u64 = 1_000;
/// The least part of the loop's calls.
const BAR: f64 = 0.5;
/// Deliveries that have not come after this long never will.
const PATIENCE: Duration = Duration::from_mins(2);

/// Measures both, each round beside a round of the loop.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    for routes in [1, FAN_OUT] {
        let concurrency = CONCURRENCY * usize::try_from(routes).expect("a count");
        let (mut own, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.rounds() {
            let sink = Answering::well().await;
            let order = Order {
                address: sink.address,
                concurrency,
                warm_up: options.warm_up(),
                time: options.round(),
            };
            let calls = order.carry_out().await;
            let delivered = deliveries(options.deliveries() / routes, routes).await;
            own.push(delivered);
            bare.push(calls);
            ratios.push(delivered / calls);
        }
        let ratio = median(ratios);
        let name = match routes {
            1 => "deliveries, one route".to_owned(),
            routes => format!("deliveries, one event to {routes} routes"),
        };
        table.add(Row {
            name,
            rate: Some(median(own)),
            bar: Some((
                format!("{ratio:.2} of the bare loop"),
                format!("at least {BAR}"),
                ratio >= BAR,
            )),
            ..Row::default()
        });
        table.add(Row {
            name: format!("  bare loop, {concurrency} in flight"),
            rate: Some(median(bare)),
            ..Row::default()
        });
    }
}

/// Publishes so many events for so many routes; deliveries a second from the moment when the rule goes on.
async fn deliveries(events: u64, routes: u64) -> f64 {
    let sink = Answering::well().await;
    let mut rules = "rules:\n  - name: orders\n    match: { type: [com.example.order.placed] }\n    \
                     targets:\n"
        .to_owned();
    for n in 0..routes {
        writeln!(
            rules,
            "      - {{ name: sink-{n}, webhook: {{ url: \"http://{}/\" }} }}",
            sink.address
        )
        .expect("text");
    }
    let server = Server::start(None).await;
    server.apply(&rules).await;
    let mut wire = Wire::connect(server.address).await.expect("a connection");
    let mut batch = Payload::batch(usize::try_from(BATCH.min(events)).expect("a count"));
    let batches = events.div_ceil(batch.events());
    let of_batch = batch.events() * routes;
    // As the loop does, it makes its connections before anything counts.
    exchange(&mut wire, batch.fresh()).await;
    sink.reached(of_batch, PATIENCE).await;
    // What publishing costs is another figure: everything is there before the route goes on.
    server.call("POST", &format!("{RULE}/pause"), &json!({})).await;
    for _ in 0..batches {
        exchange(&mut wire, batch.fresh()).await;
    }
    let started = Instant::now();
    server.call("POST", &format!("{RULE}/resume"), &json!({})).await;
    sink.reached((1 + batches) * of_batch, PATIENCE).await;
    rate(batches * of_batch, started.elapsed())
}
