//! Delivery on a real log, seen from inside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::Value;
use serde_json::json;

use super::DeadLetter;
use super::DeadLetterFilter;
use super::Engine;
use super::Keeping;
use super::Logs;
use super::Outside;
use super::Publish;
use super::Redrive;
use super::RouteStatus;
use super::Unpublishable;
use super::search::PageBounds;
use crate::catalog::BusName;
use crate::catalog::BusRow;
use crate::catalog::Loaded;
use crate::catalog::RevisionRow;
use crate::catalog::RouteRow;
use crate::catalog::RuleName;
use crate::catalog::TargetName;
use crate::catalog::View;
use crate::clock::Clock as _;
use crate::clock::SharedClock;
use crate::clock::SystemClock;
use crate::event::Event;
use crate::log::BusId;
use crate::log::DedupKey;
use crate::log::Log;
use crate::log::LogConfig;
use crate::log::NewEvent;
use crate::log::Retention;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::target::Policy;
use crate::target::Targets;
use crate::target::Terms;

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
const BUS: BusId = BusId(1);
const ROUTE: RouteId = RouteId(1);

/// There is no bus for the server's own events.
struct NoBus;

impl Publish for NoBus {
    fn prepare(&self, bus: &str, _: &Event) -> Result<(BusId, NewEvent), Unpublishable> {
        Err(Unpublishable {
            code: "no-such-bus",
            why: bus.to_owned(),
        })
    }
}

/// A small log with other limits.
pub(super) fn log_with(dir: &Path, change: impl FnOnce(&mut LogConfig)) -> Log {
    let mut config = LogConfig {
        segment_size: 1 << 20,
        max_body: 256 << 10,
        ..LogConfig::new(dir)
    };
    change(&mut config);
    Log::open(config, Arc::new(|| SystemClock.now_ms())).unwrap().0
}

/// One bus with one rule, which shows its events in the log of the server.
fn view() -> Arc<View> {
    Arc::new(View::from_loaded(&loaded(), &View::default()).unwrap())
}

/// The same with the target paused: nothing is attempted.
fn paused() -> Arc<View> {
    view_of(&json!({ "match": { "type": ["t"] }, "targets": [{ "name": "t", "echo": {}, "paused": true }] }))
}

/// The same with another rule, whose target is called `t` too.
pub(super) fn view_of(spec: &Value) -> Arc<View> {
    let mut loaded = loaded();
    for revision in &mut loaded.revisions {
        revision.spec = Arc::new(spec.clone());
    }
    Arc::new(View::from_loaded(&loaded, &View::default()).unwrap())
}

fn loaded() -> Loaded {
    let (rule, target) = (RuleName::parse("r").unwrap(), TargetName::parse("t").unwrap());
    let spec = json!({ "match": { "type": ["t"] }, "targets": [{ "name": "t", "echo": {} }] });
    Loaded {
        buses: vec![BusRow {
            name: BusName::default(),
            number: BUS.0,
            generation: 1,
            deleted: false,
        }],
        revisions: vec![RevisionRow {
            bus: BusName::default(),
            rule: rule.clone(),
            revision: 1,
            spec: Arc::new(spec),
            owner: None,
            from_generation: 1,
            until_generation: None,
        }],
        routes: vec![RouteRow {
            id: ROUTE.0,
            bus: BusName::default(),
            rule,
            target,
            closed: false,
        }],
        ..Loaded::default()
    }
}

fn start(dir: &Path, log: &Log) -> Engine {
    start_with(dir, log, keeping(None), &view())
}

/// Keeps everything but what is above the hard limit.
fn keeping(hard_limit: Option<u64>) -> Keeping {
    let letters = Retention {
        age: Duration::from_hours(1),
        size: None,
        hard_limit: None,
    };
    Keeping {
        events: Retention {
            hard_limit,
            ..letters
        },
        letters,
    }
}

/// An event whose attributes mean nothing: every delivery of it dies.
fn senseless(key: u64) -> NewEvent {
    NewEvent {
        key: DedupKey(key.into()),
        generation: 1,
        routes: vec![ROUTE],
        attributes: Bytes::from_static(b"\xffsenseless"),
        data: Bytes::from(format!("data of {key}")),
        ..NewEvent::default()
    }
}

/// Waits until the route is as wanted.
pub(super) async fn until(engine: &Engine, wanted: impl Fn(&RouteStatus) -> bool) {
    let wait = async {
        while !engine.routes().unwrap().iter().any(&wanted) {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, wait).await;
    assert!(ended.is_ok(), "{:?}", engine.routes());
}

#[tokio::test]
async fn an_outcome_that_the_log_has_no_room_for_is_recorded_when_it_has() {
    let dir = tempfile::tempdir().unwrap();
    // Room for one append at a time, and no patience: of attempts that end together, most are refused.
    let log = log_with(dir.path(), |config| {
        config.admission_bytes = 1;
        config.admission_wait = Duration::ZERO;
    });
    log.append(BUS, (1..=32).map(senseless).collect(), Vec::new())
        .await
        .unwrap();
    let engine = start(dir.path(), &log);
    until(&engine, |route| route.dead == 32 && route.in_flight == 0).await;
    let letters = engine.count_dead_letters(&DeadLetterFilter::default()).unwrap();
    assert_eq!(letters, 32);
    engine.stop().await;
}

/// Changes the first byte of `text` wherever it is in the files below a folder.
async fn damage(dir: &Path, text: &[u8]) {
    let (mut folders, mut damaged) = (vec![dir.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        let mut entries = tokio::fs::read_dir(folder).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            if entry.file_type().await.unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let mut bytes = tokio::fs::read(entry.path()).await.unwrap();
            let place = bytes.windows(text.len()).position(|part| part == text);
            if let Some(place) = place {
                bytes[place] ^= 1;
                tokio::fs::write(entry.path(), bytes).await.unwrap();
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_a_dead_letter_and_can_be_listed() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), |_| ());
    for key in 1..=2 {
        log.append(BUS, vec![senseless(key)], Vec::new()).await.unwrap();
    }
    damage(dir.path(), b"data of 2").await;
    let engine = start(dir.path(), &log);
    until(&engine, |route| route.dead == 2).await;
    let page = engine
        .dead_letters(&DeadLetterFilter::default(), None, 10)
        .unwrap();
    let seen = |letter: &DeadLetter| (letter.code.clone(), letter.event.is_some());
    let unreadable = ("unreadable-event".to_owned(), false);
    assert_eq!(
        page.items.iter().map(seen).collect::<Vec<_>>(),
        [unreadable.clone(), unreadable]
    );
    assert_eq!(
        page.items[1].reason,
        "the stored event is damaged; the log of the server says where"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_page_of_dead_letters_is_bounded_and_says_where_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), |_| ());
    log.append(BUS, (1..=5).map(senseless).collect(), Vec::new())
        .await
        .unwrap();
    let engine = start(dir.path(), &log);
    until(&engine, |route| route.dead == 5).await;
    let pages = |filter: &DeadLetterFilter, bounds: PageBounds| {
        let (mut after, mut sizes) = (None, Vec::new());
        loop {
            let page = engine.dead_letter_page(filter, after, bounds).unwrap();
            sizes.push(page.items.len());
            after = page.next;
            if after.is_none() {
                return sizes;
            }
        }
    };
    let any = DeadLetterFilter::default();
    let of_another_code = DeadLetterFilter {
        code: Some("other".to_owned()),
        ..DeadLetterFilter::default()
    };
    let of_the_future = DeadLetterFilter {
        since_ms: Some(i64::MAX),
        ..DeadLetterFilter::default()
    };
    let all = PageBounds {
        letters: 5,
        scanned: 5,
        bytes: 1 << 20,
    };
    assert_eq!(pages(&any, all), [5]);
    assert_eq!(pages(&any, PageBounds { letters: 2, ..all }), [2, 2, 1]);
    assert_eq!(pages(&any, PageBounds { bytes: 1, ..all }), [1; 5]);
    assert_eq!(pages(&of_another_code, PageBounds { scanned: 2, ..all }), [0]);
    assert_eq!(pages(&of_the_future, all), [0]);
    assert_eq!(pages(&of_the_future, PageBounds { scanned: 2, ..all }), [0; 3]);
    engine.stop().await;
}

#[tokio::test]
async fn a_redrive_whose_caller_goes_away_is_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), |_| ());
    log.append(BUS, vec![senseless(1)], Vec::new()).await.unwrap();
    let engine = start(dir.path(), &log);
    until(&engine, |route| route.dead == 1).await;
    let gone = engine
        .redrive(DeadLetterFilter::default(), Redrive::default())
        .now_or_never();
    assert!(gone.is_none());
    let deaths = || {
        let states = log.route_states(ROUTE, 1).unwrap();
        let is_death = |kind| kind == StateKind::Dead;
        states.iter().filter(|state| is_death(state.record.kind)).count()
    };
    until(&engine, |_| deaths() == 2).await;
    engine.stop().await;
}

/// Stores events that nobody can deliver until so many segments are sealed behind them.
async fn fill(log: &Log, checkpoints: usize) -> u64 {
    let mut seen = log.checkpoints();
    let (mut sealed, mut key) = (0, 0);
    while sealed < checkpoints {
        let large = NewEvent {
            data: Bytes::from(vec![b'x'; 100_000]),
            ..senseless(1_000_000 + key)
        };
        log.append(BUS, vec![large], Vec::new()).await.unwrap();
        key += 1;
        if seen.has_changed().unwrap() {
            seen.mark_unchanged();
            sealed += 1;
        }
    }
    key
}

/// Waits until the log begins behind its first event.
async fn trimmed(log: &Log) -> u64 {
    let wait = async {
        loop {
            let start = log.sequences(BUS).unwrap().start;
            if start > 1 {
                return start;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

fn without_window(config: &mut LogConfig) {
    config.dedup_window = Duration::from_millis(1);
}

fn terms() -> Terms {
    Terms {
        origin: "localhost".to_owned(),
        max_reply: 1 << 20,
    }
}

fn start_with(dir: &Path, log: &Log, keeping: Keeping, view: &Arc<View>) -> Engine {
    start_outside(dir, log, (keeping, view), (Arc::default(), Arc::new(SystemClock)))
}

/// Delivers what may be called by a policy, at the time that a clock tells.
pub(super) fn start_at(
    dir: &Path,
    log: &Log,
    view: &Arc<View>,
    outside: (Arc<Policy>, SharedClock),
) -> Engine {
    start_outside(dir, log, (keeping(None), view), outside)
}

/// Stores an event for the route.
pub(super) async fn append(log: &Log, event: Bytes) {
    let event = crate::event::event_from_json(&event, None).unwrap();
    let stored = NewEvent {
        key: crate::log::dedup_key(&log.uuid(), event.source(), event.id()),
        generation: 1,
        routes: vec![ROUTE],
        attributes: crate::event::encode_attributes(&event),
        data: event.data().bytes().clone(),
        ..NewEvent::default()
    };
    log.append(BUS, vec![stored], Vec::new()).await.unwrap();
}

fn start_outside(
    dir: &Path,
    log: &Log,
    (keeping, view): (Keeping, &Arc<View>),
    (policy, clock): (Arc<Policy>, SharedClock),
) -> Engine {
    drop(rustls::crypto::ring::default_provider().install_default());
    let logs = Logs {
        events: log.clone(),
        letters: log_with(&dir.join("dead"), |_| ()),
        keeping,
    };
    let outside = Outside {
        targets: Targets::new(
            (policy, crate::target::Tls::new(None).unwrap()),
            Arc::default(),
            terms(),
        ),
        publish: Arc::new(NoBus),
        clock,
    };
    Engine::start(logs, outside, view).unwrap()
}

#[tokio::test]
async fn a_dead_letter_keeps_its_event_when_the_bus_no_longer_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), without_window);
    let small = Keeping {
        events: Retention {
            size: Some(3 << 20),
            ..keeping(None).events
        },
        ..keeping(None)
    };
    let engine = start_with(dir.path(), &log, small, &view());
    let count = fill(&log, 6).await;
    until(&engine, |route| route.dead == count).await;
    fill(&log, 1).await;
    let start = trimmed(&log).await;
    assert_eq!(log.event(BUS, 1).unwrap(), None);
    let page = engine
        .dead_letters(&DeadLetterFilter::default(), None, 5)
        .unwrap();
    assert_eq!(page.items.len(), 5);
    for letter in &page.items {
        assert!(letter.sequence < start && letter.code == "unreadable-event" || !letter.code.is_empty());
    }
    let (letter, event) = engine.shared.letters.find(ROUTE, 1).unwrap().unwrap();
    assert_eq!(event.unwrap().data.len(), 100_000);
    assert!(letter.accepted_at_ms.is_some());
    engine.stop().await;
}

#[tokio::test]
async fn i10_what_is_unfinished_is_kept_and_above_the_hard_limit_given_up_on_record() {
    let dir = tempfile::tempdir().unwrap();
    // A route that the catalog does not know: its deliveries are held and nothing settles them.
    let nobody = Arc::new(
        View::from_loaded(
            &Loaded {
                routes: Vec::new(),
                revisions: Vec::new(),
                ..loaded()
            },
            &View::default(),
        )
        .unwrap(),
    );
    let log = log_with(dir.path(), without_window);
    let by_size = Keeping {
        events: Retention {
            size: Some(2 << 20),
            ..keeping(None).events
        },
        ..keeping(None)
    };
    fill(&log, 5).await;
    let engine = start_with(dir.path(), &log, by_size, &nobody);
    assert_eq!(engine.held_routes(), [ROUTE]);
    fill(&log, 2).await;
    engine.stop().await;
    assert_eq!(
        log.sequences(BUS).unwrap().start,
        1,
        "a held delivery pins its event"
    );
    drop(engine);

    let forced = keeping(Some(2 << 20));
    let engine = start_with(dir.path(), &log, forced, &paused());
    fill(&log, 1).await;
    let start = trimmed(&log).await;
    let mut given_up = Vec::new();
    log.for_each_state(&mut |state| {
        if state.record.kind == StateKind::Dropped {
            given_up.extend(state.record.sequences);
        }
    })
    .unwrap();
    given_up.sort_unstable();
    let first = given_up.first().copied();
    assert!(first.is_some_and(|first| first <= start), "{first:?} {start}");
    assert!(
        given_up.len() as u64 >= start - 1,
        "{} of {start}",
        given_up.len()
    );
    engine.stop().await;
}

#[tokio::test]
async fn i10_what_a_held_route_loses_to_the_hard_limit_is_on_record_too() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = Arc::new(
        View::from_loaded(
            &Loaded {
                routes: Vec::new(),
                revisions: Vec::new(),
                ..loaded()
            },
            &View::default(),
        )
        .unwrap(),
    );
    let log = log_with(dir.path(), without_window);
    fill(&log, 5).await;
    let engine = start_with(dir.path(), &log, keeping(Some(2 << 20)), &nobody);
    fill(&log, 1).await;
    let start = trimmed(&log).await;
    let mut given_up = std::collections::BTreeSet::new();
    log.for_each_state(&mut |state| {
        if state.record.kind == StateKind::Dropped {
            given_up.extend(state.record.sequences);
        }
    })
    .unwrap();
    assert!((1..start).all(|sequence| given_up.contains(&sequence)), "{start}");
    engine.stop().await;
}

#[tokio::test]
async fn a_test_calls_no_address_that_a_delivery_may_not_call() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), |_| ());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let view = view_of(
        &json!({ "match": { "type": ["t"] }, "targets": [{ "name": "t", "webhook": { "url": url } }] }),
    );
    let engine = start_with(dir.path(), &log, keeping(None), &view);
    let event = br#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    let event = crate::event::event_from_json(&Bytes::from_static(event), None).unwrap();
    let tested = engine.test(ROUTE, event).await.unwrap().unwrap();
    assert_eq!((tested.class.as_str(), tested.status), ("egress_blocked", None));
    assert!(listener.accept().now_or_never().is_none(), "somebody came");
    engine.stop().await;
}
