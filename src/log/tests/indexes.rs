//! Indexes are derived: what is lost or damaged is built again, the same.

use super::support::{BUS, DIR, all, event, open, run, state};
use crate::log::Appended;
use crate::log::files::Files as _;
use crate::log::files::simulated::Simulated;
use crate::log::{DedupKey, Log, RouteId};
use std::path::{Path, PathBuf};

/// Sealed segments of the log under test.
const SEALED: usize = 3;
const EVENTS: u64 = 40;

/// A log of several sealed segments, closed in order, all indexes on disk.
fn sealed() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..EVENTS {
        let states = vec![state(1 + key % 3, &[key + 1])];
        run(log.append(BUS, vec![event(key, 5000)], states)).unwrap();
    }
    assert!(log.stats().segments > SEALED);
    store(&log);
    log.close().unwrap();
    disk
}

/// Brings the index of every sealed segment to the disk, which a thread does in its own time.
fn store(log: &Log) {
    let index = log.inner.shared.index.read();
    for part in index.sealed().iter() {
        part.ready().unwrap();
        part.store();
    }
}

pub(super) fn index_files(disk: &Simulated) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(DIR).join("log");
    let mut names = disk.list(&folder).unwrap();
    names.retain(|name| Path::new(name).extension().is_some_and(|end| end == "idx"));
    names.sort_unstable();
    let paths = names.into_iter().map(|name| folder.join(name));
    paths.map(|path| (path.clone(), disk.content(&path))).collect()
}

/// Everything that is answered from indexes.
fn answers(log: &Log) -> String {
    let routes = [1, 2, 3, 10].map(RouteId);
    let events = routes.map(|route| log.route_events(route, 2, 1000).unwrap());
    let backlogs = routes.map(|route| log.route_backlog(route, 7).unwrap());
    let states: Vec<_> = (1..=EVENTS)
        .map(|sequence| log.route_states(RouteId(1), sequence).unwrap())
        .collect();
    let found: Vec<_> = (0..EVENTS + 5)
        .map(|key| log.keyed(BUS, DedupKey(key.into())).unwrap())
        .collect();
    let (stored, kept) = (all(log, BUS), log.sequences(BUS).unwrap());
    format!("{events:?} {backlogs:?} {states:?} {found:?} {kept:?} {stored:?}")
}

#[test]
fn i6_an_index_that_was_lost_is_built_again_with_the_same_bytes_and_answers() {
    let disk = sealed();
    let log = open(&disk);
    let expected = answers(&log);
    drop(log);
    let files = index_files(&disk);
    assert!(files.len() >= SEALED);
    for (path, _) in &files {
        disk.remove(path);
    }
    let log = open(&disk);
    assert_eq!(answers(&log), expected);
    store(&log);
    drop(log);
    for ((path, built), (_, first)) in index_files(&disk).iter().zip(&files) {
        let differs = built.iter().zip(first).position(|(a, b)| a != b);
        assert_eq!((differs, built.len()), (None, first.len()), "{}", path.display());
    }
    assert_eq!(index_files(&disk).len(), files.len());
}

#[test]
fn i6_no_damage_to_an_index_changes_an_answer() {
    let disk = sealed();
    let log = open(&disk);
    let expected = answers(&log);
    drop(log);
    let files = index_files(&disk);
    let (path, good) = &files[1];
    let flips = (0..good.len()).step_by(97).map(|at| {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        bad
    });
    let cuts = [0, 1, 4095, 4096, good.len() / 2, good.len() - 1].map(|len| good[..len].to_vec());
    for (turn, bad) in flips.chain(cuts).enumerate() {
        disk.set_content(path, bad);
        let log = open(&disk);
        assert_eq!(answers(&log), expected, "damage {turn}");
        store(&log);
        drop(log);
    }
    // What is damaged is found when it is read, and then replaced.
    disk.remove(path);
    drop(open(&disk));
    store(&open(&disk));
    assert!(&disk.content(path) == good, "it was built another way");
}

#[test]
fn f51_i6_an_index_ahead_of_its_segment_is_built_again() {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..3 {
        super::support::put(&log, key, 5_000);
    }
    disk.kill();
    drop(log);
    let early = disk.copy();
    let fill = |log: &Log, first: u64| {
        for key in first.. {
            super::support::put(log, key, 5_000);
            if log.stats().segments > 1 {
                return store(log);
            }
        }
    };
    fill(&open(&disk), 100);
    let (path, ahead) = index_files(&disk).remove(0);
    // The segment went another way than the index that lies beside it.
    early.set_content(&path, ahead.clone());
    let log = open(&early);
    fill(&log, 200);
    let found = log.keyed(BUS, DedupKey(200)).unwrap();
    assert_eq!((found, log.keyed(BUS, DedupKey(100)).unwrap()), (vec![4], vec![]));
    drop(log);
    let stored = early.content(&path);
    assert!(stored != ahead);
    early.remove(&path);
    store(&open(&early));
    assert!(early.content(&path) == stored);
}

#[test]
fn i11_duplicates_are_recognised_over_sealed_segments_and_restarts() {
    let disk = sealed();
    for turn in 0..3 {
        let log = open(&disk);
        for key in 0..EVENTS {
            let answer = run(log.append(BUS, vec![event(key, 1)], Vec::new()));
            assert_eq!(answer, Ok(vec![Appended::Duplicate(key + 1)]), "start {turn}");
        }
        let mixed = vec![event(3, 1), event(100 + turn, 1)];
        let fresh = Appended::Stored(EVENTS + 1 + turn);
        let answer = run(log.append(BUS, mixed, Vec::new()));
        assert_eq!(answer, Ok(vec![Appended::Duplicate(4), fresh]));
        disk.kill();
        drop(log);
        disk.crash(turn);
    }
    assert_eq!(open(&disk).sequences(BUS).unwrap(), 1..EVENTS + 4);
}

#[test]
fn i11_a_damaged_index_does_not_let_a_duplicate_in() {
    let disk = sealed();
    for (path, good) in index_files(&disk) {
        for at in (0..good.len()).step_by(1 + good.len() / 16) {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            disk.set_content(&path, bad);
            let log = open(&disk);
            let batch: Vec<_> = (0..EVENTS).map(|key| event(key, 1)).collect();
            let expected: Vec<_> = (1..=EVENTS).map(Appended::Duplicate).collect();
            assert_eq!(run(log.append(BUS, batch, Vec::new())), Ok(expected), "{at}");
        }
    }
}
