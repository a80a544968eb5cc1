//! A closed loop: every connection sends its next request when the last is answered.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;

use super::payload::Payload;
use super::statistics::Latencies;
use super::wire::Wire;

/// What a round showed.
pub(crate) struct Measured {
    /// Events accepted per second.
    pub(crate) events_per_second: f64,
    /// From sending a request to its answer.
    pub(crate) latencies: Latencies,
}

/// Sends for `warm_up`, then sends and counts for `time`.
///
/// # Panics
/// If anything but 202 is answered.
pub(crate) async fn run(
    address: SocketAddr,
    connections: usize,
    payload: &Payload,
    warm_up: Duration,
    time: Duration,
) -> Measured {
    let from = Instant::now() + warm_up;
    let until = from + time;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(connection(address, payload.clone(), from, until));
    }
    let latencies = Latencies::merge(tasks.join_all().await);
    let events = latencies.count() * payload.events();
    Measured {
        events_per_second: super::statistics::rate(events, time),
        latencies,
    }
}

async fn connection(address: SocketAddr, mut payload: Payload, from: Instant, until: Instant) -> Latencies {
    let mut wire = Wire::connect(address).await.expect("a connection");
    let mut latencies = Latencies::default();
    loop {
        let sent = Instant::now();
        exchange(&mut wire, payload.fresh()).await;
        let answered = Instant::now();
        if answered >= until {
            return latencies;
        }
        if answered >= from {
            latencies.add(answered - sent);
        }
    }
}

/// Sends one request; its answer must be 202.
pub(crate) async fn exchange(wire: &mut Wire, request: &[u8]) {
    wire.send(request).await.expect("a request is sent");
    let answer = wire.receive().await.expect("an answer").expect("an answer");
    assert!(
        answer.head.starts_with(b"HTTP/1.1 202"),
        "refused: {} {}",
        String::from_utf8_lossy(answer.head),
        String::from_utf8_lossy(answer.body)
    );
}
