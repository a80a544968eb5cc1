//! The format of each released version, held by a log directory that it wrote.
//!
//! `GOLDEN=write cargo test --lib golden` writes the files of a new version; those of a released
//! one never change again.

use super::support::{clock, config, data};
use crate::log::files::Disk;
use crate::log::format::frame::FrameHeader;
use crate::log::format::segment::SegmentHeader;
use crate::log::format::slot::{SLOT_LEN, Slot};
use crate::log::format::{FRAME_HEADER_LEN, SEGMENT_HEADER_BYTES, VERSION, body};
use crate::log::index::PAGE_LEN;
use crate::log::snapshot::Snapshot;
use crate::log::{
    BusId, Cause, DedupKey, Log, LogConfig, LogError, NewEvent, Retention, RouteId, StateKind, StateRecord,
    StoredEvent, repair, verify,
};
use bytes::Bytes;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const START: i64 = 1_700_000_000_000;
const DAY: i64 = 24 * 3_600_000;
/// The kinds that version 1 was released with.
const KINDS: [StateKind; 9] = [
    StateKind::Progress,
    StateKind::Attempt,
    StateKind::Retry,
    StateKind::Held,
    StateKind::Dead,
    StateKind::Dropped,
    StateKind::Redriven,
    StateKind::Subscription,
    StateKind::Job,
];

fn golden(version: u8) -> PathBuf {
    let name = format!("tests/golden/log-v{version}");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn open(dir: &Path, now: i64) -> Log {
    let config = LogConfig {
        dir: dir.to_owned(),
        dedup_window: Duration::from_secs(1),
        // By this, and not by their size, segments are sealed: marks come when time passes.
        max_index_entries: 60,
        ..config()
    };
    Log::open(config, clock(now)).unwrap().0
}

fn event(key: u64) -> NewEvent {
    NewEvent {
        key: DedupKey(u128::from(key) << 70 | 5),
        generation: key / 2,
        hops: u8::try_from(key % 3).unwrap(),
        cause: key.is_multiple_of(4).then_some(Cause {
            route: RouteId(1 << 40),
            sequence: key,
        }),
        routes: (0..key % 5).map(|n| RouteId(1 + n * 1_000)).collect(),
        attributes: Bytes::from(format!("attributes of {key}")),
        data: data(key, usize::try_from(key % 7 * 900).unwrap()),
    }
}

fn state(kind: StateKind, route: u64, bus: u32, sequences: &[u64]) -> StateRecord {
    StateRecord {
        kind,
        route: RouteId(route),
        bus: BusId(bus),
        epoch: 2,
        sequences: sequences.to_vec(),
        payload: Bytes::from(format!("{kind:?} of route {route}")),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    super::support::run(future)
}

/// Writes a log that has everything: several segments and buses, all kinds of frames and records,
/// indexes, two snapshots, a beginning that was given up, a gap, and a log of dead letters.
fn write(dir: &Path) {
    let log = open(dir, START);
    let opened = vec![
        state(StateKind::BusOpened, 0, 1, &[]),
        state(StateKind::BusOpened, 0, 2, &[]),
        state(StateKind::RouteOpened, 1, 1, &[]),
        state(StateKind::RouteOpened, 1_001, 2, &[]),
        state(StateKind::RouteClosed, 1_001, 2, &[]),
    ];
    run(log.record(opened)).unwrap();
    let mut checkpoints = log.checkpoints();
    checkpoints.mark_unchanged();
    for key in 1..40 {
        let bus = BusId(1 + u32::try_from(key % 8 / 7).unwrap());
        let kind = KINDS[usize::try_from(key).unwrap() % KINDS.len()];
        let states = vec![state(kind, 1 + key % 2 * 1_000, bus.0, &[key, key + 1])];
        run(log.append(bus, vec![event(key), event(key + 1_000)], states)).unwrap();
        if checkpoints.has_changed().unwrap() {
            let checkpoint = checkpoints.borrow_and_update().unwrap();
            log.save_snapshot(checkpoint, Bytes::from(format!("state at {key}")))
                .unwrap();
        }
    }
    close(&log);
    drop(log);
    lose(dir, b"attributes of 30");
    repair(dir, &mut |_, _| {}).unwrap();
    let log = open(dir, START + 10 * DAY);
    let all = Retention {
        age: Duration::from_hours(24),
        size: None,
        hard_limit: Some(1),
    };
    while let Some(expired) = log.expired(&all).unwrap() {
        log.trim(expired.until).unwrap();
    }
    run(log.append(BusId(1), vec![event(5_000)], Vec::new())).unwrap();
    close(&log);
    drop(log);

    let letters = open(&dir.join("dead"), START + DAY);
    for key in [3, 4] {
        let letter = vec![state(StateKind::Dead, 1, 1, &[key])];
        run(letters.append(BusId(1), vec![event(key)], letter)).unwrap();
    }
    close(&letters);
    drop(letters);
    for dir in [dir, &dir.join("dead")] {
        fs::remove_file(dir.join("LOCK")).unwrap();
        for prepared in ["next.prepared", "reserve.prepared"] {
            // Made in the background, as far as it came.
            fs::remove_file(dir.join("log").join(prepared)).unwrap_or_default();
        }
    }
}

/// Closes a log in order, all indexes on disk.
fn close(log: &Log) {
    let parts = std::sync::Arc::clone(log.inner.shared.index.read().sealed());
    for part in parts.iter() {
        part.ready().unwrap();
        part.store();
    }
    log.close().unwrap();
}

/// Flips a bit in the one place that holds these bytes.
fn lose(dir: &Path, needle: &[u8]) {
    for path in files(&dir.join("log"), "seg") {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(needle.len()).position(|bytes| bytes == needle) {
            bytes[at] ^= 1;
            return fs::write(path, bytes).unwrap();
        }
    }
    panic!("nothing to lose");
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    found.sort();
    found
}

/// Everything that a log says, in words.
fn said(log: &Log) -> String {
    let mut out = String::new();
    let named = log.routes();
    writeln!(out, "{named:?}").unwrap();
    for bus in 1..=2 {
        let bus = BusId(bus);
        let kept = log.sequences(bus).unwrap();
        writeln!(out, "bus {bus}: {kept:?}").unwrap();
        let mut next = kept.start;
        while next < kept.end {
            match log.event(bus, next) {
                Ok(Some(event)) => {
                    let crc = crc32c::crc32c(&event.data);
                    let StoredEvent {
                        sequence,
                        time_ms,
                        key,
                        generation,
                        hops,
                        cause,
                        routes,
                        attributes,
                        ..
                    } = event;
                    writeln!(
                        out,
                        "{sequence} at {time_ms}: {key:?} {generation} {hops} {cause:?} {routes:?} {attributes:?} {crc:08x}"
                    )
                    .unwrap();
                    assert!(log.keyed(bus, key).unwrap().contains(&sequence));
                    next += 1;
                }
                Err(LogError::Gap { sequences, .. }) => {
                    writeln!(out, "gap {sequences:?}").unwrap();
                    next = sequences.end;
                }
                other => panic!("bus {bus} event {next}: {other:?}"),
            }
        }
    }
    for route in [1, 1_001, 2_001, 3_001] {
        let events = log.route_events(RouteId(route), 0, 10_000).unwrap();
        writeln!(
            out,
            "route {route}, {:?}: {events:?}",
            log.opened_route(RouteId(route))
        )
        .unwrap();
    }
    log.for_each_state(&mut |state| writeln!(out, "{state:?}").unwrap())
        .unwrap();
    let snapshot = log.snapshot().unwrap().map(|(_, state)| state);
    writeln!(out, "snapshot {snapshot:?}").unwrap();
    out
}

/// What both logs of a directory say once they are opened.
fn both_say(dir: &Path) -> String {
    let [events, letters] = [dir.to_owned(), dir.join("dead")].map(|dir| said(&open(&dir, START + 20 * DAY)));
    format!("events\n{events}letters\n{letters}")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &name);
        } else {
            fs::copy(path, name).unwrap();
        }
    }
}

#[test]
fn a_log_of_version_1_opens_and_says_what_it_said() {
    let golden = golden(1);
    let place = tempfile::tempdir().unwrap();
    if std::env::var("GOLDEN").is_ok_and(|order| order == "write") {
        fs::remove_dir_all(&golden).unwrap_or_default();
        write(&golden);
        copy(&golden, place.path());
        fs::write(golden.join("said.txt"), both_say(place.path())).unwrap();
        write_corpus(&golden);
        return;
    }
    copy(&golden, place.path());
    let expected = fs::read_to_string(golden.join("said.txt")).unwrap();
    for dir in [place.path().to_owned(), place.path().join("dead")] {
        // Nobody has opened it here.
        fs::write(dir.join("LOCK"), "").unwrap();
        let report = verify(&dir, &mut |_, _| {}).unwrap();
        assert_eq!(
            (report.damage, report.stale_indexes, report.bad_snapshots),
            (vec![], vec![], vec![])
        );
        assert!(report.buses.values().all(|bus| bus.unaccounted() == 0));
    }
    assert_eq!(both_say(place.path()), expected);
    assert_eq!(both_say(place.path()), expected, "opened again");
}

#[test]
fn what_writes_version_1_writes_a_log_that_says_the_same() {
    assert_eq!(VERSION, 1, "a new version needs golden files of its own");
    let place = tempfile::tempdir().unwrap();
    write(place.path());
    let expected = fs::read_to_string(golden(1).join("said.txt")).unwrap();
    assert_eq!(both_say(place.path()), expected);
}

#[test]
fn version_1_is_written_byte_by_byte_as_it_is_read() {
    let dir = golden(1);
    for dir in [dir.clone(), dir.join("dead")] {
        for slot in ["super.a", "super.b"].map(|name| fs::read(dir.join(name)).unwrap()) {
            assert_eq!(slot.len(), SLOT_LEN);
            assert_eq!(Slot::decode(&slot).unwrap().encode(), slot);
        }
        let slot = crate::log::supers::read(&Disk, &dir).unwrap().newest.unwrap();
        for path in files(&dir.join("log"), "seg") {
            let bytes = fs::read(&path).unwrap();
            let (head, frames) = bytes.split_at(SEGMENT_HEADER_BYTES);
            assert!(SegmentHeader::decode(head).ok().unwrap().encode()[..] == *head);
            assert!(frames_again(frames) > 0, "{}", path.display());
        }
        for path in fs::read_dir(dir.join("snapshots")).into_iter().flatten() {
            let bytes = Bytes::from(fs::read(path.unwrap().path()).unwrap());
            assert_eq!(
                Snapshot::decode(&bytes, slot.uuid).unwrap().encode(slot.uuid),
                bytes
            );
        }
    }
}

/// What fuzzing begins with: one of everything that the golden files hold.
fn write_corpus(golden: &Path) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let seed = |target: &str, bytes: &[u8]| fs::write(corpus.join(target).join("seed"), bytes).unwrap();
    let first = |folder: &str, extension: &str| fs::read(&files(&golden.join(folder), extension)[0]).unwrap();
    let segment = first("log", "seg");
    let frames = &segment[SEGMENT_HEADER_BYTES..];
    let header = FrameHeader::decode(frames.first_chunk().unwrap()).unwrap();
    let body = &frames[FRAME_HEADER_LEN..][..header.body_len as usize];
    let counts = [
        u8::try_from(header.event_count).unwrap(),
        u8::try_from(header.record_count).unwrap(),
        0,
        0,
    ];
    seed("frame", &[&counts, body].concat());
    let place = body::place(&header, body, 0).unwrap();
    seed("record", &body[place.start..place.end]);
    // The targets read files of the log without a number, at the beginning.
    let mut index = first("log", "idx");
    let footer = index.len() - PAGE_LEN;
    index[footer + 12..footer + 36].fill(0);
    seed("index", &index);
    let mut snapshot = first("snapshots", "snap");
    snapshot[12..28].fill(0);
    seed("snapshot", &snapshot[..snapshot.len() - 4]);
    seed("slot", &fs::read(golden.join("super.a")).unwrap());
}

/// Reads and writes each frame of a segment; how many there are.
fn frames_again(mut frames: &[u8]) -> usize {
    let mut count = 0;
    while let Some(Ok(header)) = frames.first_chunk().map(FrameHeader::decode) {
        assert_eq!(header.encode(), frames[..FRAME_HEADER_LEN]);
        let (frame, behind) = frames.split_at(usize::try_from(header.frame_len()).unwrap());
        let body = Bytes::copy_from_slice(&frame[FRAME_HEADER_LEN..]);
        let records = body::decode(&header, &body).unwrap();
        let events: Vec<_> = (header.first_sequence..)
            .zip(records.events)
            .map(|(sequence, event)| event.stored(&body, sequence, header.append_time))
            .collect();
        let states = records
            .states
            .iter()
            .map(|state| state.stored(&body, header.append_time).record);
        if header.record_count > 0 {
            assert!(
                body::encode(&events, &states.collect::<Vec<_>>()) == body,
                "{header:?}"
            );
        }
        (frames, count) = (behind, count + 1);
    }
    count
}
