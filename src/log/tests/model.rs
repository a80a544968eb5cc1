//! The log is a map of vectors that survives being opened again.

use super::support::{BUS, NOW, all, config, event, open, run, state};
use crate::log::files::simulated::{Lie, Simulated};
use crate::log::{Appended, BusId, Checkpoint, Log, LogConfig, NewEvent, Now, RouteId, StateRecord};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Debug, Clone)]
enum Step {
    Append {
        bus: u32,
        keys: Vec<u64>,
        len: usize,
        states: Vec<(u64, Vec<u64>)>,
    },
    Record(Vec<(u64, Vec<u64>)>),
    /// The wall clock moves, also back.
    Clock(i64),
    /// The owner saves what it knows at the newest checkpoint.
    Snapshot,
    Close,
    Kill,
    PowerCut(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let states = || proptest::collection::vec((1..5_u64, proptest::collection::vec(1..20_u64, 0..4)), 0..3);
    let keys = proptest::collection::vec(0..40_u64, 1..5);
    let append =
        (1..4_u32, keys, 0..3000_usize, states()).prop_map(|(bus, keys, len, states)| Step::Append {
            bus,
            keys,
            len,
            states,
        });
    let step = prop_oneof![
        12 => append,
        3 => states().prop_map(Step::Record),
        3 => (-500..2000_i64).prop_map(Step::Clock),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
    ];
    proptest::collection::vec(step, 1..40)
}

/// How small the segments of a log are.
fn shapes() -> impl Strategy<Value = usize> {
    // Sealed when full, or after some rows of the index.
    prop_oneof![Just(4_000_000_usize), 5..60_usize]
}

#[derive(Default)]
struct Model {
    buses: std::collections::BTreeMap<u32, Vec<NewEvent>>,
    states: Vec<StateRecord>,
    /// Frame time of each event of a bus.
    times: std::collections::BTreeMap<u32, Vec<i64>>,
    /// Frame time of the last append of events.
    last_time: i64,
    snapshot: Option<(Checkpoint, Bytes)>,
}

/// The log under test, and what outlives its restarts.
struct World {
    disk: Simulated,
    clock: Arc<AtomicI64>,
    /// The latest that the clock has ever shown.
    latest: AtomicI64,
    max_index_entries: usize,
}

impl World {
    fn new(max_index_entries: usize) -> Self {
        Self {
            disk: Simulated::default(),
            clock: Arc::new(AtomicI64::new(NOW)),
            latest: AtomicI64::new(NOW),
            max_index_entries,
        }
    }

    fn open(&self) -> Log {
        let config = LogConfig {
            max_index_entries: self.max_index_entries,
            ..config()
        };
        let clock = Arc::clone(&self.clock);
        let now: Now = Arc::new(move || clock.load(Ordering::Relaxed));
        Log::open_with(Arc::new(self.disk.clone()), config, now, None)
            .unwrap()
            .0
    }

    fn move_clock(&self, by: i64) {
        self.clock.fetch_add(by, Ordering::Relaxed);
        self.latest.fetch_max(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }
}

impl Model {
    /// What the log must answer.
    fn append(&mut self, bus: u32, events: &[NewEvent], states: Vec<StateRecord>) -> Vec<Appended> {
        let stored = self.buses.entry(bus).or_default();
        let before = stored.len();
        let answers: Vec<Appended> = events
            .iter()
            .map(|event| {
                if let Some(index) = stored.iter().position(|known| known.key == event.key) {
                    Appended::Duplicate(index as u64 + 1)
                } else {
                    stored.push(event.clone());
                    Appended::Stored(stored.len() as u64)
                }
            })
            .collect();
        if stored.len() > before {
            self.states.extend(states);
        }
        answers
    }

    /// Notes the frame time of what was stored last on a bus, which must never change again.
    ///
    /// It is the wall clock's, or that of the frame before, which may be one of the log's own.
    fn note_time(&mut self, log: &Log, bus: u32, world: &World) {
        let stored = self.buses.get(&bus).map_or(0, Vec::len);
        let times = self.times.entry(bus).or_default();
        if times.len() == stored {
            return;
        }
        let time = log.time_of(BusId(bus), stored as u64).unwrap().unwrap();
        assert!(time >= self.last_time.max(world.now()) && time <= world.latest.load(Ordering::Relaxed));
        self.last_time = time;
        times.resize(stored, time);
    }

    /// The owner's state at a checkpoint; older ones than the last save nothing.
    fn save(&mut self, log: &Log, turn: usize) {
        let Some(checkpoint) = *log.checkpoints().borrow() else {
            return;
        };
        let state = Bytes::from(format!("state {turn}"));
        log.save_snapshot(checkpoint, state.clone()).unwrap();
        let is_newer = self.snapshot.as_ref().is_none_or(|(at, _)| checkpoint > *at);
        if is_newer && checkpoint > Checkpoint(0) {
            self.snapshot = Some((checkpoint, state));
        }
    }

    fn assert_equals(&self, log: &Log) {
        for (bus, events) in &self.buses {
            let stored = all(log, BusId(*bus));
            assert_eq!(stored.len(), events.len());
            for (index, (stored, event)) in stored.iter().zip(events).enumerate() {
                assert_eq!(stored.sequence, index as u64 + 1);
                assert_eq!((stored.key, &stored.routes), (event.key, &event.routes));
                assert_eq!(
                    (&stored.attributes, &stored.data),
                    (&event.attributes, &event.data)
                );
                assert_eq!(
                    log.event(BusId(*bus), stored.sequence).unwrap().as_ref(),
                    Some(stored)
                );
                assert_eq!(log.keyed(BusId(*bus), event.key).unwrap(), [stored.sequence]);
            }
            assert_eq!(log.sequences(BusId(*bus)).unwrap(), 1..events.len() as u64 + 1);
            self.assert_seek_equals(log, *bus);
            Self::assert_routes_equal(log, events);
        }
        assert_eq!(log.snapshot().unwrap(), self.snapshot);
        let mut states = Vec::new();
        log.for_each_state(&mut |state| states.push(state.record))
            .unwrap();
        assert_eq!(states, self.states);
        for route in 1..5 {
            for sequence in 1..20 {
                let named =
                    |state: &&StateRecord| state.route.0 == route && state.sequences.contains(&sequence);
                let expected: Vec<StateRecord> = self.states.iter().filter(named).cloned().collect();
                let found = log.route_states(RouteId(route), sequence).unwrap();
                assert_eq!(
                    found.into_iter().map(|state| state.record).collect::<Vec<_>>(),
                    expected
                );
            }
        }
    }
}

impl Model {
    fn assert_seek_equals(&self, log: &Log, bus: u32) {
        let times = self.times.get(&bus).map(Vec::as_slice).unwrap_or_default();
        for (index, time) in times.iter().enumerate() {
            assert_eq!(log.time_of(BusId(bus), index as u64 + 1).unwrap(), Some(*time));
            for asked in [time - 1, *time, time + 1] {
                let expected = times.partition_point(|time| *time < asked) as u64 + 1;
                assert_eq!(
                    log.sequence_at(BusId(bus), asked).unwrap(),
                    expected,
                    "bus {bus} at {asked}: {times:?}"
                );
            }
        }
    }

    /// The routes of a bus are its own: [`on_bus`] makes them so.
    fn assert_routes_equal(log: &Log, events: &[NewEvent]) {
        for route in events.first().map(routes_of).unwrap_or_default() {
            let taken: Vec<u64> = (1..)
                .zip(events)
                .filter(|(_, event)| event.routes.contains(&route))
                .map(|(sequence, _)| sequence)
                .collect();
            for after in [0, 1, events.len() as u64 / 2, events.len() as u64] {
                let rest = &taken[taken.partition_point(|sequence| *sequence <= after)..];
                assert_eq!(log.route_backlog(route, after).unwrap(), rest.len() as u64);
                for n in [1, 3, 1000] {
                    let expected = &rest[..rest.len().min(n)];
                    assert_eq!(log.route_events(route, after, n).unwrap(), expected);
                }
            }
        }
    }
}

/// The same event with routes that no other bus has.
fn on_bus(bus: u32, event: NewEvent) -> NewEvent {
    let own = |route: &RouteId| RouteId(u64::from(bus) * 100 + route.0);
    NewEvent {
        routes: event.routes.iter().map(own).collect(),
        ..event
    }
}

/// All routes that events like this one may take.
fn routes_of(event: &NewEvent) -> Vec<RouteId> {
    let base = event.routes[0].0 / 100 * 100;
    [1, 2, 3, 10].map(|route| RouteId(base + route)).into()
}

fn records(states: &[(u64, Vec<u64>)]) -> Vec<StateRecord> {
    states
        .iter()
        .map(|(route, sequences)| state(*route, sequences))
        .collect()
}

/// What a run of the suite tries; `PROPTEST_CASES` asks for more.
fn effort() -> ProptestConfig {
    let more = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = ProptestConfig::default().cases;
    ProptestConfig {
        failure_persistence: None,
        cases: if more { cases } else { 64 },
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(effort())]

    #[test]
    fn i1_i2_i8_i11_i13_a_log_opened_again_equals_a_plain_model(steps in steps(), max_index_entries in shapes()) {
        live(&World::new(max_index_entries), steps)?;
    }
}

/// Takes the steps with a log and with a model, which must agree.
fn live(world: &World, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let disk = &world.disk;
    let mut log = world.open();
    let mut model = Model::default();
    for (turn, step) in steps.into_iter().enumerate() {
        match step {
            Step::Append {
                bus,
                keys,
                len,
                states,
            } => {
                let new = |key: &u64| on_bus(bus, event(*key, len));
                let events: Vec<NewEvent> = keys.iter().map(new).collect();
                let states = records(&states);
                let expected = model.append(bus, &events, states.clone());
                prop_assert_eq!(run(log.append(BusId(bus), events, states)), Ok(expected));
                model.note_time(&log, bus, world);
            }
            Step::Record(states) => {
                let states = records(&states);
                model.states.extend(states.clone());
                prop_assert_eq!(run(log.record(states)), Ok(()));
            }
            Step::Clock(by) => world.move_clock(by),
            Step::Snapshot => model.save(&log, turn),
            Step::Close => {
                log.close().unwrap();
                log = world.open();
            }
            Step::Kill => {
                disk.kill();
                // Its threads end here: a dead process makes no files beside the next one.
                drop(log);
                log = world.open();
            }
            Step::PowerCut(seed) => {
                disk.kill();
                drop(log);
                disk.crash(seed);
                log = world.open();
            }
        }
    }
    model.assert_equals(&log);
    log.close().unwrap();
    model.assert_equals(&world.open());
    Ok(())
}

/// How many of a hundred lives show that something is wrong when the log believes a lie.
fn caught(lie: Lie) -> usize {
    let mut runner = TestRunner::deterministic();
    let mut caught = 0;
    for seed in 0..100 {
        let mut steps = steps().new_tree(&mut runner).unwrap().current();
        steps.push(Step::PowerCut(seed));
        let world = World::new(usize::try_from(5 + seed % 50).unwrap());
        // A log that lost its first files is found empty: the lie begins when it is in use.
        drop(world.open());
        world.disk.lie_about(lie);
        let lived = std::panic::catch_unwind(AssertUnwindSafe(|| live(&world, steps)));
        caught += usize::from(!matches!(lived, Ok(Ok(()))));
    }
    caught
}

#[test]
fn the_model_is_not_equalled_when_file_syncs_do_nothing() {
    let caught = caught(Lie::FileSync);
    assert!(caught > 20, "{caught}");
}

#[test]
fn the_model_is_not_equalled_when_directory_syncs_do_nothing() {
    let caught = caught(Lie::DirSync);
    assert!(caught > 20, "{caught}");
}

#[test]
fn a_route_is_fed_its_own_events_in_order() {
    let disk = Simulated::default();
    let log = open(&disk);
    for key in 0..30 {
        super::support::put(&log, key, 10);
    }
    drop(log);
    let log = open(&disk);
    assert_eq!(
        log.route_events(RouteId(2), 0, 100).unwrap(),
        (0..10).map(|n| n * 3 + 2).collect::<Vec<u64>>()
    );
    assert_eq!(log.route_events(RouteId(2), 8, 2).unwrap(), [11, 14]);
    assert_eq!(log.route_events(RouteId(99), 0, 2).unwrap(), [0; 0]);
    assert_eq!(log.sequences(BUS).unwrap(), 1..31);
}
