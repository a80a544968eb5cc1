//! Power cuts at random moments of random work, against a ledger of what was acknowledged.

use super::support::{all, data, event, state, try_open};
use crate::log::files::simulated::{Fault, Lie, Simulated};
use crate::log::{BusId, Log, StoredEvent};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

const BUSES: [BusId; 2] = [BusId(1), BusId(2)];

/// What a careful client remembers.
#[derive(Default)]
struct Ledger {
    next_key: u64,
    /// Acknowledged: bus and sequence to key and length of the data.
    acknowledged: BTreeMap<(BusId, u64), (u64, usize)>,
    /// Keys that were appended together.
    batches: Vec<(BusId, Vec<u64>)>,
}

/// Compares the log with the ledger, which then also holds what was read: a reader has seen it.
fn check(log: &Log, ledger: &mut Ledger) -> Result<(), String> {
    for bus in BUSES {
        let events = all(log, bus);
        if !events
            .iter()
            .map(|event| event.sequence)
            .eq(1..=events.len() as u64)
        {
            return Err(format!("the sequences of bus {bus} are not contiguous"));
        }
        let has = |key: u64| events.iter().any(|event| event.key.0 == key.into());
        for (_, keys) in ledger.batches.iter().filter(|(of, _)| *of == bus) {
            if keys.iter().any(|key| has(*key)) && !keys.iter().all(|key| has(*key)) {
                return Err(format!("a batch on bus {bus} is there in part"));
            }
        }
        let wrong =
            |event: &StoredEvent, key: u64, len| event.key.0 != key.into() || event.data != data(key, len);
        for ((_, sequence), (key, len)) in ledger.acknowledged.range((bus, 0)..=(bus, u64::MAX)) {
            match events.get(*sequence as usize - 1) {
                None => return Err(format!("acknowledged event {sequence} of bus {bus} is lost")),
                Some(event) if wrong(event, *key, *len) => {
                    return Err(format!(
                        "acknowledged event {sequence} of bus {bus} is another one"
                    ));
                }
                Some(_) => {}
            }
        }
        for event in events {
            let key = event.key.0 as u64;
            ledger
                .acknowledged
                .insert((bus, event.sequence), (key, event.data.len()));
        }
    }
    Ok(())
}

/// Appends from a few tasks at once until all are answered; the disk may die on the way.
async fn work(log: &Log, rng: &mut StdRng, ledger: &mut Ledger) {
    for _ in 0..rng.random_range(1..8) {
        let mut tasks = JoinSet::new();
        for _ in 0..rng.random_range(1..6) {
            let bus = BUSES[rng.random_range(0..2_usize)];
            let lens: Vec<(u64, usize)> = (0..rng.random_range(1..4))
                .map(|_| {
                    ledger.next_key += 1;
                    (ledger.next_key, rng.random_range(0..5000_usize))
                })
                .collect();
            ledger
                .batches
                .push((bus, lens.iter().map(|(key, _)| *key).collect()));
            let states = if rng.random_bool(0.3) {
                vec![state(1, &[1])]
            } else {
                Vec::new()
            };
            let log = log.clone();
            tasks.spawn(async move {
                let events = lens.iter().map(|(key, len)| event(*key, *len)).collect();
                (bus, log.append(bus, events, states).await, lens)
            });
        }
        while let Some(done) = tasks.join_next().await {
            let (bus, answer, lens) = done.unwrap();
            for (appended, event) in answer.into_iter().flatten().zip(lens) {
                ledger.acknowledged.insert((bus, appended.sequence()), event);
            }
        }
    }
}

/// Several lives of one log, each ended by a power cut; what the check found wrong, if anything.
fn lives(seed: u64, lie: Option<Lie>) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let disk = Simulated::default();
    let mut ledger = Ledger::default();
    if let Some(lie) = lie {
        disk.lie_about(lie);
    }
    for life in 0..4 {
        if rng.random_bool(0.8) {
            disk.inject(Fault::Death, rng.random_range(0..300));
        } else if rng.random_bool(0.5) {
            disk.inject(Fault::Sync, rng.random_range(0..40));
        }
        // A death during recovery leaves nothing to check but the next recovery.
        if let Ok((log, _)) = try_open(&disk) {
            runtime.block_on(work(&log, &mut rng, &mut ledger));
            if rng.random_bool(0.2) {
                log.close().ok();
            }
            disk.kill();
        }
        disk.crash(seed * 16 + life);
        let (log, _) = try_open(&disk).map_err(|error| format!("life {life}: {error}"))?;
        check(&log, &mut ledger).map_err(|lost| format!("life {life}: {lost}"))?;
        disk.kill();
        drop(log);
        disk.crash(seed * 16 + 8 + life);
    }
    Ok(())
}

fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("LOG_CRASH_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok());
    0..count.unwrap_or(300)
}

#[test]
fn i1_i2_i3_i4_no_power_cut_loses_an_acknowledged_event_or_one_that_was_read() {
    for seed in seeds() {
        if let Err(lost) = lives(seed, None) {
            panic!("seed {seed}: {lost}");
        }
    }
}

fn losses(lie: Lie) -> usize {
    (0..100).filter(|seed| lives(*seed, Some(lie)).is_err()).count()
}

#[test]
fn the_same_power_cuts_lose_events_when_file_syncs_do_nothing() {
    let lost = losses(Lie::FileSync);
    assert!(lost > 10, "only {lost} of 100 logs break without file syncs");
}

#[test]
fn the_same_power_cuts_lose_events_when_directory_syncs_do_nothing() {
    let lost = losses(Lie::DirSync);
    assert!(lost > 10, "only {lost} of 100 logs break without directory syncs");
}
