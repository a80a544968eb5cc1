//! How fast the next segment is prepared: ahead of the active one, but not all at once.
//!
//! Zeros share disk and processor with the log's own writes. Written in one go they would make
//! every append wait for a second; spread over the life of the active segment nobody notices.

use parking_lot::Condvar;
use parking_lot::Mutex;
use std::time::Duration;
use std::time::Instant;

/// Bytes prepared at once, before the active segment has used any.
const LEAD: u64 = 8 << 20;
/// Prepared for each byte that the active segment has used: it is ready when that one is half full.
const FACTOR: u64 = 2;
/// A step that nothing asks for is made after this time, so that an idle log gets ready too.
const IDLE_STEP: Duration = Duration::from_millis(100);

/// What the writer allows its preparing thread.
pub(super) struct Pace {
    state: Mutex<State>,
    changed: Condvar,
    idle_step: Duration,
}

struct State {
    allowed: u64,
    is_waiting: bool,
    is_cancelled: bool,
    has_failed: bool,
}

impl Pace {
    /// Only the lead is allowed.
    pub(super) const fn new() -> Self {
        Self::with_idle_step(IDLE_STEP)
    }

    const fn with_idle_step(idle_step: Duration) -> Self {
        let state = State {
            allowed: LEAD,
            is_waiting: false,
            is_cancelled: false,
            has_failed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            idle_step,
        }
    }

    /// The active segment has used so many bytes.
    pub(super) fn used(&self, bytes: u64) {
        self.allow(LEAD + bytes * FACTOR);
    }

    /// The file is needed now.
    pub(super) fn hurry(&self) {
        self.allow(u64::MAX);
    }

    /// The file is not needed any more.
    pub(super) fn cancel(&self) {
        self.state.lock().is_cancelled = true;
        self.changed.notify_one();
    }

    /// The file could not be made.
    pub(super) fn fail(&self) {
        self.state.lock().has_failed = true;
    }

    /// Whether the file could not be made.
    pub(super) fn has_failed(&self) -> bool {
        self.state.lock().has_failed
    }

    /// Waits until bytes from `offset` on may be written; false when nobody wants them.
    pub(super) fn wait(&self, offset: u64) -> bool {
        let deadline = Instant::now() + self.idle_step;
        let mut state = self.state.lock();
        while !state.is_cancelled && offset >= state.allowed {
            state.is_waiting = true;
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.is_waiting = false;
        !state.is_cancelled
    }

    fn allow(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.allowed = state.allowed.max(bytes);
        if state.is_waiting {
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wait that ends by itself would hang the test.
    const NEVER: Duration = Duration::from_hours(1);

    #[test]
    fn what_the_writer_allows_is_made_at_once() {
        let pace = Pace::with_idle_step(NEVER);
        assert!(pace.wait(LEAD - 1));
        pace.used(1 << 20);
        assert!(pace.wait(LEAD + FACTOR * (1 << 20) - 1));
        pace.hurry();
        assert!(pace.wait(1 << 40));
    }

    #[test]
    fn a_step_that_nothing_asks_for_is_made_all_the_same() {
        let pace = Pace::with_idle_step(Duration::from_millis(1));
        assert!(pace.wait(LEAD));
    }

    #[test]
    fn a_preparation_that_waits_ends_when_it_is_cancelled() {
        let pace = Pace::with_idle_step(NEVER);
        std::thread::scope(|threads| {
            let preparing = threads.spawn(|| pace.wait(LEAD));
            pace.cancel();
            assert!(!preparing.join().unwrap());
        });
    }
}
