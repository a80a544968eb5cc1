//! Delivery on a real log, seen from inside.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::DeadLetterFilter;
use super::Engine;
use super::RouteStatus;
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
use crate::target::Targets;

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
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
        while !engine.routes().iter().any(&wanted) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "{:?}", engine.routes());
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
