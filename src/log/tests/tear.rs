//! The end of the log after a crash: whole frames, nothing stale, and it goes on.

use super::support::{BUS, DIR, all, end, event, keys, open, put, run, segment, state, try_open};
use crate::log::StoredEvent;
use crate::log::event::NewEvent;
use crate::log::files::simulated::Simulated;
use crate::log::format::body;
use crate::log::format::frame::{FrameHeader, FrameKind};
use crate::log::supers;

/// A disk with two events closed in order, then three appends of another opening without a witness:
/// the disk, where the unwitnessed part begins, and where its frames end.
fn log_with_tail() -> (Simulated, u64, Vec<u64>) {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 20);
    put(&log, 2, 20);
    log.close().unwrap();
    drop(log);
    let log = open(&disk);
    let start = end(&disk);
    let mut ends = Vec::new();
    put(&log, 3, 5);
    ends.push(end(&disk));
    run(log.append(BUS, vec![event(4, 1), event(5, 2)], vec![state(1, &[3])])).unwrap();
    ends.push(end(&disk));
    put(&log, 6, 9);
    ends.push(end(&disk));
    disk.kill();
    (disk, start, ends)
}

/// What must be found: the events of the frames that are still what they were.
fn survivors(ends: &[u64], whole: &[u8], torn: &[u8]) -> Vec<u64> {
    let intact = |end: &&u64| torn.get(..**end as usize) == whole.get(..**end as usize);
    let frames = ends.iter().take_while(intact).count();
    [1, 2, 3, 4, 5, 6][..[2, 3, 5, 6][frames]].to_vec()
}

fn torn_at_every_byte(tear: impl Fn(&mut Vec<u8>, usize)) {
    let (disk, start, ends) = log_with_tail();
    let whole = disk.content(&segment(0));
    for cut in start..=ends[2] {
        let disk = disk.copy();
        let mut torn = whole.clone();
        tear(&mut torn, cut as usize);
        let expected = survivors(&ends, &whole, &torn);
        disk.set_content(&segment(0), torn);
        let log = open(&disk);
        assert_eq!(keys(&log), expected, "cut at {cut}");
        disk.kill();
        drop(log);

        let (log, again) = try_open(&disk).unwrap();
        assert_eq!(keys(&log), expected, "cut at {cut}, opened twice");
        assert_eq!(again.torn_bytes, 0);
        assert_eq!(put(&log, 7, 3), expected.len() as u64 + 1);
        disk.kill();
        drop(log);
        disk.crash(cut);

        let log = open(&disk);
        assert_eq!(
            keys(&log),
            [&expected[..], &[7]].concat(),
            "cut at {cut}, appended after"
        );
    }
}

#[test]
fn f51_i7_i8_a_log_truncated_at_any_byte_of_its_unsynced_end_keeps_the_whole_frames_before() {
    torn_at_every_byte(Vec::truncate);
}

#[test]
fn f51_i7_i8_a_log_zeroed_from_any_byte_of_its_unsynced_end_keeps_the_whole_frames_before() {
    torn_at_every_byte(|bytes, cut| bytes[cut..].fill(0));
}

#[test]
fn i4_a_batch_torn_in_the_middle_is_gone_as_a_whole() {
    let (disk, _, ends) = log_with_tail();
    let mut torn = disk.content(&segment(0));
    torn[ends[1] as usize - 100..].fill(0);
    disk.set_content(&segment(0), torn);
    let log = open(&disk);
    assert_eq!(keys(&log), [1, 2, 3]);
    let mut states = 0;
    log.for_each_state(&mut |_| states += 1).unwrap();
    assert_eq!(states, 0, "its state record went with it");
}

/// A frame as the current opening of the log on `disk` would have written it at `position`.
fn frame(disk: &Simulated, position: u64, watermark: u64, sequence: u64, event: NewEvent) -> Vec<u8> {
    let slot = supers::read(disk, DIR.as_ref()).unwrap().newest.unwrap();
    let body = body::encode(&[StoredEvent::from(event)], &[]);
    let header = FrameHeader {
        kind: FrameKind::Append,
        event_count: 1,
        bus: BUS,
        record_count: 1,
        body_len: body.len() as u32,
        position,
        open: slot.open,
        salt: slot.salt,
        watermark,
        first_sequence: sequence,
        append_time: super::support::NOW,
        body_crc: crc32c::crc32c(&body),
    };
    [header.encode().to_vec(), body].concat()
}

/// One group of three frames whose first was lost while the others reached the disk.
fn group_without_its_first_frame() -> (Simulated, u64) {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 20);
    log.close().unwrap();
    drop(log);
    let log = open(&disk);
    disk.kill();
    drop(log);
    let start = end(&disk);
    let mut bytes = disk.content(&segment(0));
    let mut at = start;
    for key in 0..3 {
        let frame = frame(&disk, at, start, 2 + key, event(50 + key, 64));
        bytes[at as usize..at as usize + frame.len()].copy_from_slice(&frame);
        at += frame.len() as u64;
    }
    bytes[start as usize..start as usize + 40].fill(0);
    disk.set_content(&segment(0), bytes);
    (disk, start)
}

#[test]
fn i9_frames_behind_a_torn_one_never_resurface() {
    let (disk, start) = group_without_its_first_frame();
    let (log, recovery) = try_open(&disk).unwrap();
    assert!(recovery.torn_bytes > 200);
    assert_eq!(keys(&log), [1]);
    let rest = &disk.content(&segment(0))[start as usize..];
    assert!(rest.iter().all(|byte| *byte == 0), "stale bytes behind the end");
    // An event of the same length ends exactly where the second stale frame began.
    put(&log, 60, 64);
    disk.kill();
    drop(log);
    assert_eq!(keys(&open(&disk)), [1, 60]);
}

#[test]
fn i7_recovery_killed_at_any_step_recovers_to_the_same_log() {
    for step in 0..60 {
        let (disk, _) = group_without_its_first_frame();
        disk.inject(crate::log::files::simulated::Fault::Death, step);
        drop(try_open(&disk));
        disk.crash(step);
        let log = open(&disk);
        assert_eq!(keys(&log), [1], "killed at step {step}");
        assert_eq!(all(&log, BUS)[0].sequence, 1);
        assert_eq!(put(&log, 60, 64), 2);
    }
}

#[test]
fn a_kind_of_state_that_this_version_does_not_know_is_refused_and_not_taken_for_damage() {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 20);
    log.close().unwrap();
    drop(log);
    let log = open(&disk);
    disk.kill();
    drop(log);
    let at = end(&disk);
    let slot = supers::read(&disk, DIR.as_ref()).unwrap().newest.unwrap();
    let mut body = body::encode(&[], &[state(1, &[1])]);
    // Behind the table of one entry and the head of the record.
    body[8 + 16] = 200;
    let crc = crc32c::crc32c(&body[8..]).to_le_bytes();
    body[4..8].copy_from_slice(&crc);
    let header = FrameHeader {
        kind: FrameKind::Append,
        event_count: 0,
        bus: crate::log::BusId(0),
        record_count: 1,
        body_len: body.len() as u32,
        position: at,
        open: slot.open,
        salt: slot.salt,
        watermark: at,
        first_sequence: 0,
        append_time: super::support::NOW,
        body_crc: crc32c::crc32c(&body),
    };
    let mut bytes = disk.content(&segment(0));
    let frame = [header.encode().to_vec(), body].concat();
    bytes[at as usize..at as usize + frame.len()].copy_from_slice(&frame);
    disk.set_content(&segment(0), bytes.clone());
    let refused = try_open(&disk).err().unwrap();
    let what = "kind of state record";
    assert!(
        matches!(refused, crate::log::LogError::Unsupported { what: found, .. } if found == what),
        "{refused}"
    );
    assert_eq!(disk.content(&segment(0)), bytes, "nothing was changed");
}

#[test]
fn i5_on_a_log_that_was_killed_only_damage_to_its_last_group_may_read_as_a_tear() {
    let (disk, _, ends) = log_with_tail();
    let good = disk.content(&segment(0));
    let (last_group, end) = (ends[1] as usize, ends[2] as usize);
    for at in 0..end {
        let disk = disk.copy();
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        disk.set_content(&segment(0), bad);
        match try_open(&disk) {
            Ok((log, _)) => {
                assert!(at >= last_group, "a flip at {at} was not noticed");
                assert_eq!(keys(&log), [1, 2, 3, 4, 5], "a flip at {at}");
            }
            Err(error) => assert!(
                matches!(error, crate::log::LogError::Corrupt { .. }),
                "a flip at {at}: {error}"
            ),
        }
    }
}

#[test]
fn i5_a_witness_behind_a_bad_frame_makes_it_damage_and_not_a_tear() {
    let (disk, start, ends) = log_with_tail();
    let mut bytes = disk.content(&segment(0));
    bytes[start as usize + 90] ^= 1;
    disk.set_content(&segment(0), bytes.clone());
    let error = try_open(&disk).err().unwrap();
    let crate::log::LogError::Corrupt { damage } = error else {
        panic!("{error}")
    };
    assert_eq!(damage[0].positions, start..ends[0]);
    assert_eq!(damage[0].missing[0].sequences, 3..4);
    assert_eq!(disk.content(&segment(0)), bytes, "nothing was changed");
}
