//! Giving very many dead letters back at a set rate: every one accounted for, and memory flat.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::load::exchange;
use super::options::Options;
use super::payload::Payload;
use super::process;
use super::server::Server;
use super::sink::Sink;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;
use super::wire::Wire;

/// Letters given back a second.
const RATE: u64 = 2_500;
/// Growth of memory that is allowed, bytes.
const BAR: u64 = 64 << 20;
/// The rate is kept within these parts of it.
const KEPT: std::ops::RangeInclusive<f64> = 0.95..=1.01;
const BATCH: u64 = 1_000;
/// Bytes of an event.
const EVENT: usize = 300;
const RULE: &str = "/v1/buses/default/rules/all";
/// Deliveries that are not there so long after the last letter was given back are lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Events whose transform fails die without a call; then the rule is mended and they go again.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let count = options.letters();
    let sink = Sink::start(usize::try_from(count).expect("a count")).await;
    let server = Server::start(None).await;
    let rule = |id: Value| {
        json!({
            "match": { "type": ["com.example.more"] },
            "transform": [{ "set": { "subject": id } }, { "set": { "subject": "again" } }],
            "targets": [{ "name": "sink", "webhook": { "url": format!("http://{}/", sink.address) } }],
        })
    };
    let mut broken = rule(json!("x"));
    if let Some(steps) = broken.get_mut("transform") {
        *steps = json!([{ "set": { "time": "${$.data.note}" } }]);
    }
    server.call("PUT", RULE, &broken).await;
    die(&server, count).await;
    server.call("PUT", RULE, &rule(json!("x"))).await;
    let before = process::resident(server.pid());
    let started = Instant::now();
    let request = json!({ "filter": { "rule": "all" }, "rate": format!("{RATE}/s"), "retransform": true });
    let job = server.call("POST", "/v1/dead-letters/redrive", &request).await;
    let path = format!(
        "/v1/jobs/{}",
        job.get("id").and_then(Value::as_str).expect("an id")
    );
    let (mut most, mut ended) = (before, job);
    while ended.get("state").and_then(Value::as_str) == Some("running") {
        tokio::time::sleep(Duration::from_millis(250)).await;
        most = most.max(process::resident(server.pid()));
        ended = server.get(&path).await;
    }
    let took = started.elapsed();
    let arrived = sink.arrivals(PATIENCE).await.iter().flatten().count() as u64;
    let number = |name: &str| ended.get(name).and_then(Value::as_u64).expect("a count");
    let (done, failed, dead) = (number("done"), number("failed"), server.dead().await);
    let grown = most.saturating_sub(before);
    let measured = rate(count, took);
    let is_exact = (number("total"), done, failed, arrived, dead) == (count, count, 0, count, 0);
    let is_paced = KEPT.contains(&(measured / rate(RATE, Duration::from_secs(1))));
    table.add(Row {
        name: format!("{count} dead letters redriven at {RATE}/s"),
        rate: Some(measured),
        bar: Some((
            format!("{done} done, {arrived} arrived, grew {} MiB", grown >> 20),
            format!("all, at the rate, under {} MiB", BAR >> 20),
            is_exact && is_paced && grown < BAR,
        )),
        ..Row::default()
    });
}

/// Publishes so many events, with ids from 0, and waits until each is a dead letter.
async fn die(server: &Server, count: u64) {
    let mut payload = Payload::batch_of("com.example.more", EVENT, BATCH);
    let mut wire = Wire::connect(server.address).await.expect("a connection");
    for first in (0..count).step_by(usize::try_from(BATCH).expect("a count")) {
        exchange(&mut wire, payload.with_ids(first)).await;
    }
    while server.dead().await < count {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
