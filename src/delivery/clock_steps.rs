//! F22: steps of the system's clock while deliveries wait, seen through the engine.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::tests;
use super::tests::PATIENCE;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::target::Policy;

/// Events that wait at once.
const EVENTS: usize = 10;
/// Between the attempts of one delivery.
const WAIT: Duration = Duration::from_secs(3);
/// Between the attempts of the route, by its rate.
const SPACING: Duration = Duration::from_millis(100);
/// What a busy machine may take longer; nothing beside two hours.
const SLACK: Duration = Duration::from_secs(20);
const TWO_HOURS_MS: i64 = 2 * 60 * 60 * 1_000;

/// The system's clock, whose time of day somebody sets.
#[derive(Debug, Default)]
struct Stepped(AtomicI64);

impl Clock for Stepped {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::Relaxed)
    }

    fn steady_ms(&self) -> i64 {
        SystemClock.steady_ms()
    }
}

/// A target that refuses the first [`EVENTS`] calls and notes when each came.
struct Target {
    url: String,
    calls: Arc<Mutex<Vec<Instant>>>,
    _serving: JoinSet<()>,
}

impl Target {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (mut serving, noted) = (JoinSet::new(), Arc::clone(&calls));
        serving.spawn(async move {
            let mut answering = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let count = {
                    let mut calls = noted.lock();
                    calls.push(Instant::now());
                    calls.len()
                };
                let status = if count <= EVENTS { "500 Oops" } else { "200 OK" };
                answering.spawn(answer(stream, status));
            }
        });
        Self {
            url,
            calls,
            _serving: serving,
        }
    }

    /// When each call came, once there are so many.
    async fn calls(&self, count: usize) -> Vec<Instant> {
        let wait = async {
            while self.calls.lock().len() < count {
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await;
        assert!(came.is_ok(), "{} of {count} calls", self.calls.lock().len());
        self.calls.lock().clone()
    }
}

/// Answers one request, and closes: each call comes over a connection of its own.
async fn answer(mut stream: TcpStream, status: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Lets all deliveries fail once, steps the clock, with a restart or without, and gives how long the
/// first and the last second attempt came after that.
async fn waits_after(step_ms: i64, is_restarted: bool) -> (Duration, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let (log, target) = (tests::log_with(dir.path(), |_| ()), Target::start().await);
    let spec = json!({ "match": { "type": ["t"] }, "targets": [{
        "name": "t", "webhook": { "url": target.url }, "rate": "10/s", "circuit": "off",
        "retry": { "strategy": "fixed", "initial": "3s", "jitter": "none" },
    }] });
    let view = tests::view_of(&spec);
    let clock = Arc::new(Stepped::default());
    let policy = Arc::new(Policy::new(vec!["127.0.0.1/32".parse().unwrap()]));
    let start = || {
        tests::start_at(
            dir.path(),
            &log,
            &view,
            (Arc::clone(&policy), Arc::clone(&clock) as _),
        )
    };
    for n in 0..EVENTS {
        let event = format!(r#"{{"specversion":"1.0","id":"{n}","source":"/s","type":"t"}}"#);
        tests::append(&log, Bytes::from(event)).await;
    }
    let mut engine = start();
    target.calls(EVENTS).await;
    tests::until(&engine, |route| (route.in_flight, route.retrying) == (0, EVENTS)).await;
    let step = || {
        clock.0.store(step_ms, Ordering::Relaxed);
        Instant::now()
    };
    let stepped = if is_restarted {
        engine.stop().await;
        drop(engine);
        let stepped = step();
        engine = start();
        stepped
    } else {
        step()
    };
    let calls = target.calls(2 * EVENTS).await;
    tests::until(&engine, |route| (route.in_flight, route.retrying) == (0, 0)).await;
    engine.stop().await;
    let second = &calls[EVENTS..];
    let since = |call: Instant| call.saturating_duration_since(stepped);
    assert_eq!(calls.len(), 2 * EVENTS, "nobody is called once more");
    (since(second[0]), since(second[EVENTS - 1]))
}

#[tokio::test]
async fn f22_a_clock_that_is_set_forward_hurries_no_retry() {
    let (first, last) = waits_after(TWO_HOURS_MS, false).await;
    assert!(first >= WAIT / 3, "it came {first:?} after the step");
    assert!(last <= WAIT + SLACK, "{last:?}");
}

#[tokio::test]
async fn f22_a_clock_that_is_set_back_delays_no_retry() {
    let (_, last) = waits_after(-TWO_HOURS_MS, false).await;
    assert!(last <= WAIT + SLACK, "{last:?}");
}

/// Only the time of day survives a restart: all are due at once, and still come at the rate.
#[tokio::test]
async fn f22_after_a_restart_two_hours_later_what_is_due_comes_at_the_rate_of_the_target() {
    let (first, last) = waits_after(TWO_HOURS_MS, true).await;
    assert!(first < WAIT, "they are due: {first:?}");
    let spread = last.saturating_sub(first);
    let at_the_rate = SPACING * (u32::try_from(EVENTS).unwrap() - 1);
    assert!(spread >= at_the_rate * 8 / 10, "a burst within {spread:?}");
}

#[tokio::test]
async fn f22_after_a_restart_two_hours_earlier_nobody_waits_longer_than_was_asked() {
    let (_, last) = waits_after(-TWO_HOURS_MS, true).await;
    assert!(last <= WAIT + SLACK, "{last:?}");
}
