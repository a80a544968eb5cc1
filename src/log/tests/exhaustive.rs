//! Every power cut: after each operation of a short piece of work, with every combination of
//! what was under way.
//!
//! The invariants: I1 what was acknowledged is there, the same; I2 sequences are contiguous; I4 a
//! batch is there whole or not at all; I7 recovering twice, or after dying in between, equals
//! recovering once; I8 the log goes on; I9 what was dropped never comes back.

use super::retention::open_at;
use super::support::{BUS, DIR, all, config, data, end, event, open, put, run, segment, try_open};
use crate::log::files::crashes::Trace;
use crate::log::files::simulated::{Lie, Simulated};
use crate::log::{Log, Retention};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// Key of the event that is appended after a recovery.
const AFTERWARDS: u64 = 900;
/// Events of this size spread over three blocks.
const LARGE: usize = 9000;
/// Everything is to go that may.
const FORCED: Retention = Retention {
    age: Duration::from_hours(24),
    size: None,
    hard_limit: Some(1),
};

/// What was done to a log while it was recorded, and what was answered when.
struct Story {
    trace: Trace,
    /// Key to length, and how many operations were done when the answer came.
    events: BTreeMap<u64, (usize, Option<usize>)>,
    batches: Vec<Vec<u64>>,
    /// Keys in order, of what was acknowledged.
    order: Vec<u64>,
    /// First sequence that a trim kept, and how many operations were done when it returned.
    trims: Vec<(u64, usize)>,
}

impl Story {
    /// Begins with what is on the disk already; all of it is acknowledged.
    fn begin(disk: &Simulated, log: Option<&Log>) -> Self {
        let mut story = Self {
            trace: disk.record(),
            events: BTreeMap::new(),
            batches: Vec::new(),
            order: Vec::new(),
            trims: Vec::new(),
        };
        for event in log.map(|log| all(log, BUS)).unwrap_or_default() {
            let key = event.key.0 as u64;
            story.events.insert(key, (event.data.len(), Some(0)));
            story.order.push(key);
        }
        story
    }

    /// Appends batches that may share a group.
    fn append(&mut self, log: &Log, batches: &[&[u64]], len: usize) {
        let answers = run(async {
            let appends = batches.iter().map(|keys| {
                let events = keys.iter().map(|key| event(*key, len)).collect();
                log.append(BUS, events, Vec::new())
            });
            futures_util::future::join_all(appends).await
        });
        let mut given = Vec::new();
        for (answer, keys) in answers.into_iter().zip(batches) {
            let sequences = answer.unwrap().into_iter().map(crate::log::Appended::sequence);
            given.extend(sequences.zip(keys.iter().copied()));
            self.batches.push(keys.to_vec());
        }
        given.sort_unstable();
        let done = self.trace.len();
        for (_, key) in given {
            self.events.insert(key, (len, Some(done)));
            self.order.push(key);
        }
    }

    /// What is wrong with a log that was found after a cut behind `done` operations.
    fn compare(&self, log: &Log, done: usize) -> Result<Vec<u64>, String> {
        let found = all(log, BUS);
        let first = found.first().map_or(1, |event| event.sequence);
        let sequences = found.iter().map(|event| event.sequence);
        if !self.may_begin_at(first, done) || !sequences.eq(first..first + found.len() as u64) {
            return Err("I2: sequences are missing".to_owned());
        }
        let keys: Vec<u64> = found.iter().map(|event| event.key.0 as u64).collect();
        let acknowledged = |key: &&u64| self.events[*key].1.is_some_and(|after| after <= done);
        let wanted = self.order.iter().take_while(acknowledged).copied();
        let wanted: Vec<u64> = wanted.skip(first as usize - 1).collect();
        if !keys.starts_with(&wanted) {
            return Err(format!("I1: {wanted:?} were acknowledged, {keys:?} are there"));
        }
        for stored in &found {
            let key = stored.key.0 as u64;
            let is_ours = self
                .events
                .get(&key)
                .is_some_and(|(len, _)| stored.data == data(key, *len));
            if !is_ours {
                return Err(format!("I1: event {key} is another one"));
            }
        }
        let has = |key: &u64| keys.contains(key);
        for batch in &self.batches {
            if batch.iter().any(has) && !batch.iter().all(has) {
                return Err(format!("I4: {batch:?} is there in part: {keys:?}"));
            }
        }
        Ok(keys)
    }

    /// Trims as much as the snapshots allow, one segment after the other.
    fn trim(&mut self, log: &Log) {
        while let Some(expired) = log.expired(&FORCED).unwrap() {
            log.trim(expired.until).unwrap();
            self.trims.push((expired.sequences[0].1.end, self.trace.len()));
        }
    }

    /// A log begins at its beginning or where a trim has left it, not before one that was done.
    fn may_begin_at(&self, first: u64, done: usize) -> bool {
        let trimmed = self.trims.iter().filter(|(_, after)| *after <= done);
        let least = trimmed.map(|(kept, _)| *kept).max().unwrap_or(1);
        first >= least && (first == 1 || self.trims.iter().any(|(kept, _)| *kept == first))
    }

    /// What is wrong with the disk that a cut has left.
    fn check(&self, disk: &Simulated, done: usize) -> Result<(), String> {
        let opened = |what: &str| try_open(disk).map_err(|error| format!("{what}: {error}"));
        let (log, _) = opened("the first recovery")?;
        let keys = self.compare(&log, done)?;
        disk.kill();
        drop(log);
        let (log, again) = opened("the second recovery")?;
        if self.compare(&log, done)? != keys || again.torn_bytes > 0 {
            return Err(format!("I7: not {keys:?} again: {again:?}"));
        }
        put(&log, AFTERWARDS, 10);
        disk.kill();
        drop(log);
        disk.crash(done as u64);
        let (log, _) = opened("the recovery after an append")?;
        let expected = [&keys[..], &[AFTERWARDS]].concat();
        let found = super::support::keys(&log);
        disk.kill();
        drop(log);
        if found != expected {
            return Err(format!("I8, I9: {found:?} instead of {expected:?}"));
        }
        Ok(())
    }

    /// Tries every crash; how many disks there were and what was wrong with some.
    fn try_all(&self, check: &dyn Fn(&Simulated, usize) -> Result<(), String>) -> (usize, Vec<String>) {
        let (mut count, mut wrong) = (0, Vec::new());
        self.trace.crashes(seed(), &mut |disk, done| {
            count += 1;
            if let Err(found) = check(disk, done) {
                wrong.push(format!("seed {}, after {done} operations: {found}", seed()));
            }
        });
        (count, wrong)
    }

    /// Every crash of the story keeps the invariants.
    fn holds(&self) {
        let (count, wrong) = self.try_all(&|disk, done| self.check(disk, done));
        assert!(wrong.is_empty(), "{} of {count} disks: {}", wrong.len(), wrong[0]);
        assert!(count > 10, "only {count} disks were tried");
    }
}

fn seed() -> u64 {
    let seed = std::env::var("LOG_CRASH_SEED").ok();
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Appends an event for each key; a segment holds six of them.
fn fill(log: &Log, keys: std::ops::Range<u64>) {
    for key in keys {
        put(log, key, LARGE);
    }
}

/// A few appends on a log that has some, alone and in one group.
fn appends(disk: &Simulated) -> Story {
    let log = open(disk);
    put(&log, 1, 100);
    let mut story = Story::begin(disk, Some(&log));
    story.append(&log, &[&[2]], LARGE);
    story.append(&log, &[&[3], &[4, 5], &[6]], 2500);
    story.append(&log, &[&[7]], 10);
    disk.kill();
    story
}

/// The last append before a segment is full, the roll, and what follows.
fn roll(disk: &Simulated) -> Story {
    let log = open(disk);
    fill(&log, 1..7);
    let mut story = Story::begin(disk, Some(&log));
    story.append(&log, &[&[7, 8]], 4000);
    story.append(&log, &[&[9]], LARGE);
    assert_eq!(log.stats().segments, 2);
    disk.kill();
    story
}

/// The last two snapshots of a log of five segments, and the trim that they allow. A lie begins
/// before them.
fn trim(disk: &Simulated, lie: Option<Lie>) -> Story {
    let log = open_at(disk, Duration::ZERO);
    let mut checkpoints = Vec::new();
    for key in 1.. {
        put(&log, key, LARGE);
        checkpoints.extend(*log.checkpoints().borrow());
        checkpoints.dedup();
        match checkpoints.as_slice() {
            // At the start of the first segment there is nothing to save.
            [_, first] => log.save_snapshot(*first, Bytes::from_static(b"1")).unwrap(),
            [.., _, _, _, _, _] => break,
            _ => {}
        }
    }
    log.close().unwrap();
    drop(log);
    // Days later, so that nothing is within the dedup window.
    let log = open_at(disk, Duration::from_hours(48));
    let mut story = Story::begin(disk, Some(&log));
    if let Some(lie) = lie {
        disk.lie_about(lie);
    }
    let last: Vec<_> = checkpoints.iter().rev().take(2).rev().collect();
    let mut saved = 0;
    for checkpoint in last {
        log.save_snapshot(*checkpoint, Bytes::from_static(b"2")).unwrap();
        saved += 1;
    }
    assert_eq!(saved, 2);
    story.trim(&log);
    assert!(story.trims.len() > 1, "{:?}", story.trims);
    story.append(&log, &[&[500]], 100);
    disk.kill();
    story
}

#[test]
fn i1_i2_i4_i7_i8_i9_hold_at_every_crash_of_an_append() {
    appends(&Simulated::default()).holds();
}

#[test]
fn i1_i2_i4_i7_i8_i9_hold_at_every_crash_of_a_roll() {
    roll(&Simulated::default()).holds();
}

#[test]
fn i1_i2_i7_i8_hold_at_every_crash_of_a_first_start() {
    let disk = Simulated::default();
    let mut story = Story::begin(&disk, None);
    let log = open(&disk);
    story.append(&log, &[&[1]], 100);
    disk.kill();
    drop(log);
    story.holds();
}

#[test]
fn i1_i2_i7_i8_hold_at_every_crash_while_the_super_slots_are_written() {
    let disk = Simulated::default();
    let log = open(&disk);
    put(&log, 1, LARGE);
    let mut story = Story::begin(&disk, Some(&log));
    // Closing writes one slot, opening both.
    log.close().unwrap();
    drop(log);
    let log = open(&disk);
    story.append(&log, &[&[2]], 10);
    log.close().unwrap();
    story.holds();
}

#[test]
fn i7_i9_hold_at_every_crash_of_a_recovery() {
    let before = appends(&Simulated::default());
    let mut torn = Vec::new();
    before.trace.crashes(seed(), &mut |disk, done| {
        torn.push((disk.copy(), done));
    });
    for (disk, done) in torn.into_iter().step_by(23) {
        let trace = disk.record();
        let log = open(&disk);
        let expected = before.compare(&log, done).unwrap();
        disk.kill();
        drop(log);
        trace.crashes(seed(), &mut |disk, step| {
            let log = open(disk);
            assert_eq!(super::support::keys(&log), expected, "killed after step {step}");
            let end = end(disk) as usize;
            let behind = &disk.content(&segment(0))[end..];
            assert!(behind.iter().all(|byte| *byte == 0), "stale bytes behind {end}");
            disk.kill();
        });
    }
}

#[test]
fn i1_i2_i7_i8_hold_at_every_crash_of_a_trim() {
    trim(&Simulated::default(), None).holds();
}

#[test]
fn the_same_crashes_of_a_trim_lose_events_when_directory_syncs_do_nothing() {
    let story = trim(&Simulated::default(), Some(Lie::DirSync));
    assert!(story.try_all(&|disk, done| story.check(disk, done)).1.len() > 10);
}

#[test]
fn the_same_crashes_of_a_trim_lose_events_when_file_syncs_do_nothing() {
    let story = trim(&Simulated::default(), Some(Lie::FileSync));
    assert!(story.try_all(&|disk, done| story.check(disk, done)).1.len() > 10);
}

#[test]
fn i1_i7_i8_hold_at_every_crash_while_a_snapshot_is_replaced() {
    let disk = Simulated::default();
    let log = open(&disk);
    let mut saved = Vec::new();
    for turn in 0..3_u64 {
        fill(&log, 10 * turn..10 * turn + 7);
        let checkpoint = log.checkpoints().borrow().unwrap();
        let state = Bytes::from(format!("state {turn} {}", "s".repeat(5000)));
        let story = Story::begin(&disk, Some(&log));
        log.save_snapshot(checkpoint, state.clone()).unwrap();
        let saved_after = story.trace.len();
        let before = saved.last().cloned();
        saved.push((checkpoint, state));
        let newest = saved.last().cloned();
        let (count, wrong) = story.try_all(&|disk, done| {
            let copy = disk.copy();
            let found = try_open(&copy).map_err(|error| error.to_string())?.0.snapshot();
            let found = found.map_err(|error| error.to_string())?;
            if found != newest && (done >= saved_after || found != before) {
                return Err(format!("I13: {:?}", found.map(|(at, _)| at)));
            }
            story.check(disk, done)
        });
        assert!(wrong.is_empty(), "{} of {count}: {}", wrong.len(), wrong[0]);
        assert!(count > 5, "only {count} disks were tried");
    }
    disk.kill();
}

/// How many of the disks that a log leaves which believes a lie show a loss.
fn losses(lie: Lie, story: fn(&Simulated) -> Story) -> usize {
    let disk = Simulated::default();
    // A log that lost its first files is found empty: the lie begins when it is in use.
    drop(open(&disk));
    disk.lie_about(lie);
    let story = story(&disk);
    story.try_all(&|disk, done| story.check(disk, done)).1.len()
}

#[test]
fn the_same_crashes_lose_events_when_file_syncs_do_nothing() {
    assert!(losses(Lie::FileSync, appends) > 10);
}

#[test]
fn the_same_crashes_lose_events_when_directory_syncs_do_nothing() {
    assert!(losses(Lie::DirSync, roll) > 10);
}

/// Whether damage to the last acknowledged event is noticed once the log has been idle.
fn damage_to_the_last_event_is_noticed(lie: Option<Lie>) -> bool {
    let disk = Simulated::default();
    if let Some(lie) = lie {
        disk.lie_about(lie);
    }
    let log = open(&disk);
    let start = end(&disk) as usize;
    put(&log, 1, 100);
    let begun = std::time::Instant::now();
    while log.stats().syncs == log.stats().groups {
        assert!(begun.elapsed() < config().admission_wait, "the log never marks");
        std::thread::yield_now();
    }
    disk.kill();
    drop(log);
    let path = crate::log::segment::path(DIR.as_ref(), 0);
    let mut bytes = disk.content(&path);
    bytes[start + 120] ^= 1;
    disk.set_content(&path, bytes);
    try_open(&disk).is_err()
}

#[test]
fn i5_damage_to_the_last_event_before_a_pause_is_noticed_and_not_when_marks_do_nothing() {
    assert!(damage_to_the_last_event_is_noticed(None));
    assert!(!damage_to_the_last_event_is_noticed(Some(Lie::Mark)));
}
