//! I12: a full disk never loses acknowledged data, and the log goes on by itself.

use super::support::{BUS, event, keys, open, run, state};
use crate::log::files::simulated::Simulated;
use crate::log::{AppendError, Log};

const SEGMENT: u64 = 64 << 10;

fn publish(log: &Log, key: u64) -> Result<(), AppendError> {
    run(log.append(BUS, vec![event(key, 2_000)], Vec::new())).map(drop)
}

/// Lets the log look at the disk again, which it does once a second.
fn look_again(log: &Log) {
    log.inner.shared.space.forget();
}

#[test]
fn i12_publishing_stops_before_the_log_is_touched_and_resumes_by_itself() {
    let disk = Simulated::default();
    disk.set_capacity(12 * SEGMENT);
    let log = open(&disk);
    let mut stored = Vec::new();
    let refused = loop {
        look_again(&log);
        let key = stored.len() as u64;
        match publish(&log, key) {
            Ok(()) => stored.push(key),
            Err(error) => break error,
        }
        assert!(stored.len() < 1_000, "the disk never got full");
    };
    assert_eq!(refused, AppendError::StorageFull);
    assert!(!log.has_failed());
    for sequence in 1..200 {
        run(log.record(vec![state(10, &[sequence])])).unwrap();
    }
    assert_eq!(keys(&log), stored, "reads go on");
    disk.set_capacity(100 * SEGMENT);
    look_again(&log);
    publish(&log, 1_000).unwrap();
    stored.push(1_000);
    drop(log);
    assert_eq!(keys(&open(&disk)), stored);
}

#[test]
fn i12_when_others_fill_the_disk_state_goes_to_the_reserve_and_then_waits() {
    let disk = Simulated::default();
    let log = open(&disk);
    publish(&log, 1).unwrap();
    // The reserve and the next segment are made in the background; then somebody takes all the rest.
    while crate::log::segment::reserve_for_tests(&disk) < SEGMENT {
        std::thread::yield_now();
    }
    disk.set_capacity(0);
    let mut recorded = 0_u64;
    let refused = loop {
        match run(log.record(vec![state(10, &(1..200).collect::<Vec<u64>>())])) {
            Ok(()) => recorded += 1,
            Err(error) => break error,
        }
        assert!(recorded < 1_000, "the reserve never ended");
    };
    assert_eq!(refused, AppendError::StorageFull);
    assert!(recorded * 1_600 > SEGMENT, "{recorded}");
    assert!(log.is_reserve_used_up() && !log.has_failed());
    assert_eq!(publish(&log, 2), Err(AppendError::StorageFull));
    disk.set_capacity(1 << 30);
    look_again(&log);
    publish(&log, 2).unwrap();
    run(log.record(vec![state(10, &[1])])).unwrap();
    assert!(!log.is_reserve_used_up());
    drop(log);
    let log = open(&disk);
    assert_eq!(keys(&log), [1, 2]);
    let mut states = 0_u64;
    log.for_each_state(&mut |_| states += 1).unwrap();
    assert_eq!(states, recorded + 1);
}
