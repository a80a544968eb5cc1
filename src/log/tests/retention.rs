//! What is given up, and that nothing else is.

use super::support::{BUS, NOW, all, clock, config, open, put, run, state};
use crate::log::files::simulated::{Fault, Simulated};
use crate::log::{
    Appended, BusId, Expired, Log, LogConfig, LogError, Retention, RouteId, StateKind, StateRecord,
};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DAY: Retention = Retention {
    age: Duration::from_hours(24),
    size: None,
    hard_limit: None,
};

/// A log without a dedup window to speak of, opened at a time after the usual one.
pub(super) fn open_at(disk: &Simulated, after: Duration) -> Log {
    let config = LogConfig {
        dedup_window: Duration::from_millis(1),
        ..config()
    };
    let now = NOW + i64::try_from(after.as_millis()).unwrap();
    Log::open_with(Arc::new(disk.clone()), config, clock(now), None)
        .unwrap()
        .0
}

/// Fills segments and takes a snapshot behind each, until there are `count` snapshots.
fn fill(log: &Log, count: usize) -> u64 {
    let mut checkpoints = log.checkpoints();
    let mut key = 0;
    for _ in 0..count {
        let before = *checkpoints.borrow_and_update();
        while *log.checkpoints().borrow() == before {
            put(log, key, 2_000);
            key += 1;
        }
        let checkpoint = log.checkpoints().borrow().unwrap();
        log.save_snapshot(checkpoint, Bytes::from(format!("state at {key}")))
            .unwrap();
    }
    key
}

/// The oldest segment, ten minutes after it was first seen over age.
fn confirmed(log: &Log, retention: &Retention) -> Option<Expired> {
    let now = Instant::now();
    let first = log.expired_at(retention, now).unwrap();
    first.or_else(|| log.expired_at(retention, now + Duration::from_mins(11)).unwrap())
}

#[test]
fn a_trimmed_log_goes_on_where_it_was_and_opens_again() {
    let disk = Simulated::default();
    let count = fill(&open_at(&disk, Duration::ZERO), 4);
    let log = open_at(&disk, Duration::from_hours(48));
    let expired = confirmed(&log, &DAY).unwrap();
    assert!(!expired.is_forced);
    let gone = expired.sequences[0].1.clone();
    assert_eq!((expired.sequences[0].0, gone.start), (BUS, 1));
    log.trim(expired.until).unwrap();
    for log in [log, open_at(&disk, Duration::from_hours(48))] {
        assert_eq!(log.sequences(BUS).unwrap(), gone.end..count + 1);
        assert_eq!(log.event(BUS, gone.end - 1).unwrap(), None);
        let kept = log.read(BUS, gone.end, 1_000, usize::MAX).unwrap();
        assert!(kept.iter().map(|event| event.sequence).eq(gone.end..=count));
        assert!(
            log.route_events(RouteId(10), 0, 5)
                .unwrap()
                .iter()
                .all(|sequence| *sequence >= gone.end)
        );
        let report =
            crate::log::verify::verify_with(&disk, super::support::DIR.as_ref(), true, &mut |_, _| ())
                .unwrap();
        assert_eq!(report.damage, []);
        assert_eq!(report.buses[&BUS].sequences, gone.end..count + 1);
    }
    let log = open_at(&disk, Duration::from_hours(48));
    assert_eq!(put(&log, 9_999, 1), count + 1);
}

#[test]
fn nothing_above_the_older_snapshot_goes_and_nothing_that_is_young() {
    let disk = Simulated::default();
    fill(&open_at(&disk, Duration::ZERO), 1);
    let log = open_at(&disk, Duration::from_hours(48));
    assert_eq!(confirmed(&log, &DAY), None, "one snapshot is not enough");
    drop(log);
    let disk = Simulated::default();
    fill(&open_at(&disk, Duration::ZERO), 3);
    let log = open_at(&disk, Duration::from_hours(23));
    assert_eq!(confirmed(&log, &DAY), None, "not old enough");
    drop(log);
    let log = Log::open_with(Arc::new(disk.clone()), config(), clock(NOW + 1_000), None)
        .unwrap()
        .0;
    let by_size = Retention { size: Some(1), ..DAY };
    assert_eq!(confirmed(&log, &by_size), None, "within the dedup window");
}

#[test]
fn a_log_above_its_size_gives_up_its_oldest_segments_only() {
    let disk = Simulated::default();
    fill(&open_at(&disk, Duration::ZERO), 5);
    let log = open_at(&disk, Duration::from_secs(10));
    let retention = Retention {
        size: Some(5 * (64 << 10)),
        ..DAY
    };
    let mut trimmed = 0;
    while let Some(expired) = log.expired(&retention).unwrap() {
        assert!(!expired.is_forced);
        log.trim(expired.until).unwrap();
        trimmed += 1;
    }
    assert_eq!(trimmed, 1);
    let forced = Retention {
        hard_limit: Some(1),
        ..DAY
    };
    assert!(log.expired(&forced).unwrap().unwrap().is_forced);
}

#[test]
fn who_reads_while_segments_go_is_never_told_of_damage() {
    let disk = Simulated::default();
    let count = fill(&open_at(&disk, Duration::ZERO), 12);
    let log = open_at(&disk, Duration::from_hours(48));
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        for turn in 0..3_u64 {
            let (log, is_done) = (&log, &is_done);
            threads.spawn(move || {
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    for sequence in (1 + turn..count).step_by(3) {
                        log.event(BUS, sequence).unwrap();
                        log.read(BUS, sequence, 5, usize::MAX).unwrap();
                        log.route_states(RouteId(10), sequence).unwrap();
                    }
                }
            });
        }
        while let Some(expired) = confirmed(&log, &DAY) {
            log.trim(expired.until).unwrap();
        }
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(log.sequences(BUS).unwrap().start > 100);
}

#[test]
fn an_index_that_outlived_its_segment_goes_with_the_next_start() {
    let disk = Simulated::default();
    fill(&open_at(&disk, Duration::ZERO), 4);
    let log = open_at(&disk, Duration::from_hours(48));
    log.trim(confirmed(&log, &DAY).unwrap().until).unwrap();
    drop(log);
    let orphan = super::support::segment(0).with_extension("idx");
    disk.set_content(&orphan, vec![1; 4096]);
    drop(open_at(&disk, Duration::from_hours(48)));
    assert!(
        super::indexes::index_files(&disk)
            .iter()
            .all(|(path, _)| *path != orphan)
    );
}

#[test]
fn a_trim_that_is_cut_off_anywhere_leaves_a_whole_log() {
    for after in 0..12 {
        let disk = Simulated::default();
        let count = fill(&open_at(&disk, Duration::ZERO), 4);
        let log = open_at(&disk, Duration::from_hours(48));
        let expired = confirmed(&log, &DAY).unwrap();
        disk.inject(Fault::Death, after);
        let _cut_off = log.trim(expired.until);
        disk.kill();
        drop(log);
        disk.crash(after);
        let log = open_at(&disk, Duration::from_hours(48));
        let kept = log.sequences(BUS).unwrap();
        assert!(
            kept.start == 1 || kept.start == expired.sequences[0].1.end,
            "{after}: {kept:?}"
        );
        assert_eq!(kept.end, count + 1, "{after}");
        assert!(log.read(BUS, kept.start, 1_000, usize::MAX).unwrap().len() as u64 == count + 1 - kept.start);
    }
}

#[test]
fn a_trimmed_log_without_a_readable_snapshot_is_refused() {
    let disk = Simulated::default();
    fill(&open_at(&disk, Duration::ZERO), 4);
    let log = open_at(&disk, Duration::from_hours(48));
    log.trim(confirmed(&log, &DAY).unwrap().until).unwrap();
    drop(log);
    let dir = super::support::DIR.as_ref();
    let snapshots = crate::log::snapshot::list(&disk, dir).unwrap();
    let paths: Vec<_> = snapshots
        .iter()
        .map(|at| crate::log::snapshot::path(dir, *at))
        .collect();
    let mut damaged = disk.content(&paths[1]);
    damaged[20] ^= 1;
    disk.set_content(&paths[1], damaged.clone());
    assert!(
        open_at(&disk, Duration::ZERO).sequences(BUS).is_ok(),
        "the older one serves"
    );
    disk.set_content(&paths[0], damaged);
    assert!(matches!(
        super::support::try_open(&disk),
        Err(LogError::Corrupt { .. })
    ));
}

fn opened(kind: StateKind, route: u64, bus: u32, said: &'static str) -> StateRecord {
    StateRecord {
        route: RouteId(route),
        bus: BusId(bus),
        payload: Bytes::from_static(said.as_bytes()),
        ..StateRecord::new(kind)
    }
}

#[test]
fn what_was_said_of_buses_and_routes_outlives_the_segments_that_said_it() {
    let disk = Simulated::default();
    let log = open_at(&disk, Duration::ZERO);
    let said = vec![
        opened(StateKind::BusOpened, 0, 1, "orders"),
        opened(StateKind::BusOpened, 0, 8, "quiet"),
        opened(StateKind::RouteOpened, 70, 1, "crm"),
        opened(StateKind::RouteOpened, 71, 8, "mail"),
        opened(StateKind::RouteOpened, 71, 8, "post"),
    ];
    run(log.record(said)).unwrap();
    fill(&log, 4);
    drop(log);
    let log = open_at(&disk, Duration::from_hours(48));
    while let Some(expired) = confirmed(&log, &DAY) {
        log.trim(expired.until).unwrap();
    }
    let mut kept = 0;
    log.for_each_state(&mut |_| kept += 1).unwrap();
    assert_eq!(kept, 0, "the records are gone");
    let before = log.routes();
    assert_eq!(before.buses, [BusId(1), BusId(8)]);
    assert_eq!(
        (before.highest_bus, before.highest_route),
        (BusId(8), RouteId(71))
    );
    drop(log);
    // The names are told on from snapshot to snapshot.
    for _ in 0..2 {
        let log = open_at(&disk, Duration::from_hours(96));
        assert_eq!(log.routes(), before);
        assert_eq!(log.opened_route(RouteId(70)).unwrap(), "crm");
        assert_eq!(log.opened_route(RouteId(71)).unwrap(), "post");
        assert_eq!(
            (log.opened_route(RouteId(1)), log.bus_of(RouteId(71))),
            (None, Some(BusId(8)))
        );
        fill(&log, 3);
    }
}

#[test]
fn i13_opened_from_a_snapshot_the_log_says_what_it_says_when_read_whole() {
    let disk = Simulated::default();
    let log = open_at(&disk, Duration::ZERO);
    fill(&log, 3);
    run(log.append(BusId(7), Vec::new(), vec![state(10, &[1, 2])])).unwrap();
    drop(log);
    let whole = disk.copy();
    let dir = super::support::DIR.as_ref();
    for position in crate::log::snapshot::list(&whole, dir).unwrap() {
        whole.remove(&crate::log::snapshot::path(dir, position));
    }
    let (from_snapshot, from_start) = (open(&disk), open(&whole));
    assert!(from_start.snapshot().unwrap().is_none() && from_snapshot.snapshot().unwrap().is_some());
    assert_eq!(all(&from_snapshot, BUS), all(&from_start, BUS));
    assert_eq!(
        from_snapshot.routes().highest_bus,
        from_start.routes().highest_bus
    );
    for route in [1, 2, 3, 10] {
        let events = |log: &Log| log.route_events(RouteId(route), 0, 10_000).unwrap();
        assert_eq!(events(&from_snapshot), events(&from_start));
        assert_eq!(
            from_snapshot.route_backlog(RouteId(route), 5).unwrap(),
            from_start.route_backlog(RouteId(route), 5).unwrap()
        );
    }
    assert_eq!(
        from_snapshot.route_states(RouteId(10), 1).unwrap(),
        from_start.route_states(RouteId(10), 1).unwrap()
    );
    let retried = run(from_snapshot.append(BUS, vec![super::support::event(0, 2_000)], Vec::new())).unwrap();
    assert_eq!(
        retried,
        [Appended::Duplicate(1)],
        "known from the index of a sealed segment"
    );
}
