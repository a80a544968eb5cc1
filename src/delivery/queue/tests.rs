//! The queue of one route, step by step.

use super::*;
use crate::delivery::memory::Memory;
use crate::delivery::retries::OF_A_ROUTE;
use crate::log::NewEvent;
use crate::log::StoredEvent;

/// A moment on clocks that agree.
fn at(ms: i64) -> Moment {
    Moment {
        wall_ms: ms,
        steady_ms: ms,
    }
}

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
            from_ms: 0,
            due_ms: 50,
            key: None,
        },
    )]);
    let mut dead = LetterSet::default();
    dead.insert(2, "gone");
    let unfinished = OnRoute {
        open: [1, 3, 4].into_iter().collect(),
        waiting,
        dead,
        ..OnRoute::default()
    };
    let mut queue = Queue::restored(4, unfinished, Moment::default());
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
    for sequence in 1..=OF_A_ROUTE as u64 {
        queue.postpone(
            sequence,
            Waiting {
                attempts: 1,
                since_ms: None,
                from_ms: 0,
                due_ms: 1_000,
                key: None,
            },
            Moment::default(),
        );
    }
    queue.cursor = OF_A_ROUTE as u64;
    queue.offer(OF_A_ROUTE as u64 + 1, || None);
    assert!(queue.take(0).is_none());
    let due = queue.take(1_000).unwrap();
    queue.settle(due.sequence);
    assert_eq!(drained(&mut queue, &[], 0), [OF_A_ROUTE as u64 + 1]);
}

#[test]
fn an_attempt_that_is_put_back_charges_nothing() {
    let mut queue = Queue::default();
    queue.postpone(
        1,
        Waiting {
            attempts: 3,
            since_ms: Some(5),
            from_ms: 0,
            due_ms: 10,
            key: None,
        },
        Moment::default(),
    );
    queue.offer(2, || None);
    for sequence in [1, 2] {
        assert_eq!(queue.take(10).map(|due| due.sequence), Some(sequence));
        queue.put_back(sequence, 6, 10, at(10));
    }
    let due = [queue.take(20), queue.take(20)].map(|due| due.map(|due| (due.attempts, due.since_ms)));
    assert_eq!(due, [Some((3, Some(5))), Some((0, Some(6)))]);
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
fn a_dead_letter_that_is_given_back_is_due_at_once_with_a_fresh_age() {
    let mut queue = Queue::default();
    queue.offer(1, || None);
    queue.take(0).unwrap();
    queue.bury(1, "gone");
    assert!(queue.is_idle());
    queue.send_again(1, at(7), &Again::default());
    assert!(queue.dead().is_empty());
    assert_eq!(
        queue.take(7).map(|due| (due.sequence, due.since_ms)),
        Some((1, Some(7)))
    );
}

#[test]
fn f22_a_clock_that_is_set_neither_hurries_nor_delays_a_retry() {
    for step_ms in [7_200_000, -7_200_000] {
        let mut queue = Queue::default();
        let waiting = Waiting {
            attempts: 1,
            since_ms: None,
            from_ms: 0,
            due_ms: 1_000,
            key: None,
        };
        queue.postpone(1, waiting, at(0));
        // The wall clock is set while it waits; the next one is postponed on the new time.
        let later = Moment {
            wall_ms: 500 + step_ms,
            steady_ms: 500,
        };
        let waiting = Waiting {
            from_ms: later.wall_ms,
            due_ms: later.wall_ms + 1_000,
            ..waiting
        };
        queue.postpone(2, waiting, later);
        assert!(queue.take(999).is_none(), "{step_ms}");
        assert_eq!(queue.take(1_000).map(|due| due.sequence), Some(1));
        assert_eq!(queue.next_due(), Some(1_500));
    }
}

#[test]
fn f22_after_a_restart_nothing_waits_longer_than_was_planned() {
    for (wall_ms, due) in [(-7_200_000, 1_000), (400, 600), (7_200_000, 0)] {
        let waiting = Waiting {
            attempts: 1,
            since_ms: None,
            from_ms: 0,
            due_ms: 1_000,
            key: None,
        };
        let unfinished = OnRoute {
            open: [1].into_iter().collect(),
            waiting: BTreeMap::from([(1, waiting)]),
            ..OnRoute::default()
        };
        let now = Moment {
            wall_ms,
            steady_ms: 0,
        };
        let queue = Queue::restored(1, unfinished, now);
        assert_eq!(queue.next_due(), Some(due), "{wall_ms}");
    }
}

#[test]
fn what_waits_longest_is_found_first_when_it_is_too_old() {
    let mut queue = Queue::default();
    for (sequence, since_ms) in [(1, 300), (2, 100), (3, 200)] {
        let waiting = Waiting {
            attempts: 1,
            since_ms: Some(since_ms),
            from_ms: 0,
            due_ms: 10_000,
            key: None,
        };
        queue.postpone(sequence, waiting, at(0));
    }
    assert_eq!(queue.take_older(100).unwrap_err(), Some(100));
    assert_eq!(queue.take_older(250).unwrap().sequence, 2);
    assert_eq!(queue.take_older(250).unwrap().sequence, 3);
    assert_eq!(queue.take_older(250).unwrap_err(), Some(300));
}

#[test]
fn what_is_sent_again_is_taken_once_wherever_it_was() {
    let mut queue = Queue::default();
    (1..=3).for_each(|sequence| queue.offer(sequence, || None));
    let in_flight = queue.take(0).unwrap();
    for sequence in 1..=3 {
        queue.send_again(sequence, at(5), &Again::default());
    }
    let next: Vec<u64> = std::iter::from_fn(|| queue.take(5))
        .map(|due| due.sequence)
        .collect();
    assert_eq!((in_flight.sequence, next), (1, vec![2, 3]));
    queue.settle(1);
    queue.send_again(
        1,
        at(6),
        &Again {
            is_guest: true,
            ..Again::default()
        },
    );
    assert!(queue.is_guest(1) && queue.is_under_way(1));
    assert_eq!(queue.take(6).map(|due| due.sequence), Some(1));
}
