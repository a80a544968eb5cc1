//! One event, one sequence: over tasks, batches and restarts.

use super::support::{BUS, NOW, clock, config, event, keys, open, put, run};
use crate::log::Appended::{Duplicate, Stored};
use crate::log::files::simulated::Simulated;
use crate::log::{Appended, BusId, DedupKey, Log};
use std::sync::Arc;
use tokio::task::JoinSet;

#[test]
fn of_fifty_concurrent_copies_one_is_stored_and_the_others_are_its_duplicates() {
    let log = open(&Simulated::default());
    put(&log, 1, 1);
    let answers = run(async {
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let log = log.clone();
            tasks.spawn(async move { log.append(BUS, vec![event(7, 100)], Vec::new()).await.unwrap()[0] });
        }
        tasks.join_all().await
    });
    let stored = answers
        .iter()
        .filter(|answer| **answer == Appended::Stored(2))
        .count();
    let repeated = answers
        .iter()
        .filter(|answer| **answer == Appended::Duplicate(2))
        .count();
    assert_eq!((stored, repeated), (1, 49));
    assert_eq!(keys(&log), [1, 7]);
}

#[test]
fn the_second_copy_inside_a_batch_is_a_duplicate_of_the_first() {
    let log = open(&Simulated::default());
    put(&log, 5, 1);
    let batch = [8, 5, 9, 8, 9].map(|key| event(key, 1)).to_vec();
    let answers = run(log.append(BUS, batch, Vec::new())).unwrap();
    assert_eq!(
        answers,
        [Stored(2), Duplicate(1), Stored(3), Duplicate(2), Duplicate(3)]
    );
    assert_eq!(keys(&log), [5, 8, 9]);
}

#[test]
fn a_batch_of_duplicates_writes_nothing() {
    let log = open(&Simulated::default());
    put(&log, 1, 1);
    let before = log.stats().bytes;
    let answers = run(log.append(BUS, vec![event(1, 1); 3], vec![super::support::state(1, &[1])])).unwrap();
    assert_eq!(answers, [Appended::Duplicate(1); 3]);
    assert_eq!(log.stats().bytes, before);
    assert_eq!(put(&log, 2, 1), 2);
}

#[test]
fn buses_do_not_share_keys() {
    let log = open(&Simulated::default());
    put(&log, 1, 1);
    let other = run(log.append(BusId(2), vec![event(1, 1)], Vec::new())).unwrap();
    assert_eq!(other, [Appended::Stored(1)]);
}

#[test]
fn a_key_is_known_after_a_restart_until_its_window_has_passed() {
    let disk = Simulated::default();
    put(&open(&disk), 1, 1);
    let reopen = |after: i64| {
        let now = clock(NOW + after);
        Log::open_with(Arc::new(disk.clone()), config(), now, None)
            .unwrap()
            .0
    };
    assert_eq!(reopen(599_000).find(BUS, DedupKey(1)).unwrap(), Some(1));
    assert_eq!(
        reopen(-5_000_000).find(BUS, DedupKey(1)).unwrap(),
        Some(1),
        "a clock set back"
    );
    let log = reopen(601_001);
    assert_eq!(log.find(BUS, DedupKey(1)).unwrap(), None);
    assert_eq!(put(&log, 1, 1), 2, "and may then be stored again");
}

#[test]
fn batches_that_wait_for_each_others_keys_all_end() {
    let log = open(&Simulated::default());
    let answers = run(async {
        let mut tasks = JoinSet::new();
        for turn in 0..40_u64 {
            let log = log.clone();
            let keys: Vec<u64> = if turn % 2 == 0 {
                (0..10).collect()
            } else {
                (0..10).rev().collect()
            };
            let batch = keys
                .into_iter()
                .map(|key| event(turn / 8 * 100 + key, 10))
                .collect();
            tasks.spawn(async move { log.append(BUS, batch, Vec::new()).await.unwrap() });
        }
        tasks.join_all().await
    });
    let stored = answers
        .iter()
        .flatten()
        .filter(|answer| matches!(answer, Appended::Stored(_)))
        .count();
    assert_eq!(stored, 50);
}
