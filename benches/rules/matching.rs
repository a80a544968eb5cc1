//! Events per second, for rules of each kind.

use std::hint::black_box;

use tramline::pattern::RuleSet;

use crate::engine;
use crate::scenario;
use crate::scenario::Kind;
use crate::table::Table;

/// Events of one scenario: as many as caches of the second level do not hold.
const EVENTS: usize = 2_000;

const ROUNDS: usize = 5;

/// So many rules the peer takes in before it takes too long.
const MOST_FOR_PEER: usize = 1_000;

/// Scenarios with their bars, as parts of V.
const BARS: [(Kind, usize, f64); 13] = [
    (Kind::Exact, 1, 1.0),
    (Kind::Exact, 1_000, 0.9),
    (Kind::Exact, 10_000, 0.8),
    (Kind::Exact, 100_000, 0.6),
    (Kind::Fanout, 10_000, 0.45),
    (Kind::Mixed, 1_000, 0.3),
    (Kind::Mixed, 10_000, 0.1),
    (Kind::Bare, 1_000, 0.3),
    (Kind::AnythingBut, 1_000, 0.2),
    (Kind::Array, 1_000, 0.05),
    (Kind::Wildcard, 100, 0.4),
    (Kind::Wildcard, 1_000, 0.2),
    (Kind::Mixed, 100_000, 0.01),
];

/// Measures every scenario.
pub(crate) fn measure(table: &mut Table) {
    // What the peer cannot do it says by panicking.
    std::panic::set_hook(Box::new(|_| {}));
    for (kind, count, bar) in BARS {
        one(kind, count, bar, table);
    }
    drop(std::panic::take_hook());
}

fn one(kind: Kind, count: usize, bar: f64, table: &mut Table) {
    let rules = scenario::rules(kind, count);
    let samples = scenario::events(kind, count, EVENTS);
    let set = RuleSet::compile(engine::parsed(&rules));
    let attributes = engine::attributes(&samples);
    let mut peer = (count <= MOST_FOR_PEER).then(|| engine::peer(&rules)).flatten();
    let found = engine::match_all(&set, &samples, &attributes);
    if let Some(matching) = &peer {
        // A peer that finds something else is no measure.
        peer = (engine::match_peer(matching, &samples) == Some(found))
            .then_some(())
            .and(peer);
    }
    let (mut reading, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reading.push(engine::rate(EVENTS, || engine::read_all(&samples)));
        ours.push(engine::rate(EVENTS, || {
            black_box(engine::match_all(&set, &samples, &attributes));
        }));
        if let Some(peer) = &peer {
            theirs.push(engine::rate(EVENTS, || {
                black_box(engine::match_peer(peer, &samples));
            }));
        }
    }
    let name = format!("{kind:?} {count}, {:.1} matches", average(found));
    let theirs = (!theirs.is_empty()).then(|| engine::median(theirs));
    table.rate(
        &name,
        engine::median(reading),
        engine::median(ours),
        Some(bar),
        theirs,
    );
}

#[expect(clippy::cast_precision_loss, reason = "an average is not exact")]
fn average(found: usize) -> f64 {
    found as f64 / EVENTS as f64
}
