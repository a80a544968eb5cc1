//! On a real directory: the lock, `verify` and `inspect`.

use super::support::{BUS, NOW, clock, config, event, put, run};
use crate::log::{FrameKind, Log, LogConfig, LogError, inspect, verify};
use std::path::Path;

fn open(dir: &Path) -> Result<Log, LogError> {
    Log::open(
        LogConfig {
            dir: dir.to_owned(),
            ..config()
        },
        clock(NOW),
    )
    .map(|(log, _)| log)
}

#[test]
fn a_second_open_of_a_directory_is_refused_and_names_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let refused = open(dir.path()).err().unwrap();
    let pid = std::process::id();
    assert!(
        matches!(refused, LogError::InUse { pid: Some(holder), .. } if holder == pid),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .ends_with(&format!("is in use by process {pid}"))
    );
    drop(log);
    open(dir.path()).unwrap();
}

#[test]
fn an_event_survives_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let uuid = log.uuid();
    (0..10).for_each(|key| assert_eq!(put(&log, key, 10_000), key + 1));
    log.close().unwrap();
    drop(log);
    let log = open(dir.path()).unwrap();
    assert_eq!((log.uuid(), log.sequences(BUS).unwrap()), (uuid, 1..11));
    assert_eq!(log.event(BUS, 4).unwrap().unwrap().data, event(3, 10_000).data);
}

#[test]
fn verify_beside_a_writer_reads_what_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut key = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                run(log.append(BUS, vec![event(key, 700)], Vec::new())).unwrap();
                key += 1;
            }
        });
        for _ in 0..20 {
            let acknowledged = log.sequences(BUS).unwrap().end - 1;
            let report = verify(dir.path(), &mut |_, _| {}).unwrap();
            assert!(report.in_use);
            assert_eq!(report.damage, []);
            assert!(report.events >= acknowledged);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    log.close().unwrap();
    drop(log);
    let report = verify(dir.path(), &mut |_, _| {}).unwrap();
    assert_eq!(
        (report.in_use, report.damage, report.torn_bytes),
        (false, Vec::new(), 0)
    );
}

#[test]
fn inspect_lists_every_frame_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    put(&log, 1, 10);
    run(log.append(
        BUS,
        vec![event(2, 1), event(3, 1)],
        vec![super::support::state(1, &[1])],
    ))
    .unwrap();
    log.close().unwrap();
    drop(log);
    let mut frames = Vec::new();
    let report = inspect(dir.path(), &mut |_, _| {}, &mut |frame| frames.push(frame)).unwrap();
    assert!(report.clean);
    assert_eq!((report.end, report.open), (report.watermark, 1));
    let appends: Vec<_> = frames
        .iter()
        .filter(|frame| frame.kind == FrameKind::Append)
        .collect();
    assert_eq!(
        appends
            .iter()
            .map(|frame| frame.first_sequence)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!((appends[1].events, appends[1].states), (2, 1));
    assert_eq!(frames.last().unwrap().kind, FrameKind::Mark);
    assert!(
        frames
            .windows(2)
            .all(|pair| pair[0].position + pair[0].len == pair[1].position)
    );
}
