//! Damage to acknowledged data is refused by name; it never reads as a shorter log.

use super::support::{BUS, DIR, end, open, put, run, segment, state, try_open};
use crate::log::files::simulated::Simulated;
use crate::log::supers;
use crate::log::verify::verify_with;
use crate::log::{LogError, VerifyReport};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::path::Path;

fn verified(disk: &Simulated) -> VerifyReport {
    verify_with(disk, DIR.as_ref(), false, &mut |_, _| {}).unwrap()
}

/// A log of a few frames, closed in order.
fn small() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, 13);
    run(log.record(vec![state(4, &[1])])).unwrap();
    put(&log, 2, 100);
    log.close().unwrap();
    disk
}

/// A log of three segments, closed in order.
fn long() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..14 {
        put(&log, key, 10_000);
    }
    log.close().unwrap();
    disk
}

fn assert_refused(disk: &Simulated, what: &str) {
    let report = verified(disk);
    assert!(!report.damage.is_empty(), "verify did not see {what}");
    match try_open(disk) {
        Err(LogError::Corrupt { damage }) => assert_eq!(damage, report.damage, "{what}"),
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("the log opened with {what}"),
    }
}

#[test]
fn f51_i5_every_flipped_bit_of_a_log_closed_in_order_is_found() {
    let disk = small();
    let good = disk.content(&segment(0));
    assert_eq!(verified(&disk).damage, []);
    for at in 0..end(&disk) as usize {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        disk.set_content(&segment(0), bad);
        assert_refused(&disk, &format!("a flip at {at}"));
    }
    disk.set_content(&segment(0), good);
    assert_eq!(open(&disk).sequences(BUS).unwrap(), 1..3);
}

#[test]
fn f51_i5_flips_in_every_segment_of_a_long_log_are_found_also_behind_the_seal() {
    let disk = long();
    let (size, end) = (64 << 10, end(&disk));
    for base in (0..end).step_by(size) {
        let good = disk.content(&segment(base));
        let used = (end - base).min(size as u64) as usize;
        for at in (0..used).step_by(509).chain([used - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            disk.set_content(&segment(base), bad);
            assert_refused(&disk, &format!("a flip at {at} of segment {base}"));
        }
        disk.set_content(&segment(base), good);
    }
    assert_eq!(open(&disk).sequences(BUS).unwrap(), 1..15);
}

/// A log of one segment that is full but for its seal, closed in order.
fn full() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..18 {
        put(&log, key, 3_200);
    }
    log.close().unwrap();
    assert_eq!(log.stats().segments, 1);
    disk
}

#[test]
fn f51_i5_a_random_flip_in_any_byte_of_a_full_segment_is_found() {
    let disk = full();
    let (good, end) = (disk.content(&segment(0)), end(&disk) as usize);
    assert!(end > 60_000, "{end}");
    let mut rng = StdRng::seed_from_u64(1);
    let mut bad = good.clone();
    for at in 0..end {
        bad[at] ^= 1 << rng.random_range(0..8);
        disk.set_content(&segment(0), bad.clone());
        assert!(!verified(&disk).damage.is_empty(), "a flip at {at}");
        bad[at] = good[at];
    }
}

#[test]
fn f51_i5_a_log_closed_in_order_and_then_truncated_at_any_length_is_refused() {
    let disk = small();
    let (good, end) = (disk.content(&segment(0)), end(&disk) as usize);
    for len in 0..end {
        disk.set_content(&segment(0), good[..len].to_vec());
        assert_refused(&disk, &format!("a file of {len} bytes"));
    }
    // Only zeros are missing behind the end: nothing is lost, and the file gets its size back.
    disk.set_content(&segment(0), good[..end].to_vec());
    assert_eq!(open(&disk).sequences(BUS).unwrap(), 1..3);
    assert_eq!(disk.content(&segment(0)).len(), 64 << 10);
}

#[test]
fn f51_i5_a_missing_segment_is_refused_wherever_it_was() {
    for base in [0, 64 << 10, 128 << 10] {
        let disk = long();
        disk.remove(&segment(base));
        assert_refused(&disk, &format!("segment {base} missing"));
        let report = verified(&disk);
        assert_eq!(report.damage[0].positions.start, base);
    }
}

#[test]
fn a_segment_without_its_seal_is_refused() {
    let disk = long();
    let mut bytes = disk.content(&segment(0));
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used - 79..].fill(0);
    disk.set_content(&segment(0), bytes);
    assert_refused(&disk, "the seal zeroed");
}

#[test]
fn a_segment_of_another_log_or_place_is_refused() {
    let (disk, other) = (long(), long());
    let second = segment(64 << 10);
    disk.set_content(&second, other.content(&second));
    assert!(matches!(try_open(&disk), Err(LogError::Foreign { .. })));

    let disk = long();
    disk.set_content(&second, disk.content(&segment(0)));
    assert!(matches!(try_open(&disk), Err(LogError::Foreign { .. })));

    let disk = long();
    disk.set_content(&Path::new(DIR).join("log/stray.seg"), vec![0; 10]);
    assert!(matches!(try_open(&disk), Err(LogError::Foreign { .. })));
}

#[test]
fn the_report_names_the_sequences_that_are_lost_and_goes_on_behind_them() {
    let disk = long();
    let mut bytes = disk.content(&segment(0));
    // The third frame: its header, so that only the frames around it tell what it held.
    let frame = 80 + 8 + (16 + 56 + 2 + "attributes of 2".len() + 10_000_usize).next_multiple_of(8);
    bytes[4096 + 2 * frame] ^= 1;
    disk.set_content(&segment(0), bytes);
    let report = verified(&disk);
    assert_eq!(report.damage.len(), 1);
    assert_eq!(report.damage[0].missing[0].sequences, 3..4);
    assert_eq!(report.events, 13);
    assert_eq!(report.buses[&BUS].sequences, 1..15);
    let text = try_open(&disk).err().unwrap().to_string();
    assert!(text.contains("bus 1 lacks sequences 3..4"), "{text}");
}

#[test]
fn one_damaged_super_slot_is_replaced_and_two_are_refused() {
    let disk = small();
    let names = ["super.a", "super.b"].map(|name| Path::new(DIR).join(name));
    let good = names.each_ref().map(|name| disk.content(name));
    for index in 0..2 {
        for at in 0..good[index].len() {
            let disk = disk.copy();
            let mut bad = good[index].clone();
            bad[at] ^= 4;
            disk.set_content(&names[index], bad);
            assert_eq!(verified(&disk).damaged_slots, 1);
            let (log, recovery) = try_open(&disk).unwrap();
            assert_eq!((recovery.damaged_slots, log.sequences(BUS).unwrap()), (1, 1..3));
            drop(log);
            assert_eq!(supers::read(&disk, DIR.as_ref()).unwrap().damaged, 0);
        }
    }
    for name in &names {
        disk.set_content(name, vec![7; 512]);
    }
    assert_refused(&disk, "both slots damaged");
    for name in &names {
        disk.remove(name);
    }
    assert!(
        matches!(try_open(&disk), Err(LogError::Corrupt { .. })),
        "both slots missing"
    );
}
