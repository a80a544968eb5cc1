//! After a failed write or sync nothing is claimed that is not so.

use super::support::{BUS, event, keys, open, put, run};
use crate::log::files::simulated::{Fault, Simulated};
use crate::log::{AppendError, LogError};

fn poisoned_by(fault: Fault) {
    for after in 0..4 {
        let disk = Simulated::default();
        let log = open(&disk);
        put(&log, 0, 1);
        disk.inject(fault, after);
        let mut acknowledged = vec![0];
        let mut error = None;
        for key in 1..60 {
            if key % 20 == 0 {
                // What prepares the next segment may have taken the fault, which harms nobody.
                disk.inject(fault, after);
            }
            match run(log.append(BUS, vec![event(key, 100)], Vec::new())) {
                Ok(_) => acknowledged.push(key),
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            }
        }
        assert!(
            matches!(error, Some(AppendError::OutcomeUnknown | AppendError::Poisoned)),
            "{error:?}"
        );
        assert_eq!(
            run(log.append(BUS, vec![event(99, 1)], Vec::new())),
            Err(AppendError::Poisoned)
        );
        assert!(matches!(*run(log.failed()), LogError::Io { .. }));
        assert_eq!(
            keys(&log),
            acknowledged,
            "nothing that is not durable is readable"
        );
        assert!(matches!(log.close(), Err(LogError::Poisoned)));
        drop(log);
        disk.crash(after);
        let log = open(&disk);
        let found = keys(&log);
        assert!(
            found.starts_with(&acknowledged),
            "{found:?} lacks some of {acknowledged:?}"
        );
        put(&log, 200, 1);
    }
}

#[test]
fn f24_i1_a_failed_sync_poisons_the_log_and_keeps_every_acknowledged_event() {
    poisoned_by(Fault::Sync);
}

#[test]
fn i1_a_failed_write_poisons_the_log_and_keeps_every_acknowledged_event() {
    poisoned_by(Fault::Write);
}

#[test]
fn a_copy_of_an_append_of_unknown_outcome_shares_that_outcome() {
    let disk = Simulated::default();
    let log = open(&disk);
    disk.inject(Fault::Death, 0);
    let (first, copy) = run(async {
        let append = || log.append(BUS, vec![event(1, 1)], Vec::new());
        tokio::join!(append(), append())
    });
    assert_eq!(first, Err(AppendError::OutcomeUnknown));
    // A copy that comes when the log has failed already is refused.
    assert!(
        matches!(copy, Err(AppendError::OutcomeUnknown | AppendError::Poisoned)),
        "{copy:?}"
    );
}

#[test]
fn i3_bytes_that_only_the_cache_had_are_written_again_before_they_are_served() {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 1);
    disk.inject(Fault::Sync, 0);
    // The mark may have taken the fault: then the append is refused, else its outcome is unknown.
    assert!(run(log.append(BUS, vec![event(2, 100)], Vec::new())).is_err());
    disk.kill();
    drop(log);
    // The process starts again on the same machine: the cache shows what the disk lacks.
    let log = open(&disk);
    let served = keys(&log);
    disk.crash(0);
    drop(log);
    assert_eq!(keys(&open(&disk)), served, "what a reader saw has disappeared");
}
