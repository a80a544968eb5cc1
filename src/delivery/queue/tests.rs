//! The queue of one route, step by step.

use super::*;
use crate::delivery::memory::Memory;
use crate::log::NewEvent;
use crate::log::StoredEvent;

fn drained(queue: &mut Queue, log: &[u64], now_ms: i64) -> Vec<u64> {
    let read = |after: u64| log.iter().copied().filter(|s| *s > after).take(WINDOW).collect();
    let mut out = Vec::new();
    loop {
        while let Some(wanted) = queue.wanted() {
            queue.refill(&wanted, read(wanted.after));
        }
        let Some(due) = queue.take(now_ms) else { return out };
        out.push(due.sequence);
    }
}

#[test]
fn a_restored_queue_gives_what_is_open_and_nothing_that_is_settled() {
    let waiting = BTreeMap::from([(
        3,
        Waiting {
            attempts: 2,
            since_ms: None,
            due_ms: 50,
        },
    )]);
    let unfinished = OnRoute {
        open: [1, 3, 4].into_iter().collect(),
        waiting,
        dead: [2].into_iter().collect(),
    };
    let mut queue = Queue::restored(4, unfinished);
    assert_eq!(queue.floor(), Some(1));
    let log = [1, 2, 3, 4, 5, 6];
    assert_eq!(drained(&mut queue, &log, 0), [1, 4, 5, 6]);
    let due = queue.take(50).unwrap();
    assert_eq!((due.sequence, due.attempts), (3, 2));
}

#[test]
fn what_the_feed_leaves_out_while_the_log_is_read_is_read_again() {
    let mut queue = Queue::default();
    queue.fall_behind();
    let wanted = queue.wanted().unwrap();
    queue.offer(1, || None);
    queue.refill(&wanted, Vec::new());
    assert!(queue.is_behind());
    assert_eq!(drained(&mut queue, &[1], 0), [1]);
    assert!(!queue.is_behind());
}

#[test]
fn what_the_feed_brings_twice_or_late_is_taken_once() {
    let mut queue = Queue::default();
    queue.offer(1, || None);
    queue.offer(1, || None);
    queue.fall_behind();
    queue.offer(3, || None);
    let log = [1, 2, 3];
    assert_eq!(drained(&mut queue, &log, 0), [1, 2, 3]);
    queue.offer(3, || None);
    queue.offer(4, || None);
    assert_eq!(drained(&mut queue, &[1, 2, 3, 4], 0), [4]);
}

#[test]
fn a_full_window_turns_into_backlog_and_loses_nothing() {
    let mut queue = Queue::default();
    let log: Vec<u64> = (1..=3 * WINDOW as u64).collect();
    for sequence in &log {
        queue.offer(*sequence, || None);
    }
    assert_eq!(drained(&mut queue, &log, 0), log);
}

#[test]
fn at_the_bound_of_retries_no_new_event_is_taken() {
    let mut queue = Queue::default();
    for sequence in 1..=MAX_RETRIES as u64 {
        queue.postpone(
            sequence,
            Waiting {
                attempts: 1,
                since_ms: None,
                due_ms: 1_000,
            },
        );
    }
    queue.cursor = MAX_RETRIES as u64;
    queue.offer(MAX_RETRIES as u64 + 1, || None);
    assert!(queue.take(0).is_none());
    let due = queue.take(1_000).unwrap();
    queue.settle(due.sequence);
    assert_eq!(drained(&mut queue, &[], 0), [MAX_RETRIES as u64 + 1]);
}

#[test]
fn an_attempt_that_is_put_back_charges_nothing() {
    let mut queue = Queue::default();
    queue.postpone(
        1,
        Waiting {
            attempts: 3,
            since_ms: Some(5),
            due_ms: 10,
        },
    );
    queue.offer(2, || None);
    for sequence in [1, 2] {
        assert_eq!(queue.take(10).map(|due| due.sequence), Some(sequence));
        queue.put_back(sequence, 20);
    }
    let due = [queue.take(20), queue.take(20)].map(|due| due.map(|due| (due.attempts, due.since_ms)));
    assert_eq!(due, [Some((3, Some(5))), Some((0, None))]);
}

#[test]
fn an_event_that_leaves_the_queue_whichever_way_gives_its_memory_back() {
    let memory = Memory::new(1 << 20);
    let event = StoredEvent::from(NewEvent::default());
    let fill = |queue: &mut Queue| {
        for sequence in 1..=2 * WINDOW as u64 {
            queue.offer(sequence, || memory.hold(&event));
        }
        assert!(memory.left() < 1 << 20);
    };
    let mut queue = Queue::default();
    fill(&mut queue);
    while let Some(due) = queue.take(0) {
        queue.settle(due.sequence);
    }
    assert_eq!(memory.left(), 1 << 20);
    let mut queue = Queue::default();
    fill(&mut queue);
    queue.close();
    assert_eq!(memory.left(), 1 << 20);
}

#[test]
fn a_dead_letter_is_revived_once() {
    let mut queue = Queue::default();
    queue.offer(1, || None);
    queue.take(0).unwrap();
    queue.bury(1);
    assert!(queue.is_idle());
    assert!(queue.revive(1, 7));
    assert!(!queue.revive(1, 7));
    assert_eq!(
        queue.take(7).map(|due| (due.sequence, due.since_ms)),
        Some((1, Some(7)))
    );
}
