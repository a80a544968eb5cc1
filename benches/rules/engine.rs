//! What is measured: ours, a JSON reader that keeps nothing, and a peer.

use std::hint::black_box;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use tramline::pattern::EventView;
use tramline::pattern::Pattern;
use tramline::pattern::RuleSet;
use tramline::pattern::Scalar;

use crate::scenario::Sample;

/// How long one measurement takes at least.
const ROUND: Duration = Duration::from_millis(120);

/// Events per second of `work`, which takes all samples once.
pub(crate) fn rate(samples: usize, mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < ROUND {
        work();
        done += samples;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is not exact")]
    let done = done as f64;
    done / started.elapsed().as_secs_f64()
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Reads whole events and keeps nothing.
pub(crate) fn read_all(samples: &[Sample]) {
    for sample in samples {
        let ignored: serde::de::IgnoredAny = serde_json::from_slice(sample.text.as_bytes()).expect("JSON");
        black_box(ignored);
    }
}

/// Patterns, parsed.
pub(crate) fn parsed(rules: &[Value]) -> Vec<(usize, Pattern)> {
    let pattern = |rule| Pattern::parse(rule).expect("a pattern");
    rules.iter().map(pattern).enumerate().collect()
}

/// The attributes of samples as the matcher gets them.
pub(crate) fn attributes(samples: &[Sample]) -> Vec<Vec<(&str, Scalar<'_>)>> {
    samples.iter().map(attributes_of).collect()
}

fn attributes_of(sample: &Sample) -> Vec<(&str, Scalar<'_>)> {
    let all = sample.attributes.iter();
    all.map(|(name, value)| (*name, Scalar::String(value))).collect()
}

/// Matches all samples; how many rules were found.
pub(crate) fn match_all(
    set: &RuleSet<usize>,
    samples: &[Sample],
    attributes: &[Vec<(&str, Scalar<'_>)>],
) -> usize {
    let mut matches = 0;
    for (sample, attributes) in samples.iter().zip(attributes) {
        let event = EventView {
            attributes,
            data: Some(sample.data.as_bytes()),
        };
        set.each_matching(&event, |key| {
            black_box(key);
            matches += 1;
        });
    }
    matches
}

/// The peer with these rules, if it has their operators and survives them.
pub(crate) fn peer(rules: &[Value]) -> Option<quamina::Quamina<usize>> {
    let build = || {
        let mut peer = quamina::Quamina::new();
        for (key, rule) in rules.iter().enumerate() {
            peer.add_pattern(key, &rule.to_string()).ok()?;
        }
        Some(peer)
    };
    catch_unwind(AssertUnwindSafe(build)).ok().flatten()
}

/// Matches all samples with the peer; `None` if it fails.
pub(crate) fn match_peer(peer: &quamina::Quamina<usize>, samples: &[Sample]) -> Option<usize> {
    let matches_of = |sample: &Sample| Some(peer.matches_for_event(sample.text.as_bytes()).ok()?.len());
    let all = || samples.iter().map(matches_of).sum();
    catch_unwind(AssertUnwindSafe(all)).ok().flatten()
}
