//! What the log gives up, and what it never does: the real binary with small segments.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::Stream;
use crate::support::event;
use crate::support::eventually;
use crate::support::named;
use crate::support::retrying;
use crate::support::rule;
use crate::support::tramline;

/// Bytes of a segment; about ten events of [`fill`] have room in one.
const SEGMENT: u64 = 65_536;
const SMALL: [&str; 8] = [
    "--segment-size",
    "65536",
    "--max-batch-bytes",
    "8192",
    "--max-event-bytes",
    "8192",
    "--dedup-window",
    "1s",
];
const SOON: [&str; 2] = ["--retain-age", "1s"];

fn large(id: &str, kind: &str) -> Value {
    event(id, kind, &json!("x".repeat(6_000)))
}

/// Publishes so many events that no rule matches; their ids are of no use to anybody.
async fn fill(server: &Server, count: usize) {
    for _ in 0..count {
        server
            .publish(&large(&rand::random::<u64>().to_string(), "filler"))
            .await;
    }
}

/// The first sequence that is kept.
async fn first_kept(server: &Server) -> u64 {
    let list = server.get("/v1/buses/default/events?limit=1").await;
    list["items"][0]["sequence"].as_u64().unwrap_or(1)
}

/// Publishes until events up to `sequence` are gone; each sealed segment makes the server look.
async fn until_gone(server: &Server, sequence: u64) -> u64 {
    eventually(&format!("events up to {sequence} are gone"), async || {
        fill(server, 2).await;
        Some(first_kept(server).await).filter(|first| *first > sequence)
    })
    .await
}

fn segments(server: &Server) -> usize {
    let folder = Path::new(&server.data_dir()).join("log");
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .count()
}

/// Applies one rule for events of the type `order`, to be tried again and again.
async fn retry_orders(server: &Server, sink: &Sink) {
    let rule = named("orders", retrying(rule("order", &sink.url("/")), "100ms"));
    server.apply(&json!({ "rules": [rule] }).to_string()).await;
}

#[tokio::test]
async fn what_is_over_age_goes_and_every_reader_is_told() {
    let mut server = Server::start_with(&[&SMALL[..], &SOON].concat()).await;
    fill(&server, 50).await;
    let first = until_gone(&server, 20).await;
    let gap = |list: &Value| list["gaps"][0].clone();
    // Unless just then more is given up, `earliest` is what is there.
    eventually("a list without a gap", async || {
        let list = server.get("/v1/buses/default/events?limit=1").await;
        gap(&list).is_null().then_some(())
    })
    .await;
    let list = server.get("/v1/buses/default/events?from=1&limit=1").await;
    let told = gap(&list);
    assert_eq!((&told["from"], &told["reason"]), (&json!(1), &json!("retention")));
    assert!(told["to"].as_u64().unwrap() >= first - 1, "{told}");
    let gone = server.request(Method::GET, "/v1/buses/default/events/1");
    let (status, problem) = server.call(gone).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no-such-event")));
    let mut tail = Stream::open(&server, &[], Some(1)).await;
    let block = tail.next().await;
    assert_eq!(
        (block.event.as_str(), &block.json()["reason"]),
        ("gap", &json!("retention"))
    );

    let newest = server.last_sequence().await;
    server.kill().await;
    server.restart().await;
    assert_eq!(server.last_sequence().await, newest);
    assert!(first_kept(&server).await >= first);
    assert!(server.stop().await.success());
    let report = tramline(&["log", "verify", "-o", "json", "--data-dir", &server.data_dir()]).await;
    let report = report.ended(0).json();
    assert_eq!(
        (&report["damage"], &report["buses"][0]["unaccounted"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test]
async fn a_log_above_its_size_loses_its_oldest_segments() {
    let size = (5 * SEGMENT).to_string();
    let server = Server::start_with(&[&SMALL[..], &["--retain-size", &size]].concat()).await;
    fill(&server, 100).await;
    until_gone(&server, 40).await;
    // One more may have been sealed since it was looked at, and one is being written.
    eventually("the log is of its size", async || {
        (segments(&server) <= 7).then_some(())
    })
    .await;
    let kept = server.last_sequence().await + 1 - first_kept(&server).await;
    assert!(kept >= 30, "{kept} are kept");
}

#[tokio::test]
async fn an_undelivered_event_stays_whatever_its_age_and_goes_once_it_is_delivered() {
    let (mut server, sink) = (
        Server::start_with(&[&SMALL[..], &SOON].concat()).await,
        Sink::answering(|_| Answer::Status(503)).await,
    );
    retry_orders(&server, &sink).await;
    fill(&server, 40).await;
    let order = server.publish(&large("o-1", "order")).await["sequence"]
        .as_u64()
        .unwrap();
    fill(&server, 10).await;
    until_gone(&server, 20).await;
    // Enough for the segments behind the order to be over age many times.
    let before = segments(&server);
    eventually("segments pile up behind the order", async || {
        fill(&server, 5).await;
        (segments(&server) >= before + 5).then_some(())
    })
    .await;
    assert!(first_kept(&server).await <= order);
    server.kill().await;
    server.restart().await;
    let fate = format!("/v1/buses/default/events/{order}/deliveries");
    assert_eq!(server.get(&fate).await["routes"][0]["state"], "retrying");
    sink.answer(|_| Answer::Status(200));
    server.settled(order, "delivered").await;
    until_gone(&server, order).await;
    let received = sink.received();
    assert_eq!(received.last().unwrap().json()["id"], "o-1");
}

#[tokio::test]
async fn above_the_hard_limit_undelivered_events_go_on_record() {
    let limit = (6 * SEGMENT).to_string();
    let server = Server::start_with(&[&SMALL[..], &["--hard-limit", &limit]].concat()).await;
    let sink = Sink::answering(|_| Answer::Status(503)).await;
    retry_orders(&server, &sink).await;
    for id in 0..15 {
        server.publish(&large(&id.to_string(), "order")).await;
    }
    until_gone(&server, 5).await;
    let fate = server.get("/v1/buses/default/events/1/deliveries").await;
    assert_eq!(fate["partial"], true, "{fate}");
    let route = &fate["routes"][0];
    assert_eq!(
        (&route["rule"], &route["target"]),
        (&json!("orders"), &json!("hook"))
    );
    assert_eq!(
        (&route["state"], &route["code"]),
        (&json!("dropped"), &json!("hard-limit"))
    );
    let metrics = server.request(Method::GET, "/metrics").send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let dropped = metrics
        .lines()
        .find(|line| line.starts_with("tramline_dropped_total{reason=\"hard-limit\"}"));
    let dropped: u64 = dropped.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(dropped >= 5, "{metrics}");
    until_gone(&server, 15).await;
    eventually("nothing is waited for any more", async || {
        let route = server.route("orders", "hook").await;
        (route["backlog"] == 0 && route["retrying"] == 0).then_some(())
    })
    .await;
    // What is within the dedup window stays until that is over.
    eventually("the log is below its limit", async || {
        (segments(&server) <= 8).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_keeps_its_event_when_the_bus_has_given_it_up() {
    let (mut server, sink) = (
        Server::start_with(&[&SMALL[..], &SOON].concat()).await,
        Sink::answering(|_| Answer::Status(400)).await,
    );
    retry_orders(&server, &sink).await;
    let order = large("o-1", "order");
    server.publish(&order).await;
    server.dead_letters(1).await;
    fill(&server, 30).await;
    until_gone(&server, 10).await;
    server.kill().await;
    server.restart().await;
    let letter = server.dead_letters(1).await.remove(0);
    assert_eq!(
        (&letter["event"]["id"], &letter["event"]["data"]),
        (&order["id"], &order["data"])
    );
    sink.answer(|_| Answer::Status(200));
    let job = server
        .post("/v1/dead-letters/redrive", &json!({ "filter": {} }))
        .await;
    assert_eq!(job["total"], 1, "{job}");
    let received = sink.wait_for(2).await;
    assert_eq!(received.last().unwrap().json()["data"], order["data"]);
}

#[tokio::test]
async fn a_held_route_is_named_also_when_the_record_that_named_it_is_gone() {
    let (mut server, sink) = (
        Server::start_with(&[&SMALL[..], &SOON].concat()).await,
        Sink::answering(|_| Answer::Status(503)).await,
    );
    retry_orders(&server, &sink).await;
    fill(&server, 40).await;
    until_gone(&server, 20).await;
    server.publish(&large("o-1", "order")).await;
    assert!(server.stop().await.success());
    std::fs::remove_file(Path::new(&server.data_dir()).join("catalog.db")).unwrap();
    server.restart().await;
    let ready = server.get("/readyz").await;
    let checks = ready["checks"].as_array().unwrap();
    let routes = checks.iter().find(|check| check["name"] == "routes").unwrap();
    let detail = routes["detail"].as_str().unwrap();
    assert!(detail.ends_with("(default:orders/hook)"), "{detail}");
}
