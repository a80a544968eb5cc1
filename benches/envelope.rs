//! What it costs to read one structured event of 1 KiB: our envelope beside the SDK's event.
//!
//! `cargo bench --bench envelope`. Medians of five rounds, the two in alternation.
#![expect(
    clippy::expect_used,
    reason = "a benchmark ends where its world does not hold"
)]

use std::hint::black_box;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use tramline::event::event_from_json;

const ROUNDS: usize = 5;
const EVENTS: u32 = 100_000;

fn main() {
    let event = event();
    let text = Bytes::from(event.clone());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(|| {
            drop(black_box(event_from_json(&text, None).expect("an event")));
        }));
        theirs.push(timed(|| {
            drop(black_box(
                serde_json::from_str::<cloudevents::Event>(&event).expect("an event"),
            ));
        }));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "structured event of {} bytes, median of {ROUNDS} rounds of {EVENTS}",
        text.len()
    );
    println!("  own envelope     {:>8.2} µs", ours.as_secs_f64() * 1e6);
    println!("  cloudevents-sdk  {:>8.2} µs", theirs.as_secs_f64() * 1e6);
    println!(
        "  ratio            {:>8.1}",
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}

fn timed(mut work: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..EVENTS {
        work();
    }
    started.elapsed() / EVENTS
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort_unstable();
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

/// An order with some items, 1 KiB in all.
fn event() -> String {
    let item = |n: u32| format!(r#"{{"sku":"sku-{n:05}","quantity":{n},"price":{n}.95,"tags":["a","b"]}}"#);
    let items: Vec<_> = (1..=12).map(item).collect();
    format!(
        r#"{{"specversion":"1.0","id":"8c1f1a52-7a52-4d3e-9c55-0c6a1e3f2b11","source":"/shop/berlin","type":"com.example.order.created","subject":"o-1","time":"2026-01-31T12:00:00Z","data":{{"id":"o-1","total":250.5,"customer":{{"name":"Ada Lovelace","city":"London"}},"items":[{}]}}}}"#,
        items.join(",")
    )
}
