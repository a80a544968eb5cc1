//! One event, one sequence: over tasks, batches and restarts.

use super::support::{BUS, NOW, clock, config, event, keys, open, put, run};
use crate::log::Appended::{Duplicate, Stored};
use crate::log::files::simulated::Simulated;
use crate::log::{AppendError, Appended, BusId, DedupKey, Log, NewEvent};
use bytes::Bytes;
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
    let after = put(&open(&disk), 1, 1) + 1;
    let reopen = |after: i64| {
        let now = clock(NOW + after);
        Log::open_with(Arc::new(disk.clone()), config(), now, None)
            .unwrap()
            .0
    };
    assert_eq!(put(&reopen(599_000), 1, 1), 1);
    assert_eq!(put(&reopen(-5_000_000), 1, 1), 1, "a clock set back");
    let log = reopen(601_001);
    assert_eq!(put(&log, 1, 1), after, "it may then be stored again");
    assert_eq!(put(&log, 1, 1), after, "and is known again");
    assert_eq!(log.keyed(BUS, DedupKey(1)).unwrap(), [1, after]);
}

/// Another event than `event(key, 5)` under the same key.
fn forged(key: u64, turn: u64) -> NewEvent {
    NewEvent {
        attributes: Bytes::from(format!("forged {turn}")),
        ..event(key, 5)
    }
}

fn answer(log: &Log, events: Vec<NewEvent>) -> Vec<Appended> {
    run(log.append(BUS, events, Vec::new())).unwrap()
}

#[test]
fn an_event_is_never_taken_for_another_one_with_the_same_key() {
    let log = open(&Simulated::default());
    put(&log, 1, 5);
    for turn in 0..3 {
        let fresh = answer(&log, vec![forged(1, turn)]);
        assert_eq!(fresh, [Stored(turn + 2)]);
    }
    let all = [forged(1, 2), event(1, 5), forged(1, 0), event(2, 5), forged(1, 9)];
    let expected = [Duplicate(4), Duplicate(1), Duplicate(2), Stored(5), Stored(6)];
    assert_eq!(answer(&log, all.to_vec()), expected);
    assert_eq!(log.event(BUS, 3).unwrap().unwrap().attributes, "forged 1");
}

#[test]
fn different_events_of_one_key_in_one_batch_are_all_stored_and_all_known() {
    let log = open(&Simulated::default());
    let batch = || vec![event(1, 5), forged(1, 1), event(1, 5), forged(1, 1)];
    assert_eq!(
        answer(&log, batch()),
        [Stored(1), Stored(2), Duplicate(1), Duplicate(2)]
    );
    let again = [1, 2, 1, 2].map(Duplicate);
    assert_eq!(answer(&log, batch()), again);
}

#[test]
fn a_key_in_sealed_segments_is_compared_with_every_event_that_has_it() {
    let disk = Simulated::default();
    let log = open(&disk);
    let mut expected = Vec::new();
    for turn in 0..30 {
        expected.push(log.sequences(BUS).unwrap().end);
        assert_eq!(
            answer(&log, vec![forged(1, turn)])[0],
            Stored(expected[turn as usize])
        );
        // So that the events of the key are in several segments, some of them together.
        put(&log, 100 + turn, 5_000);
    }
    assert!(log.stats().segments > 2);
    drop(log);
    for _ in 0..2 {
        let log = open(&disk);
        for turn in 0..30 {
            assert_eq!(
                answer(&log, vec![forged(1, turn)])[0],
                Duplicate(expected[turn as usize])
            );
        }
        assert_eq!(log.keyed(BUS, DedupKey(1)).unwrap(), expected);
        drop(log);
        remove_indexes(&disk);
    }
}

#[test]
fn f33_of_concurrent_copies_of_two_events_with_one_key_each_is_stored_once() {
    let log = open(&Simulated::default());
    let answers = run(async {
        let mut tasks = JoinSet::new();
        for turn in 0..50 {
            let log = log.clone();
            tasks.spawn(async move {
                log.append(BUS, vec![forged(7, turn % 2)], Vec::new())
                    .await
                    .unwrap()[0]
            });
        }
        tasks.join_all().await
    });
    let stored = answers.iter().filter(|answer| matches!(answer, Stored(_)));
    assert_eq!(stored.count(), 2);
    assert_eq!(log.sequences(BUS).unwrap(), 1..3);
}

#[test]
fn f33_a_copy_with_another_body_is_a_duplicate_and_is_counted() {
    let log = open(&Simulated::default());
    put(&log, 1, 5);
    assert_eq!(put(&log, 1, 5), 1);
    assert_eq!(log.stats().differing_copies, 0);
    assert_eq!(put(&log, 1, 6), 1);
    assert_eq!(log.stats().differing_copies, 1);
    assert_eq!(log.event(BUS, 1).unwrap().unwrap().data, event(1, 5).data);
}

#[test]
fn an_event_that_cannot_be_compared_is_neither_stored_nor_called_a_duplicate() {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 500);
    let path = super::support::segment(0);
    let mut bytes = disk.content(&path);
    let place = bytes.windows(8).position(|bytes| bytes == b"butes of");
    bytes[place.unwrap()] ^= 1;
    disk.set_content(&path, bytes);
    let refused = run(log.append(BUS, vec![event(1, 500), event(2, 1)], Vec::new()));
    assert_eq!(refused, Err(AppendError::LookupFailed));
    assert_eq!(
        answer(&log, vec![event(2, 1)]),
        [Stored(2)],
        "the keys are free again"
    );
}

fn remove_indexes(disk: &Simulated) {
    for (path, _) in super::indexes::index_files(disk) {
        disk.remove(&path);
    }
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
