//! The real binary fails or ends at every write, sync, rename, removal and answer of its log, and at
//! every step of a delivery: nothing acknowledged is lost.
//!
//! `FAILPOINT_SEEDS` asks for more than one moment of each.
#![expect(clippy::expect_used, reason = "a test ends where its world does not hold")]
#![expect(clippy::indexing_slicing, reason = "a missing member should fail the test")]

mod deliveries;
#[expect(dead_code, reason = "shared with tests/it, which uses all of it")]
#[path = "../it/durability/ledger.rs"]
mod ledger;
mod panics;
#[expect(dead_code, reason = "shared with tests/it, which uses all of it")]
#[path = "../it/durability/publishers.rs"]
mod publishers;
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with tests/it, which uses all of it"
)]
#[path = "../it/support/mod.rs"]
mod support;

use std::os::unix::process::ExitStatusExt as _;

use futures_util::StreamExt as _;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use ledger::Ledger;
use publishers::Publishers;
use support::Server;

/// The points, and how often each is reached at least while the server works.
const POINTS: &[(&str, u64)] = &[
    ("dir::create", 2),
    ("dir::sync", 6),
    ("super::create", 2),
    ("super::write", 6),
    ("super::sync", 6),
    ("prepared::create", 4),
    ("prepared::write", 4),
    ("prepared::sync", 4),
    ("segment::write", 30),
    ("segment::sync", 30),
    ("segment::rename", 3),
    ("index::create", 2),
    ("index::write", 2),
    ("index::sync", 2),
    ("index::rename", 2),
    ("snapshot::create", 2),
    ("snapshot::write", 2),
    ("snapshot::sync", 2),
    ("snapshot::rename", 2),
    ("snapshot::remove", 1),
];
/// Requests after which every point was reached.
const ENOUGH: usize = 250;
/// Servers at work at the same time.
const AT_ONCE: usize = 4;
const SMALL: [&str; 6] = [
    "--segment-size",
    "131072",
    "--max-batch-bytes",
    "16384",
    "--max-event-bytes",
    "16384",
];

/// One run: what happens at which of the times that a point is reached.
#[derive(Debug, Clone)]
struct Failure {
    point: String,
    after: u64,
    action: &'static str,
}

/// How many moments of each point are asked for.
fn seeds() -> u64 {
    let seeds = std::env::var("FAILPOINT_SEEDS").ok();
    seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

fn failures(seed: u64) -> Vec<Failure> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut all = vec![Failure {
        point: "log::ack".to_owned(),
        after: rng.random_range(0..30),
        action: "abort",
    }];
    all.extend(at(POINTS, &mut rng));
    all
}

/// Each point: ended before and behind it, failed at it.
fn at(points: &[(&str, u64)], rng: &mut StdRng) -> Vec<Failure> {
    let mut all = Vec::new();
    for (point, reached) in points {
        for (place, action) in [("", "abort"), ("::done", "abort"), ("", "eio")] {
            all.push(Failure {
                point: format!("log::{point}{place}"),
                after: rng.random_range(0..*reached),
                action,
            });
        }
    }
    all
}

async fn loses_nothing(failure: Failure) -> Option<Failure> {
    let (missed, first) = happens(failure, &SMALL).await;
    assert_eq!(first, 1);
    missed
}

/// Lets it happen and looks for what was acknowledged; the failure, if it never happened, and the
/// first event that is left.
async fn happens(failure: Failure, flags: &[&str]) -> (Option<Failure>, u64) {
    let Failure { point, after, action } = &failure;
    let skip = if *after > 0 {
        format!("{after}*off->")
    } else {
        String::new()
    };
    let points = format!("{point}={skip}1*return({action})");
    let (mut server, is_ready) = Server::start_failing(flags, ("FAILPOINTS", &points)).await;
    let mut ledger = Ledger::default();
    let mut ended = None;
    if is_ready {
        let publishers = Publishers::start(&server, 0, 4);
        publishers.acknowledged_or_ended(ENOUGH).await;
        server.kill().await;
        ended = server.ended().await.signal();
        ledger.take(publishers.end().await);
    }
    let is_reached = server.has_said(&format!("failpoint {point}: {action}")).await;
    // The kill came late if it aborted.
    assert!(
        !is_ready || !is_reached || *action != "abort" || ended == Some(6),
        "{failure:?}"
    );
    server.restart().await;
    let first = ledger.is_there(&server).await;
    ((!is_reached).then_some(failure), first)
}

#[tokio::test]
async fn f24_after_a_failed_sync_publishes_are_of_unknown_outcome_and_the_process_ends() {
    let points = "log::segment::sync=12*off->1*return(eio)";
    let (mut server, is_ready) = Server::start_failing(&SMALL, ("FAILPOINTS", points)).await;
    assert!(is_ready);
    let mut acknowledged = 0;
    let refused = loop {
        let event = support::event(&acknowledged.to_string(), "t", &serde_json::json!(acknowledged));
        let request = server.request(reqwest::Method::POST, "/events").json(&event);
        let answer = server.call(request).await;
        if answer.0 != 202 {
            break answer;
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "the sync never failed");
    };
    // A mark may have met the fault: then the publish behind it is refused, and certainly not stored.
    assert_eq!(refused.0, 503);
    let code = refused.1["code"].as_str().expect("a code");
    assert!(["outcome-unknown", "stopping"].contains(&code), "{}", refused.1);
    let code = server.ended().await.code();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    server.restart().await;
    let last = server.last_sequence().await;
    assert!(last >= acknowledged, "{last} of {acknowledged}");
    let again = support::event("0", "t", &serde_json::json!(0));
    assert_eq!(server.publish(&again).await["duplicate"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_what_was_acknowledged_survives_a_failure_at_every_point() {
    for seed in 0..seeds() {
        eprintln!("seed {seed}");
        let runs = failures(seed).into_iter().map(loses_nothing);
        let missed = futures_util::stream::iter(runs)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect::<Vec<Failure>>()
            .await;
        assert!(missed.is_empty(), "never happened: {missed:#?}");
    }
}
