//! What the rest of the server may rely on of a log, asked through the calls that it uses and no
//! others. Another implementation is held to this by another [`Subject`]; positions, files and
//! snapshots are not named here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Waker;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tramline::log::AppendError;
use tramline::log::Appended;
use tramline::log::BusId;
use tramline::log::Cause;
use tramline::log::DedupKey;
use tramline::log::Log;
use tramline::log::LogConfig;
use tramline::log::NewEvent;
use tramline::log::RouteId;
use tramline::log::StateKind;
use tramline::log::StateRecord;
use tramline::log::StoredEvent;

use Appended::Duplicate;
use Appended::Stored;

const BUS: BusId = BusId(1);
const OTHER: BusId = BusId(2);
const START: i64 = 1_700_000_000_000;

/// The log under test: its calls, and being opened again after a death.
struct Subject {
    log: Option<Log>,
    dir: TempDir,
    clock: Arc<AtomicI64>,
}

impl Subject {
    fn start() -> Self {
        let mut subject = Self {
            log: None,
            dir: TempDir::new().unwrap(),
            clock: Arc::new(AtomicI64::new(START)),
        };
        subject.open();
        subject
    }

    fn open(&mut self) {
        let clock = Arc::clone(&self.clock);
        let config = LogConfig {
            // So small that a few dozen events are in several segments.
            segment_size: 64 << 10,
            max_body: 16 << 10,
            ..LogConfig::new(self.dir.path())
        };
        let (log, _) = Log::open(config, Arc::new(move || clock.load(Ordering::Relaxed))).unwrap();
        self.log = Some(log);
    }

    fn again(&mut self) {
        self.log = None;
        self.open();
    }

    fn set_clock(&self, after: i64) {
        self.clock.store(START + after, Ordering::Relaxed);
    }

    fn log(&self) -> &Log {
        self.log.as_ref().unwrap()
    }

    async fn append(
        &self,
        bus: BusId,
        events: Vec<NewEvent>,
        state: Vec<StateRecord>,
    ) -> Result<Vec<Appended>, AppendError> {
        self.log().append(bus, events, state).await
    }

    async fn record(&self, state: Vec<StateRecord>) -> Result<(), AppendError> {
        self.log().record(state).await
    }

    fn read(&self, bus: BusId, from: u64, n: usize) -> Vec<StoredEvent> {
        self.log().read(bus, from, n, 1 << 20).unwrap()
    }

    fn event(&self, bus: BusId, sequence: u64) -> Option<StoredEvent> {
        self.log().event(bus, sequence).unwrap()
    }

    fn route_events(&self, route: RouteId, after: u64, n: usize) -> Vec<u64> {
        self.log().route_events(route, after, n).unwrap()
    }

    fn seek(&self, bus: BusId, time_ms: i64) -> u64 {
        self.log().sequence_at(bus, time_ms).unwrap()
    }

    fn watch(&self, bus: BusId) -> watch::Receiver<u64> {
        self.log().watch(bus)
    }

    /// What was recorded of an event on a route.
    fn states(&self, route: RouteId, sequence: u64) -> Vec<StateRecord> {
        let states = self.log().route_states(route, sequence).unwrap();
        states.into_iter().map(|state| state.record).collect()
    }

    /// All events of a bus.
    fn all(&self, bus: BusId) -> Vec<StoredEvent> {
        let mut events: Vec<StoredEvent> = Vec::new();
        loop {
            let from = events.last().map_or(1, |event| event.sequence + 1);
            let more = self.read(bus, from, 7);
            if more.is_empty() {
                return events;
            }
            events.extend(more);
        }
    }
}

/// An event whose content follows from its key.
fn event(key: u64, len: usize, routes: &[u64]) -> NewEvent {
    NewEvent {
        key: DedupKey(key.into()),
        generation: key + 7,
        hops: 2,
        cause: Some(Cause {
            route: RouteId(900 + key),
            sequence: key,
        }),
        routes: routes.iter().copied().map(RouteId).collect(),
        attributes: Bytes::from(format!("attributes of {key}")),
        data: Bytes::from(vec![b'a' + u8::try_from(key % 26).unwrap(); len]),
    }
}

fn state(kind: StateKind, route: u64, sequences: &[u64]) -> StateRecord {
    StateRecord {
        kind,
        route: RouteId(route),
        bus: BUS,
        epoch: 3,
        sequences: sequences.to_vec(),
        payload: Bytes::from(format!("{kind:?} of {route}")),
    }
}

#[tokio::test]
async fn each_event_is_answered_in_the_order_given_and_reads_back_as_it_was() {
    let mut log = Subject::start();
    let sent = [event(1, 0, &[]), event(2, 3_000, &[4, 9]), event(3, 1, &[4])];
    let answers = log.append(BUS, sent.to_vec(), Vec::new()).await.unwrap();
    assert_eq!(answers, [Stored(1), Stored(2), Stored(3)]);
    for _ in 0..2 {
        for (sequence, sent) in (1..).zip(&sent) {
            let found = log.event(BUS, sequence).unwrap();
            let expected = StoredEvent {
                sequence,
                time_ms: START,
                ..sent.clone().into()
            };
            assert_eq!(found, expected);
            assert_eq!(log.read(BUS, sequence, 1), [expected]);
        }
        assert_eq!(
            (log.event(BUS, 4), log.event(BUS, 0), log.event(OTHER, 1)),
            (None, None, None)
        );
        assert_eq!(log.read(BUS, 4, 10), []);
        log.again();
    }
}

#[tokio::test]
async fn sequences_are_dense_on_each_bus_whoever_appends() {
    let mut log = Subject::start();
    let mut tasks = JoinSet::new();
    for key in 0..90 {
        let handle = log.log().clone();
        tasks.spawn(async move {
            let bus = BusId(1 + u32::try_from(key % 3).unwrap());
            let events = (0..=key % 4).map(|n| event(key * 10 + n, 900, &[])).collect();
            (bus, handle.append(bus, events, Vec::new()).await.unwrap())
        });
    }
    let mut given: BTreeMap<BusId, Vec<u64>> = BTreeMap::new();
    for (bus, answers) in tasks.join_all().await {
        let sequences: Vec<u64> = answers.iter().map(|answer| answer.sequence()).collect();
        assert!(
            sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "one append is one run"
        );
        given.entry(bus).or_default().extend(sequences);
    }
    for _ in 0..2 {
        for (bus, sequences) in &mut given {
            sequences.sort_unstable();
            assert!(sequences.iter().copied().eq(1..=sequences.len() as u64));
            assert!(
                log.all(*bus)
                    .iter()
                    .map(|event| event.sequence)
                    .eq(sequences.iter().copied())
            );
        }
        log.again();
    }
}

#[tokio::test]
async fn a_copy_gets_the_first_sequence_in_a_batch_beside_it_and_after_a_restart() {
    let mut log = Subject::start();
    let batch = vec![event(1, 5, &[]), event(2, 5, &[]), event(1, 5, &[])];
    let answers = log.append(BUS, batch, Vec::new()).await.unwrap();
    assert_eq!(answers, [Stored(1), Stored(2), Duplicate(1)]);
    let copies = (0..20).map(|_| log.append(BUS, vec![event(3, 5, &[])], Vec::new()));
    let copies = futures_util::future::join_all(copies).await;
    let stored = copies.iter().filter(|answer| **answer == Ok(vec![Stored(3)]));
    assert_eq!(stored.count(), 1);
    assert!(
        copies
            .iter()
            .all(|answer| answer.as_ref().unwrap()[0].sequence() == 3)
    );
    log.again();
    let mixed = vec![event(2, 5, &[]), event(4, 5, &[])];
    let answers = log.append(BUS, mixed, Vec::new()).await.unwrap();
    assert_eq!(answers, [Duplicate(2), Stored(4)]);
    let elsewhere = log
        .append(OTHER, vec![event(2, 5, &[])], Vec::new())
        .await
        .unwrap();
    assert_eq!(elsewhere, [Stored(1)], "a bus does not know the keys of another");
}

#[tokio::test]
async fn another_event_with_a_known_key_is_stored() {
    let log = Subject::start();
    let other = NewEvent {
        cause: None,
        attributes: Bytes::from_static(b"another"),
        ..event(1, 5, &[])
    };
    for (event, expected) in [
        (event(1, 5, &[]), Stored(1)),
        (other.clone(), Stored(2)),
        (event(1, 5, &[]), Duplicate(1)),
        (other, Duplicate(2)),
    ] {
        assert_eq!(log.append(BUS, vec![event], Vec::new()).await, Ok(vec![expected]));
    }
}

#[tokio::test]
async fn a_batch_of_copies_writes_nothing_not_even_its_states() {
    let log = Subject::start();
    log.append(BUS, vec![event(1, 5, &[4])], Vec::new())
        .await
        .unwrap();
    let states = vec![state(StateKind::Progress, 4, &[1])];
    let answers = log.append(BUS, vec![event(1, 5, &[4])], states).await;
    assert_eq!(answers, Ok(vec![Duplicate(1)]));
    assert_eq!(log.states(RouteId(4), 1), []);
}

#[tokio::test]
async fn what_cannot_be_stored_is_rejected_and_leaves_no_trace() {
    let log = Subject::start();
    let rejected = [
        (BUS, vec![event(1, 5, &[]), event(2, 20_000, &[])]),
        (BusId(0), vec![event(1, 5, &[])]),
        (BUS, vec![event(1, 5, &[3, 3])]),
        (BUS, vec![event(1, 5, &[0])]),
    ];
    for (bus, events) in rejected {
        let answer = log.append(bus, events, Vec::new()).await;
        assert!(
            matches!(
                answer,
                Err(AppendError::TooLarge { .. } | AppendError::Invalid(_))
            ),
            "{answer:?}"
        );
    }
    assert_eq!(
        log.append(BUS, vec![event(1, 5, &[])], Vec::new()).await,
        Ok(vec![Stored(1)])
    );
}

#[tokio::test]
async fn a_route_is_fed_its_events_in_order_from_any_place() {
    let mut log = Subject::start();
    for key in 0..60 {
        let routes: &[u64] = if key % 3 == 0 { &[5, 8] } else { &[8] };
        log.append(BUS, vec![event(key, 2_000, routes)], Vec::new())
            .await
            .unwrap();
    }
    let expected: Vec<u64> = (0..60).step_by(3).map(|key| key + 1).collect();
    for _ in 0..2 {
        assert_eq!(log.route_events(RouteId(5), 0, 100), expected);
        assert_eq!(log.route_events(RouteId(5), 0, 3), expected[..3]);
        assert_eq!(log.route_events(RouteId(5), expected[10], 100), expected[11..]);
        assert_eq!(
            log.route_events(RouteId(5), expected[10] - 1, 1),
            expected[10..11]
        );
        assert!(log.route_events(RouteId(8), 0, 100).into_iter().eq(1..=60));
        assert!(log.route_events(RouteId(6), 0, 100).is_empty());
        log.again();
    }
}

#[tokio::test]
async fn a_time_finds_the_first_event_that_is_not_older() {
    let mut log = Subject::start();
    for (key, after) in [(1, 1_000), (2, 2_000), (3, 1_500), (4, 3_000)] {
        log.set_clock(after);
        log.append(BUS, vec![event(key, 5, &[])], Vec::new())
            .await
            .unwrap();
    }
    log.set_clock(3_000);
    for _ in 0..2 {
        let times: Vec<i64> = log.all(BUS).iter().map(|event| event.time_ms - START).collect();
        assert_eq!(times, [1_000, 2_000, 2_000, 3_000], "time never goes back");
        let sought = [0, 1_000, 1_001, 2_000, 2_001, 3_000, 3_001];
        let found = sought.map(|after| log.seek(BUS, START + after));
        assert_eq!(found, [1, 1, 2, 2, 4, 4, 5]);
        log.again();
    }
}

#[tokio::test]
async fn whoever_watches_a_bus_is_told_of_what_can_be_read() {
    let log = Subject::start();
    let mut last = log.watch(BUS);
    assert_eq!(*last.borrow_and_update(), 0);
    log.append(OTHER, vec![event(1, 5, &[])], Vec::new())
        .await
        .unwrap();
    assert!(!last.has_changed().unwrap(), "of another bus");
    log.append(BUS, vec![event(1, 5, &[]), event(2, 5, &[])], Vec::new())
        .await
        .unwrap();
    last.changed().await.unwrap();
    let told = *last.borrow_and_update();
    assert!(told == 2 && log.event(BUS, told).is_some());
    assert_eq!(*log.watch(BUS).borrow(), 2, "who comes later is told at once");
}

#[tokio::test]
async fn states_are_there_with_their_events_or_alone_in_the_order_they_came() {
    let mut log = Subject::start();
    let with_event = state(StateKind::Held, 4, &[1]);
    log.append(BUS, vec![event(1, 5, &[4])], vec![with_event.clone()])
        .await
        .unwrap();
    let kinds = [
        StateKind::Attempt,
        StateKind::Retry,
        StateKind::Dead,
        StateKind::Redriven,
    ];
    let mut expected = vec![with_event];
    for kind in kinds {
        let records = vec![state(kind, 4, &[2, 1]), state(kind, 5, &[1])];
        expected.push(records[0].clone());
        log.record(records).await.unwrap();
        // Between them, so that they are in several segments.
        let filler = (0..4).map(|n| event(100 * kind as u64 + n, 3_500, &[]));
        log.append(BUS, filler.collect(), Vec::new()).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(log.states(RouteId(4), 1), expected);
        assert_eq!(log.states(RouteId(4), 2), expected[1..]);
        assert_eq!(log.states(RouteId(5), 1).len(), kinds.len());
        assert_eq!(log.states(RouteId(4), 3), []);
        log.again();
    }
}

#[tokio::test]
async fn what_is_acknowledged_can_be_read_at_once_and_after_a_restart() {
    let mut log = Subject::start();
    let mut acknowledged = BTreeMap::new();
    for turn in 0..4 {
        for key in 0..15 {
            let key = turn * 100 + key;
            let answer = log
                .append(BUS, vec![event(key, 1_500, &[4])], Vec::new())
                .await
                .unwrap()[0];
            assert_eq!(
                log.event(BUS, answer.sequence()).unwrap().key,
                DedupKey(key.into())
            );
            acknowledged.insert(answer.sequence(), DedupKey(key.into()));
        }
        log.again();
        let found: BTreeMap<_, _> = log
            .all(BUS)
            .into_iter()
            .map(|event| (event.sequence, event.key))
            .collect();
        assert_eq!(found, acknowledged);
    }
}

#[tokio::test]
async fn an_append_whose_caller_went_away_is_there_once_or_not_at_all() {
    let log = Subject::start();
    for key in 0..30 {
        let mut append = Box::pin(log.append(BUS, vec![event(key, 5, &[])], Vec::new()));
        let polled = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        drop(append);
        let again = log
            .append(BUS, vec![event(key, 5, &[])], Vec::new())
            .await
            .unwrap();
        assert_eq!(again[0].sequence(), key + 1);
    }
    assert_eq!(log.all(BUS).len(), 30);
}
