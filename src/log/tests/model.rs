//! The log is a map of vectors that survives being opened again.

use super::support::{BUS, NOW, all, event, open, run, state};
use crate::log::files::simulated::Simulated;
use crate::log::{Appended, BusId, Log, NewEvent, RouteId, StateRecord};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Append {
        bus: u32,
        keys: Vec<u64>,
        len: usize,
        states: Vec<(u64, Vec<u64>)>,
    },
    Record(Vec<(u64, Vec<u64>)>),
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
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
    ];
    proptest::collection::vec(step, 1..40)
}

#[derive(Default)]
struct Model {
    buses: std::collections::BTreeMap<u32, Vec<NewEvent>>,
    states: Vec<StateRecord>,
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
                assert_eq!(log.find(BusId(*bus), event.key).unwrap(), Some(stored.sequence));
            }
            assert_eq!(
                log.sequence_at(BusId(*bus), NOW + 1).unwrap(),
                events.len() as u64 + 1
            );
        }
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

fn records(states: &[(u64, Vec<u64>)]) -> Vec<StateRecord> {
    states
        .iter()
        .map(|(route, sequences)| state(*route, sequences))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_log_opened_again_equals_a_plain_model(steps in steps()) {
        let disk = Simulated::default();
        let mut log = open(&disk);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append { bus, keys, len, states } => {
                    let events: Vec<NewEvent> = keys.iter().map(|key| event(*key, len)).collect();
                    let states = records(&states);
                    let expected = model.append(bus, &events, states.clone());
                    prop_assert_eq!(run(log.append(BusId(bus), events, states)), Ok(expected));
                }
                Step::Record(states) => {
                    let states = records(&states);
                    model.states.extend(states.clone());
                    prop_assert_eq!(run(log.record(states)), Ok(()));
                }
                Step::Close => {
                    log.close().unwrap();
                    log = open(&disk);
                }
                Step::Kill => {
                    disk.kill();
                    // Its threads end here: a dead process makes no files beside the next one.
                    drop(log);
                    log = open(&disk);
                }
                Step::PowerCut(seed) => {
                    disk.kill();
                    drop(log);
                    disk.crash(seed);
                    log = open(&disk);
                }
            }
        }
        model.assert_equals(&log);
        log.close().unwrap();
        model.assert_equals(&open(&disk));
    }
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
