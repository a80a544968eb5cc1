//! Delivery on a real log, seen from inside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::json;

use super::DeadLetter;
use super::DeadLetterFilter;
use super::Engine;
use super::RouteStatus;
use super::dead_letters::PageBounds;
use crate::catalog::BusName;
use crate::catalog::BusRow;
use crate::catalog::Loaded;
use crate::catalog::Meta;
use crate::catalog::RevisionRow;
use crate::catalog::RouteRow;
use crate::catalog::RuleName;
use crate::catalog::TargetName;
use crate::catalog::View;
use crate::clock::Clock as _;
use crate::clock::SystemClock;
use crate::log::BusId;
use crate::log::DedupKey;
use crate::log::Log;
use crate::log::LogConfig;
use crate::log::NewEvent;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::target::Targets;

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
const BUS: BusId = BusId(1);
const ROUTE: RouteId = RouteId(1);

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
    let (rule, target) = (RuleName::parse("r").unwrap(), TargetName::parse("t").unwrap());
    let spec = json!({ "match": { "type": ["t"] }, "targets": [{ "name": "t", "echo": {} }] });
    let loaded = Loaded {
        meta: Meta { log_uuid: None },
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
    };
    Arc::new(View::from_loaded(&loaded).unwrap())
}

fn start(log: &Log) -> Engine {
    drop(rustls::crypto::ring::default_provider().install_default());
    let targets = Targets::new(Arc::default()).unwrap();
    Engine::start(log.clone(), targets, Arc::new(SystemClock), &view()).unwrap()
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
async fn until(engine: &Engine, wanted: impl Fn(&RouteStatus) -> bool) {
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
    let engine = start(&log);
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
    let engine = start(&log);
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
    let engine = start(&log);
    until(&engine, |route| route.dead == 5).await;
    let pages = |code: Option<&str>, bounds: PageBounds| {
        let filter = DeadLetterFilter {
            code: code.map(str::to_owned),
            ..DeadLetterFilter::default()
        };
        let (mut after, mut sizes) = (None, Vec::new());
        loop {
            let page = engine.dead_letter_page(&filter, after, bounds).unwrap();
            sizes.push(page.items.len());
            after = page.next;
            if after.is_none() {
                return sizes;
            }
        }
    };
    let all = PageBounds {
        letters: 5,
        scanned: 5,
        bytes: 1 << 20,
    };
    assert_eq!(pages(None, all), [5]);
    assert_eq!(pages(None, PageBounds { letters: 2, ..all }), [2, 2, 1]);
    assert_eq!(pages(None, PageBounds { bytes: 1, ..all }), [1; 5]);
    assert_eq!(pages(Some("other"), all), [0]);
    assert_eq!(pages(Some("other"), PageBounds { scanned: 2, ..all }), [0; 3]);
    engine.stop().await;
}

#[tokio::test]
async fn a_redrive_whose_caller_goes_away_is_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_with(dir.path(), |_| ());
    log.append(BUS, vec![senseless(1)], Vec::new()).await.unwrap();
    let engine = start(&log);
    until(&engine, |route| route.dead == 1).await;
    let gone = engine.redrive(DeadLetterFilter::default()).now_or_never();
    assert!(gone.is_none());
    let deaths = || {
        let states = log.route_states(ROUTE, 1).unwrap();
        let is_death = |kind| kind == StateKind::Dead;
        states.iter().filter(|state| is_death(state.record.kind)).count()
    };
    until(&engine, |_| deaths() == 2).await;
    engine.stop().await;
}
