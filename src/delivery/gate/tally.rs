//! Counts how attempts end: in a row, and over the last half minute.

use std::collections::VecDeque;

/// How far back the window reaches, in seconds.
const WINDOW_SECONDS: i64 = 30;
/// Fewer attempts in the window say nothing about their share.
const LEAST_ATTEMPTS: u32 = 20;

/// How the attempts of one route ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    failures: u32,
    auth_failures: u32,
    /// The seconds that had attempts, oldest first.
    window: VecDeque<Second>,
}

#[derive(Debug, Clone, Copy)]
struct Second {
    at: i64,
    attempts: u32,
    failures: u32,
}

impl Tally {
    /// One more attempt in the window.
    pub(super) fn count(&mut self, is_failure: bool, steady_ms: i64) {
        let second = steady_ms.div_euclid(1_000);
        if self.window.back().is_none_or(|last| last.at != second) {
            self.window.push_back(Second {
                at: second,
                attempts: 0,
                failures: 0,
            });
        }
        if let Some(last) = self.window.back_mut() {
            last.attempts = last.attempts.saturating_add(1);
            last.failures = last.failures.saturating_add(u32::from(is_failure));
        }
        while self
            .window
            .front()
            .is_some_and(|first| first.at <= second - WINDOW_SECONDS)
        {
            self.window.pop_front();
        }
    }

    /// The target works: no row any more.
    pub(super) fn answer(&mut self) {
        self.failures = 0;
        self.auth_failures = 0;
    }

    /// One more failure in a row.
    pub(super) fn fail(&mut self, is_auth: bool) {
        self.failures = self.failures.saturating_add(1);
        self.auth_failures = if is_auth {
            self.auth_failures.saturating_add(1)
        } else {
            0
        };
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Failures in a row that were about who we are.
    pub(super) fn auth_failures(&self) -> u32 {
        self.auth_failures
    }

    /// Whether half of at least twenty attempts in the window failed.
    pub(super) fn is_mostly_failing(&self, steady_ms: i64) -> bool {
        let (attempts, failures) = self.sums(steady_ms);
        attempts >= LEAST_ATTEMPTS && failures.saturating_mul(2) >= attempts
    }

    /// Attempts and failures a second in the window.
    pub(super) fn rates(&self, steady_ms: i64) -> (f64, f64) {
        let (attempts, failures) = self.sums(steady_ms);
        let seconds = 30.0;
        (f64::from(attempts) / seconds, f64::from(failures) / seconds)
    }

    fn sums(&self, steady_ms: i64) -> (u32, u32) {
        let oldest = steady_ms.div_euclid(1_000) - WINDOW_SECONDS;
        let in_window = self.window.iter().filter(|second| second.at > oldest);
        in_window.fold((0, 0), |(attempts, failures): (u32, u32), second| {
            (
                attempts.saturating_add(second.attempts),
                failures.saturating_add(second.failures),
            )
        })
    }
}
