//! Meters of the hot path, looked up once.

use std::time::Duration;

use metrics::Counter;
use metrics::Histogram;

const ATTEMPTS: &str = "tramline_delivery_attempts_total";
const OK: &str = "ok";

/// How attempts end, and how long they take.
pub(super) struct Meters {
    ok: Counter,
    seconds: Histogram,
}

impl Meters {
    /// Meters of the recorder that is installed now.
    pub(super) fn new() -> Self {
        Self {
            ok: metrics::counter!(ATTEMPTS, "class" => OK),
            seconds: metrics::histogram!("tramline_delivery_attempt_seconds"),
        }
    }

    /// Counts one attempt.
    pub(super) fn attempt(&self, class: &str, took: Duration) {
        if class == OK {
            self.ok.increment(1);
        } else {
            metrics::counter!(ATTEMPTS, "class" => class.to_owned()).increment(1);
        }
        self.seconds.record(took);
    }
}
