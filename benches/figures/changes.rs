//! A change beside many rules: how soon it is in force, and what it costs those who publish.

use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::load;
use super::options::Options;
use super::payload::Payload;
use super::server::Server;
use super::statistics::median;
use super::table::Row;
use super::table::Table;

/// Rules that are there already.
const RULES: usize = 100_000;
/// Rules applied with one call.
const AT_ONCE: usize = 5_000;
/// Connections that publish.
const CONNECTIONS: usize = 4;
/// Between two changes.
const EVERY: Duration = Duration::from_millis(50);
/// A change is in force within this time.
const IN_FORCE: Duration = Duration::from_millis(10);
/// And leaves publishers at least this part of what they do without.
const LEFT: f64 = 0.9;

/// Publishes with and without changes, in turn.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let rules = options.rules(RULES);
    let server = Server::start(None).await;
    for first in (0..rules).step_by(AT_ONCE) {
        let chunk: Vec<_> = (first..rules.min(first + AT_ONCE)).map(rule).collect();
        server.call("POST", "/v1/apply", &json!({ "rules": chunk })).await;
    }
    let payload = Payload::single();
    let (mut took, mut ratios, mut number) = (Vec::new(), Vec::new(), rules);
    for _ in 0..options.rounds() {
        let run = || {
            load::run(
                server.address,
                CONNECTIONS,
                &payload,
                options.warm_up(),
                options.round(),
            )
        };
        let without = run().await.events_per_second;
        let until = Instant::now() + options.warm_up() + options.round();
        let (with, changes) = tokio::join!(run(), change(&server, number, until));
        number += changes.len();
        took.extend(changes);
        ratios.push(with.events_per_second / without);
    }
    let (ms, ratio) = (median(took) * 1_000.0, median(ratios));
    table.add(Row {
        name: format!("a rule more beside {rules}, while events come"),
        bar: Some((
            format!("in force in {ms:.1} ms"),
            format!("under {} ms", IN_FORCE.as_millis()),
            ms < IN_FORCE.as_secs_f64() * 1_000.0,
        )),
        ..Row::default()
    });
    table.add(Row {
        name: "  publish meanwhile".to_owned(),
        bar: Some((
            format!("{ratio:.2} of publishing without changes"),
            format!("at least {LEFT}"),
            ratio >= LEFT,
        )),
        ..Row::default()
    });
}

/// Puts one rule after the other until then; how many seconds each took until it was in force.
async fn change(server: &Server, first: usize, until: Instant) -> Vec<f64> {
    let (mut took, mut number) = (Vec::new(), first);
    let mut pace = tokio::time::interval(EVERY);
    while Instant::now() < until {
        pace.tick().await;
        let path = format!("/v1/buses/default/rules/r{number:06}");
        let asked = Instant::now();
        server.call("PUT", &path, &rule(number)).await;
        took.push(asked.elapsed().as_secs_f64());
        number += 1;
    }
    took
}

/// A rule for events of a type of its own.
fn rule(number: usize) -> serde_json::Value {
    json!({
        "name": format!("r{number:06}"),
        "match": { "type": [format!("com.example.type{number:06}")] },
        "targets": [{ "name": "screen", "echo": {} }],
    })
}
