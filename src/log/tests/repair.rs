//! A repaired log opens, has every event that could be read, and tells of every one that is lost.

use super::support::{DIR, event, open, run, segment, state, try_open};
use crate::log::files::simulated::{Fault, Simulated};
use crate::log::format::frame::FrameHeader;
use crate::log::repair::repair_with;
use crate::log::survey::{Scope, survey};
use crate::log::verify::verify_with;
use crate::log::{
    BusId, FrameKind, Log, LogError, RepairReport, RouteId, StateKind, StoredEvent, VerifyReport, snapshot,
    supers,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

const BUSES: [BusId; 3] = [BusId(1), BusId(2), BusId(3)];
const SIZE: u64 = 64 << 10;

/// A bus from its first to its next sequence: what can be read, and what is lost.
type Contents = BTreeMap<(BusId, u64), StoredEvent>;

/// Three openings, four segments, two busy buses and one that falls silent, closed in order.
fn busy() -> Simulated {
    busy_with(false)
}

fn busy_with(snapshots: bool) -> Simulated {
    let disk = Simulated::default();
    for opening in 0..3 {
        let log = open(&disk);
        for key in opening * 8..opening * 8 + 8 {
            let bus = BUSES[key as usize % 2];
            let states = vec![state(4, &[key])];
            let events = vec![event(2 * key, 4_000), event(2 * key + 1, 4_000)];
            run(log.append(bus, events, states)).unwrap();
            if opening == 1 && key < 10 {
                run(log.append(BUSES[2], vec![event(1_000 + key, 500)], Vec::new())).unwrap();
            }
            let place = *log.checkpoints().borrow();
            if let Some(place) = place.filter(|_| snapshots) {
                log.save_snapshot(place, Bytes::from_static(b"state")).unwrap();
            }
        }
        log.close().unwrap();
    }
    disk
}

fn verified(disk: &Simulated) -> VerifyReport {
    verify_with(disk, DIR.as_ref(), false, &mut |_, _| {}).unwrap()
}

fn repaired(disk: &Simulated) -> Result<RepairReport, LogError> {
    repair_with(disk, DIR.as_ref(), &mut |_, _| {})
}

fn frames(disk: &Simulated) -> Vec<FrameHeader> {
    let slots = supers::read(disk, DIR.as_ref()).unwrap();
    let scope = Scope {
        slots: &slots,
        slot: slots.newest.unwrap(),
        write: false,
        from: None,
    };
    let mut frames = Vec::new();
    survey(disk, DIR.as_ref(), &scope, &mut |header, _| frames.push(*header)).unwrap();
    frames
}

fn flip(disk: &Simulated, position: u64) {
    let base = position / SIZE * SIZE;
    let mut bytes = disk.content(&segment(base));
    bytes[(position - base) as usize] ^= 0x20;
    disk.set_content(&segment(base), bytes);
}

/// Reads a log as a careful reader does: events, and the gaps it is told of.
fn contents(log: &Log) -> (Contents, BTreeMap<BusId, Vec<Range<u64>>>) {
    let (mut events, mut gaps) = (Contents::new(), BTreeMap::<_, Vec<_>>::new());
    for bus in BUSES {
        let mut from = log.sequences(bus).unwrap().start;
        loop {
            match log.read(bus, from, 3, usize::MAX) {
                Ok(read) if read.is_empty() => break,
                Ok(read) => {
                    for event in read {
                        assert_eq!(event.sequence, from, "bus {bus} goes on without a word");
                        from += 1;
                        events.insert((bus, event.sequence), event);
                    }
                }
                Err(LogError::Gap { sequences, .. }) => {
                    assert!(
                        sequences.start == from && sequences.end > from,
                        "{sequences:?} at {from}"
                    );
                    from = sequences.end;
                    gaps.entry(bus).or_default().push(sequences);
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(from, log.next_sequence(bus));
    }
    (events, gaps)
}

/// Checks a repaired log against what it was; what is lost is `lost`, as far as that is known.
fn check(disk: &Simulated, was: &Contents, lost: Option<&[(BusId, u64)]>) {
    let report = verified(disk);
    assert_eq!(
        (&report.damage, &report.stale_indexes),
        (&Vec::new(), &Vec::new())
    );
    for bus in report.buses.values() {
        assert_eq!((bus.unaccounted(), &bus.missing), (0, &Vec::new()));
    }
    let (log, _) = try_open(disk).unwrap();
    let (now, gaps) = contents(&log);
    for (place, event) in &now {
        assert_eq!(Some(event), was.get(place), "another event");
        assert_eq!(log.event(place.0, place.1).unwrap().as_ref(), Some(event));
    }
    let missing: Vec<_> = was
        .keys()
        .filter(|place| !now.contains_key(place))
        .copied()
        .collect();
    for (bus, sequence) in &missing {
        match log.event(*bus, *sequence) {
            Err(LogError::Gap { sequences, .. }) => assert!(sequences.contains(sequence), "{sequences:?}"),
            other => panic!("event {sequence} of bus {bus}: {other:?}"),
        }
    }
    if let Some(lost) = lost {
        assert_eq!(missing, lost);
    }
    for bus in BUSES {
        let gaps = gaps.get(&bus).cloned().unwrap_or_default();
        let known = report
            .buses
            .get(&bus)
            .map(|report| merged(&report.gaps))
            .unwrap_or_default();
        assert_eq!(gaps, known, "bus {bus}");
        // No sequence is given twice, and the log goes on.
        let before = was.keys().filter(|place| place.0 == bus).count() as u64;
        let next = log.next_sequence(bus);
        assert!(next > before, "bus {bus} would give {next} again");
        let key = 50_000 + u64::from(bus.0);
        let appended = run(log.append(bus, vec![event(key, 10)], Vec::new())).unwrap();
        assert_eq!(appended[0].sequence(), next);
    }
    log.close().unwrap();
    drop(log);
    assert_eq!(verified(disk).damage, []);
    let (log, _) = try_open(disk).unwrap();
    assert_eq!(contents(&log).0.len(), now.len() + BUSES.len());
}

/// Neighbouring gaps as one.
fn merged(gaps: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for gap in gaps {
        match merged.last_mut() {
            Some(last) if last.end == gap.start => last.end = gap.end,
            _ => merged.push(gap.clone()),
        }
    }
    merged
}

fn before(disk: &Simulated) -> Contents {
    let (log, _) = try_open(&disk.copy()).unwrap();
    contents(&log).0
}

#[test]
fn a_sound_log_is_left_alone() {
    let disk = busy();
    let before = disk.content(&segment(0));
    assert_eq!(repaired(&disk).unwrap(), RepairReport::default());
    assert_eq!(disk.content(&segment(0)), before);
}

#[test]
fn a_flip_in_any_frame_costs_that_frame_and_no_other() {
    let good = busy();
    let was = before(&good);
    let mut kinds = Vec::new();
    for frame in frames(&good) {
        // Magic, position, the header's last byte, and the middle and the end of the body.
        let len = frame.frame_len();
        for at in [0, 24, 79, 80 + (len - 80) / 2, len - 1] {
            let disk = good.copy();
            flip(&disk, frame.position + at.min(len - 1));
            let count = u64::from(frame.event_count);
            let lost: Vec<_> = (0..count)
                .map(|index| (frame.bus, frame.first_sequence + index))
                .collect();
            // The last mark bears witness of itself alone.
            if verified(&disk).damage.is_empty() {
                assert_eq!(frame.kind, FrameKind::Mark);
                continue;
            }
            let report = repaired(&disk).unwrap();
            assert_eq!(report.repaired.len(), 1, "{frame:?}");
            assert_eq!(disk.content(&report.quarantined[0]).len() as u64, len_of(&report));
            check(&disk, &was, Some(&lost));
        }
        kinds.push(frame.kind);
    }
    for kind in [FrameKind::Append, FrameKind::Mark, FrameKind::Seal] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
}

fn len_of(report: &RepairReport) -> u64 {
    let positions = &report.repaired[0].positions;
    positions.end - positions.start
}

type Break = (&'static str, fn(&Simulated));

/// Ways to break a log.
const BREAKS: [Break; 10] = [
    ("the header of the first segment", |disk| flip(disk, 12)),
    ("the header of a middle segment", |disk| flip(disk, SIZE + 30)),
    ("the header of the last segment", |disk| {
        flip(disk, 3 * SIZE + 4_000);
    }),
    ("a byte behind a seal", |disk| flip(disk, 2 * SIZE - 1)),
    ("the first segment missing", |disk| disk.remove(&segment(0))),
    ("a middle segment missing", |disk| disk.remove(&segment(SIZE))),
    ("two segments missing", |disk| {
        disk.remove(&segment(SIZE));
        disk.remove(&segment(2 * SIZE));
    }),
    ("the last segment missing", |disk| disk.remove(&segment(3 * SIZE))),
    ("a segment cut short", |disk| {
        let mut bytes = disk.content(&segment(SIZE));
        bytes.truncate(30_000);
        disk.set_content(&segment(SIZE), bytes);
    }),
    ("damage in three places", |disk| {
        flip(disk, 20_000);
        flip(disk, SIZE + 3);
        flip(disk, SIZE + 30_000);
        flip(disk, 2 * SIZE + 40_000);
    }),
];

#[test]
fn segments_are_made_whole_again() {
    let good = busy();
    let was = before(&good);
    for (what, damage) in BREAKS {
        let disk = good.copy();
        damage(&disk);
        assert!(try_open(&disk).is_err(), "{what}");
        repaired(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
        check(&disk, &was, None);
    }
    // Only a header: no event is lost.
    for position in [12, SIZE + 30, 2 * SIZE - 1] {
        let disk = good.copy();
        flip(&disk, position);
        repaired(&disk).unwrap();
        check(&disk, &was, Some(&[]));
    }
}

#[test]
fn a_repair_killed_anywhere_and_repeated_ends_in_a_sound_log() {
    let good = busy();
    let was = before(&good);
    for (seed, (what, damage)) in BREAKS.into_iter().enumerate() {
        let mut after = 0;
        loop {
            let disk = good.copy();
            damage(&disk);
            disk.inject(Fault::Death, after);
            if repaired(&disk).is_ok() {
                break;
            }
            disk.crash(seed as u64 * 10_000 + after);
            if let Err(error) = repaired(&disk) {
                panic!("{what}, killed after {after} operations: {error}");
            }
            check(&disk, &was, None);
            after += 1;
        }
        assert!(after > 20, "{what}: only {after} operations");
    }
}

#[test]
fn i2_no_sequence_is_given_twice_when_nobody_knows_what_was_lost() {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..3 {
        run(log.append(BUSES[0], vec![event(key, 900)], Vec::new())).unwrap();
    }
    log.close().unwrap();
    drop(log);
    let was = before(&disk);
    let last = frames(&disk)
        .into_iter()
        .rfind(|frame| frame.event_count > 0)
        .unwrap();
    flip(&disk, last.position + 50);
    let report = repaired(&disk).unwrap();
    let gap = report.repaired[0].missing[0].sequences.clone();
    assert!(gap.start == 3 && gap.end > 3, "{gap:?}");
    check(&disk, &was, Some(&[(BUSES[0], 3)]));
    let (log, _) = try_open(&disk).unwrap();
    let mut told = Vec::new();
    log.for_each_state(&mut |state| told.push(state.record)).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, told[0].route), (StateKind::Gap, RouteId(0)));
    assert_eq!(told[0].sequences, [gap.start, gap.end]);
}

#[test]
fn a_repaired_log_can_be_damaged_and_repaired_again() {
    let disk = busy();
    let was = before(&disk);
    for position in [20_000, 20_000 + SIZE, 20_000, 40_000] {
        flip(&disk, position);
        if !verified(&disk).damage.is_empty() {
            repaired(&disk).unwrap();
        }
        assert_eq!(verified(&disk).damage, []);
    }
    check(&disk, &was, None);
}

#[test]
fn an_index_that_is_not_what_its_segment_says_is_called_stale() {
    let disk = busy();
    drop(open(&disk));
    let path = segment(0).with_extension("idx");
    let (_, _) = try_open(&disk).unwrap();
    let good = disk.content(&path);
    assert_eq!(verified(&disk).stale_indexes, [] as [PathBuf; 0]);
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        disk.set_content(&path, bad);
        let report = verified(&disk);
        assert_eq!(
            (report.stale_indexes, report.damage),
            (vec![path.clone()], Vec::new()),
            "{at}"
        );
    }
}

#[test]
fn snapshots_stay_good_whatever_was_repaired_around_them() {
    let good = busy_with(true);
    let was = before(&good);
    let places = snapshot::list(&good, DIR.as_ref()).unwrap();
    assert_eq!(places, [2 * SIZE, 3 * SIZE]);
    for (what, damage) in BREAKS {
        for spared in places.iter().copied().map(Some).chain([None]) {
            let disk = good.copy();
            damage(&disk);
            repaired(&disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(verified(&disk).bad_snapshots, [] as [PathBuf; 0], "{what}");
            // Opened from each of them, and from none.
            for place in places.iter().filter(|place| Some(**place) != spared) {
                disk.remove(&snapshot::path(DIR.as_ref(), *place));
            }
            check(&disk, &was, None);
        }
    }
}

#[test]
fn what_a_silent_bus_has_lost_is_known_from_the_index_and_from_snapshots() {
    let good = busy_with(true);
    let was = before(&good);
    let silent = frames(&good)
        .into_iter()
        .rfind(|frame| frame.bus == BUSES[2])
        .unwrap();
    let index = segment(silent.position / SIZE * SIZE).with_extension("idx");
    for without_index in [false, true] {
        let disk = good.copy();
        if without_index {
            disk.remove(&index);
        }
        flip(&disk, silent.position);
        let report = repaired(&disk).unwrap();
        let sequences = silent.first_sequence..silent.first_sequence + 1;
        assert_eq!(report.repaired[0].missing[0].sequences, sequences);
        check(&disk, &was, Some(&[(BUSES[2], silent.first_sequence)]));
    }
}
