//! Redrives as jobs: durable, paced, cancelled, taken up again.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ended;
use super::until_dead;
use super::with_letters;
use crate::support::Answer;
use crate::support::Server;
use crate::support::Sink;
use crate::support::eventually;

async fn redrive(server: &Server, rate: &str) -> Value {
    let request = json!({ "filter": { "rule": "r" }, "rate": rate });
    server.post("/v1/dead-letters/redrive", &request).await
}

/// Waits until the job has done some of its work, but not all.
async fn half_way(server: &Server, job: &Value) {
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    eventually("the job is half-way", async || {
        let job = server.get(&path).await;
        assert_eq!(job["state"], "running", "{job}");
        (job["done"].as_u64() >= Some(100)).then_some(())
    })
    .await;
}

/// How often each event came to the sink with a success, by the number in its data.
fn taken(sink: &Sink, refused: usize) -> BTreeMap<u64, usize> {
    let mut taken = BTreeMap::new();
    for request in sink.received().iter().skip(refused) {
        *taken.entry(request.json()["data"].as_u64().unwrap()).or_default() += 1;
    }
    taken
}

#[tokio::test]
async fn f20_a_redrive_of_a_thousand_goes_on_after_a_crash_and_accounts_for_every_letter() {
    let (mut server, sink) = with_letters(1_000).await;
    sink.answer(|_| Answer::Status(200));
    let job = redrive(&server, "1000/s").await;
    half_way(&server, &job).await;
    server.kill().await;
    server.restart().await;
    let job = ended(&server, &job["id"]).await;
    assert_eq!(
        (&job["state"], &job["total"], &job["done"], &job["failed"]),
        (&json!("done"), &json!(1_000), &json!(1_000), &json!(0))
    );
    until_dead(&server, "r", 0).await;
    let taken = taken(&sink, 1_000);
    assert!(
        (1..=1_000).all(|n| taken.contains_key(&n)),
        "{} came",
        taken.len()
    );
    for sequence in [1, 500, 1_000] {
        server.settled(sequence, "delivered").await;
    }
    // Once more: the restart folds the same state that the process had.
    server.kill().await;
    server.restart().await;
    until_dead(&server, "r", 0).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await, job);
}

#[tokio::test]
async fn a_cancelled_redrive_loses_nothing() {
    let (mut server, sink) = with_letters(1_000).await;
    sink.answer(|_| Answer::Status(200));
    let job = redrive(&server, "1000/s").await;
    half_way(&server, &job).await;
    let path = format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    let cancelled = server.post(&path, &json!({})).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["failed"]),
        (&json!("cancelled"), &json!(0))
    );
    let done = cancelled["done"].as_u64().unwrap();
    assert!((100..1_000).contains(&done), "{done}");
    server.kill().await;
    server.restart().await;
    until_dead(&server, "r", 1_000 - done).await;
    assert_eq!(ended(&server, &job["id"]).await, cancelled);
    assert_eq!(
        server.post(&path, &json!({})).await,
        cancelled,
        "it stays as it ended"
    );
    let rest = redrive(&server, "100000/s").await;
    assert_eq!(rest["total"], json!(1_000 - done));
    ended(&server, &rest["id"]).await;
    until_dead(&server, "r", 0).await;
    assert_eq!(taken(&sink, 1_000).len(), 1_000);
}

#[tokio::test]
async fn a_redrive_is_not_faster_than_its_rate_and_says_how_far_it_is() {
    let (server, sink) = with_letters(60).await;
    sink.answer(|_| Answer::Status(200));
    let started = Instant::now();
    let job = redrive(&server, "50/s").await;
    assert_eq!(
        (&job["kind"], &job["state"], &job["total"]),
        (&json!("redrive"), &json!("running"), &json!(60))
    );
    assert!(job["done"].as_u64() < Some(60));
    let job = ended(&server, &job["id"]).await;
    assert_eq!((&job["state"], &job["done"]), (&json!("done"), &json!(60)));
    // The first five at once, then five every tenth of a second.
    let least = Duration::from_secs(1);
    assert!(started.elapsed() >= least, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_redrive_that_dies_again_is_done_once_and_does_not_go_round_in_circles() {
    let (server, sink) = with_letters(50).await;
    let job = redrive(&server, "10000/s").await;
    let job = ended(&server, &job["id"]).await;
    assert_eq!((&job["total"], &job["done"]), (&json!(50), &json!(50)));
    sink.wait_for(100).await;
    until_dead(&server, "r", 50).await;
    assert_eq!(sink.received().len(), 100);
}

#[tokio::test]
async fn a_dry_run_counts_and_does_nothing() {
    let (server, sink) = with_letters(7).await;
    let request = json!({ "filter": { "code": "rejected-400" }, "dry_run": true });
    let counted = server.post("/v1/dead-letters/redrive", &request).await;
    assert_eq!((&counted["total"], &counted["done"]), (&json!(7), &json!(0)));
    assert_eq!(server.get("/v1/jobs").await["items"], json!([]));
    assert_eq!(
        (server.dead_letters(7).await.len(), sink.received().len()),
        (7, 7)
    );
}

#[tokio::test]
async fn jobs_are_listed_the_newest_first_in_pages() {
    let (server, sink) = with_letters(3).await;
    sink.answer(|_| Answer::Status(200));
    let mut ids = Vec::new();
    for letter in server.dead_letters(3).await {
        let request = json!({ "filter": { "ids": [letter["id"]] } });
        let (status, job) = server
            .call(
                server
                    .request(Method::POST, "/v1/dead-letters/redrive")
                    .json(&request),
            )
            .await;
        assert_eq!((status, &job["done"]), (202, &json!(1)));
        ids.insert(0, job["id"].clone());
    }
    let first = server.get("/v1/jobs?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("/v1/jobs?limit=2&cursor={cursor}")).await;
    let listed: Vec<_> = [first, second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap().clone())
        .map(|job| job["id"].clone())
        .collect();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_job_that_is_not_there_or_a_rate_that_is_none_is_refused() {
    let (server, _sink) = with_letters(1).await;
    for (method, path) in [(Method::GET, "/v1/jobs/x"), (Method::POST, "/v1/jobs/x/cancel")] {
        let (status, problem) = server.call(server.request(method, path)).await;
        assert_eq!((status, &problem["code"]), (404, &json!("no-such-job")));
    }
    for rate in ["fast", "0/s", "10"] {
        let request = json!({ "rate": rate });
        let request = server
            .request(Method::POST, "/v1/dead-letters/redrive")
            .json(&request);
        let (status, problem) = server.call(request).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid-rate")));
    }
    assert_eq!(server.dead_letters(1).await.len(), 1);
}
