//! Building large sets, their size, and changing them.

use std::time::Instant;

use serde_json::json;
use tramline::pattern::Pattern;
use tramline::pattern::RuleSet;

use crate::engine;
use crate::scenario;
use crate::scenario::Kind;
use crate::table::Table;

const RULES: usize = 100_000;
const EVENTS: usize = 2_000;
const ROUNDS: usize = 5;
const CHANGES: usize = 100;

/// Measures sets of a hundred thousand exact rules.
pub(crate) fn measure(table: &mut Table) {
    let parsed = engine::parsed(&scenario::rules(Kind::Exact, RULES));
    // First of all, while no memory is free that the set could take unnoticed.
    let before = resident_kib();
    let set = RuleSet::compile(parsed.clone());
    let size = (resident_kib() - before) * 1024.0;
    #[expect(clippy::cast_precision_loss, reason = "so few rules lose none")]
    let rules = RULES as f64;
    table.at_most("memory of a rule", size / rules, 1024.0, "bytes");

    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let rules = parsed.clone();
        let started = Instant::now();
        let set = RuleSet::compile(rules);
        seconds.push(started.elapsed().as_secs_f64());
        drop(set);
    }
    table.at_most("building 100,000 rules", engine::median(seconds), 0.5, "s");

    let one_more = |key: usize| {
        let rule = json!({ "type": [format!("com.example.added{key}")], "data": { "region": ["eu"] } });
        (key, Pattern::parse(&rule).expect("a pattern"))
    };
    let mut milliseconds = Vec::new();
    let mut changed = set.clone();
    for round in 0..CHANGES {
        let rule = one_more(RULES + round);
        let started = Instant::now();
        changed = changed.changed(|key| *key == round, [rule]);
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    }
    table.at_most(
        "adding one rule and removing one",
        engine::median(milliseconds),
        10.0,
        "ms",
    );

    let samples = scenario::events(Kind::Exact, RULES, EVENTS);
    let attributes = engine::attributes(&samples);
    let once = set.changed(|key| *key == 0, [one_more(RULES)]);
    let sets = [&set, &once, &changed];
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (set, rates) in sets.iter().zip(&mut rates) {
            rates.push(engine::rate(EVENTS, || {
                engine::match_all(set, &samples, &attributes);
            }));
        }
    }
    let [fresh, once, often] = rates.map(engine::median);
    let slower = |rate| (fresh / rate - 1.0) * 100.0;
    table.at_most("matching slower after one change", slower(once), 10.0, "%");
    table.at_most("matching slower after a hundred", slower(often), 20.0, "%");
}

/// Memory of this process.
fn resident_kib() -> f64 {
    const PAGE_KIB: f64 = 4.0;
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: f64 = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("a number");
    pages * PAGE_KIB
}
