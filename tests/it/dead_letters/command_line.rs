//! `tramline dlq` and `tramline routes`.

use serde_json::json;

use super::until_dead;
use super::with_letters;
use crate::support::Answer;
use crate::support::tramline;

#[tokio::test]
async fn letters_are_listed_shown_given_back_and_given_up_from_the_command_line() {
    let (server, sink) = with_letters(4).await;
    let url = server.url();
    let run = async |args: &[&str], code: i32| {
        let args = [&["dlq"], args, &["--url", url]].concat();
        tramline(&args).await.ended(code)
    };
    let listed = run(&["list", "--code", "rejected-400", "-o", "json"], 0)
        .await
        .json();
    let ids: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 4);
    let shown = run(&["show", &ids[0], "-o", "json"], 0).await.json();
    assert_eq!(shown, listed[0]);
    assert!(run(&["show", &ids[0]], 0).await.stdout.contains("rejected-400"));
    run(&["show", "9-9"], 5).await;
    run(&["show", "x"], 2).await;
    let counted = run(&["redrive", "--rule", "r", "--dry-run"], 0).await;
    assert_eq!(counted.stdout, "4 dead letters would be given back\n");
    sink.answer(|_| Answer::Status(200));
    let job = run(&["redrive", &ids[0], "--rate", "10/s", "-o", "json"], 0)
        .await
        .json();
    assert_eq!((&job["total"], &job["done"]), (&json!(1), &json!(1)));
    let refused = run(&["discard", &ids[1], "--reason", "old"], 2).await;
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    run(&["discard", &ids[1]], 2).await;
    let job = run(&["discard", &ids[1], "--reason", "old", "--yes", "-o", "json"], 0)
        .await
        .json();
    assert_eq!((&job["kind"], &job["done"]), (&json!("discard"), &json!(1)));
    until_dead(&server, "r", 2).await;
}

#[tokio::test]
async fn routes_are_listed_shown_and_tested_from_the_command_line() {
    let (server, sink) = with_letters(1).await;
    let url = server.url();
    let run = async |args: &[&str], code: i32| {
        let args = [&["routes"], args, &["--url", url]].concat();
        tramline(&args).await.ended(code)
    };
    let listed = run(&["list", "-o", "json"], 0).await.json();
    assert_eq!(run(&["get", "r/hook", "-o", "json"], 0).await.json(), listed[0]);
    assert!(run(&["list"], 0).await.stdout.contains("default:r/hook"));
    run(&["get", "r/none"], 5).await;
    run(&["get", "r"], 2).await;
    let failed = run(&["test", "r/hook"], 1).await;
    assert!(failed.stdout.contains("rejected_400"), "{}", failed.stdout);
    sink.answer(|_| Answer::Status(200));
    assert_eq!(
        run(&["test", "r/hook", "-o", "json"], 0).await.json()["class"],
        json!("ok")
    );
}
