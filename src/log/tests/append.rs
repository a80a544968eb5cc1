//! Appending and reading back without faults.

use super::support::{BUS, all, clock, config, data, event, keys, open, put, run, state};
use crate::log::files::simulated::Simulated;
use crate::log::{AppendError, Appended, BusId, FeedError, Log, LogConfig, NewEvent, RouteId};
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::task::JoinSet;

#[test]
fn an_acknowledged_event_reads_back_as_it_was_appended() {
    let log = open(&Simulated::default());
    let cause = Some(crate::log::Cause {
        route: RouteId(u64::MAX),
        sequence: 9,
    });
    let sent = NewEvent {
        hops: 3,
        cause,
        ..event(7, 1000)
    };
    put(&log, 1, 10);
    let appended = run(log.append(BUS, vec![event(2, 5), sent.clone()], vec![state(10, &[1, 2])])).unwrap();
    assert_eq!(appended, [Appended::Stored(2), Appended::Stored(3)]);

    let stored = log.event(BUS, 3).unwrap().unwrap();
    assert_eq!(stored.sequence, 3);
    assert_eq!(stored.time_ms, super::support::NOW);
    assert_eq!(
        (stored.key, stored.generation, stored.hops),
        (sent.key, sent.generation, sent.hops)
    );
    assert_eq!((stored.cause, &stored.routes), (cause, &sent.routes));
    assert_eq!((&stored.attributes, &stored.data), (&sent.attributes, &sent.data));
    assert_eq!(log.read(BUS, 3, 10, 0).unwrap(), [stored]);
    assert_eq!(log.event(BUS, 4).unwrap(), None);
    assert_eq!(log.event(BusId(9), 1).unwrap(), None);
    assert_eq!(log.route_events(RouteId(10), 1, 5).unwrap(), [2, 3]);
    assert_eq!(
        log.route_states(RouteId(10), 2).unwrap()[0].record,
        state(10, &[1, 2])
    );
    assert_eq!(log.route_states(RouteId(10), 3).unwrap(), []);
    assert_eq!(log.routes().highest_route, RouteId(10));
}

#[test]
fn i2_sequences_are_contiguous_on_every_bus_however_many_append() {
    let disk = Simulated::default();
    let log = open(&disk);
    run(async {
        let mut tasks = JoinSet::new();
        for key in 0..120 {
            let log = log.clone();
            tasks.spawn(async move {
                let events = (0..=key % 3).map(|copy| event(key * 10 + copy, 500)).collect();
                log.append(BusId(1 + key as u32 % 4), events, Vec::new())
                    .await
                    .unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    });
    let count = |log: &Log| -> Vec<usize> {
        (1..=4)
            .map(|bus| {
                let events = all(log, BusId(bus));
                assert!(
                    events
                        .iter()
                        .map(|event| event.sequence)
                        .eq(1..=events.len() as u64),
                    "bus {bus}"
                );
                assert_eq!(log.sequences(BusId(bus)).unwrap(), 1..events.len() as u64 + 1);
                events.len()
            })
            .collect()
    };
    let counted = count(&log);
    assert_eq!(counted.iter().sum::<usize>(), 240);
    log.close().unwrap();
    assert_eq!(count(&open(&disk)), counted);
}

#[test]
fn a_log_of_many_segments_comes_back_whole() {
    let disk = Simulated::default();
    let log = open(&disk);
    (0..40).for_each(|key| assert_eq!(put(&log, key, 9000), key + 1));
    assert!(log.stats().segments > 5);
    let before = all(&log, BUS);
    log.close().unwrap();
    let (log, recovery) = super::support::try_open(&disk).unwrap();
    assert_eq!(all(&log, BUS), before);
    assert!(recovery.clean);
    assert_eq!(
        (recovery.events, recovery.torn_bytes, recovery.rewritten_bytes),
        (40, 0, 0)
    );
    assert_eq!(before[17].data, data(17, 9000));
}

#[test]
fn frame_times_never_go_back_and_find_the_first_event_at_or_after() {
    let disk = Simulated::default();
    let at = |now| {
        let files = Arc::new(disk.clone());
        Log::open_with(files, config(), clock(now), None).unwrap().0
    };
    for (key, now) in [(1, 1000), (2, 2000), (3, 1500), (4, 3000)] {
        put(&at(now), key, 1);
    }
    let log = at(3000);
    let times: Vec<i64> = all(&log, BUS).iter().map(|event| event.time_ms).collect();
    assert_eq!(times, [1000, 2000, 2000, 3000]);
    let found = [0, 1000, 1001, 2000, 2001, 3000, 3001].map(|time| log.sequence_at(BUS, time).unwrap());
    assert_eq!(found, [1, 1, 2, 2, 4, 4, 5]);
}

#[test]
fn what_cannot_be_stored_is_refused_and_costs_nothing() {
    let log = open(&Simulated::default());
    let refused = |bus, events| run(log.append(bus, events, Vec::new())).unwrap_err();
    assert!(matches!(
        refused(BUS, vec![event(1, 17 << 10)]),
        AppendError::TooLarge { max: 16_384, .. }
    ));
    assert!(matches!(
        refused(BusId(0), vec![event(1, 1)]),
        AppendError::Invalid(_)
    ));
    let routes = vec![RouteId(2), RouteId(2)];
    assert!(matches!(
        refused(
            BUS,
            vec![NewEvent {
                routes,
                ..event(1, 1)
            }]
        ),
        AppendError::Invalid(_)
    ));
    let many = AppendError::TooManyEvents {
        count: 70_000,
        max: 65_535,
    };
    assert_eq!(refused(BUS, vec![event(1, 0); 70_000]), many);
    assert_eq!(run(log.append(BUS, Vec::new(), Vec::new())), Ok(Vec::new()));
    assert_eq!(put(&log, 1, 1), 1, "the refused key is free");
}

#[test]
fn an_append_whose_caller_went_away_still_happens_once() {
    let log = open(&Simulated::default());
    for key in 0..20 {
        // Holding the index stops the writer before it answers.
        let held = log.inner.shared.index.read();
        let mut future = Box::pin(log.append(BUS, vec![event(key, 10)], Vec::new()));
        run(async {
            // One poll hands the request to the writer.
            assert!(
                future
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        });
        drop(future);
        drop(held);
        let retried = run(log.append(BUS, vec![event(key, 10)], Vec::new())).unwrap();
        assert_eq!(retried, [Appended::Duplicate(key + 1)]);
    }
    assert!(keys(&log).into_iter().eq(0..20));
}

#[test]
fn appends_beyond_the_admission_limit_are_refused_after_the_wait_and_leak_nothing() {
    let files = Arc::new(Simulated::default());
    let limits = LogConfig {
        admission_bytes: 1500,
        admission_wait: Duration::from_millis(5),
        ..config()
    };
    let (log, _) = Log::open_with(files, limits, clock(0), None).unwrap();
    for round in 0..5 {
        // Holding the index stops the writer before it answers.
        let held = log.inner.shared.index.read();
        let mut first = Box::pin(log.append(BUS, vec![event(round, 1000)], Vec::new()));
        run(async {
            assert!(
                first
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            let refused = log.append(BUS, vec![event(100, 1000)], Vec::new()).await;
            assert_eq!(refused, Err(AppendError::Overloaded));
        });
        drop(held);
        assert_eq!(run(first), Ok(vec![Appended::Stored(round + 1)]));
    }
    assert_eq!(put(&log, 100, 1000), 6);
}

#[test]
fn a_feed_brings_durable_events_in_order_and_says_when_it_left_some_out() {
    let log = open(&Simulated::default());
    let (mut feed, watch) = (log.subscribe(), log.watch(BUS));
    assert_eq!(*watch.borrow(), 0);
    put(&log, 1, 10);
    run(log.record(vec![state(1, &[1])])).unwrap();
    put(&log, 2, 10);
    for sequence in 1..=2 {
        let durable = run(feed.next()).unwrap();
        assert_eq!(durable.bus, BUS);
        assert_eq!(durable.events, log.read(BUS, sequence, 1, 0).unwrap());
    }
    assert_eq!(*watch.borrow(), 2);
    for key in 10..1100 {
        put(&log, key, 0);
    }
    assert_eq!(run(feed.next()), Err(FeedError::Lagged));
    assert!(run(feed.next()).is_ok());
}

#[test]
fn state_records_come_back_in_log_order_with_their_bytes() {
    let disk = Simulated::default();
    let log = open(&disk);
    let sent: Vec<_> = (1..40).map(|route| state(route, &[route, route + 1])).collect();
    for pair in sent.chunks(2) {
        run(log.record(pair.to_vec())).unwrap();
        put(&log, pair[0].route.0, 3000);
    }
    let fold = |log: &Log| {
        let mut seen = Vec::new();
        log.for_each_state(&mut |state| seen.push(state.record)).unwrap();
        seen
    };
    assert_eq!(fold(&log), sent);
    drop(log);
    assert_eq!(fold(&open(&disk)), sent);
}

#[test]
fn a_closed_log_refuses_appends_and_can_still_be_read() {
    let log = open(&Simulated::default());
    put(&log, 1, 1);
    log.close().unwrap();
    log.close().unwrap();
    assert_eq!(
        run(log.append(BUS, vec![event(2, 1)], Vec::new())),
        Err(AppendError::Closed)
    );
    assert_eq!(keys(&log), [1]);
}

#[test]
fn data_that_looks_like_a_frame_changes_nothing() {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 1);
    let frame = disk.content(&super::support::segment(0))[4096..4400].to_vec();
    let fake = NewEvent {
        data: Bytes::from(frame),
        ..event(2, 0)
    };
    run(log.append(BUS, vec![fake.clone()], Vec::new())).unwrap();
    disk.kill();
    drop(log);
    assert_eq!(all(&open(&disk), BUS)[1].data, fake.data);
}
