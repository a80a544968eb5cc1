//! Medians and percentiles.

use std::time::Duration;

/// Latencies of one round.
#[derive(Default)]
pub(crate) struct Latencies {
    micros: Vec<u32>,
}

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, latency: Duration) {
        self.micros
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// All of these, sorted.
    pub(crate) fn merge(parts: Vec<Self>) -> Self {
        let mut micros: Vec<u32> = parts.into_iter().flat_map(|part| part.micros).collect();
        micros.sort_unstable();
        Self { micros }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u64 {
        self.micros.len() as u64
    }

    /// Milliseconds that `percent` of the merged latencies do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.micros.len() * percent).div_ceil(100).saturating_sub(1);
        self.micros
            .get(rank)
            .map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }
}

/// The middle one; NaN of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many a second.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    ratio(count, 1) / time.as_secs_f64()
}

/// `part` in units of `whole`.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
