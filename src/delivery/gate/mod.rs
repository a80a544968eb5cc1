//! The gate of a route: whether its target may be called now, and by how many at once.
//!
//! Three things close it: a pause or the end of the target, a target that asks for silence, and
//! the circuit breaker. Behind the last two one attempt at a time goes through until the target
//! has answered one. A pure state machine: no I/O, no clock.

mod tally;

use super::bucket::Bucket;
use super::route_state::Disabled;
use super::route_state::Opening;
use super::route_state::RouteState;
use super::route_state::Span;
use crate::catalog::CircuitPolicy;
use crate::catalog::Target;
use crate::clock::Moment;
use tally::Tally;

/// Refused credentials will be refused again for every event: this many in a row open the circuit.
const AUTH_FAILURES: u32 = 5;

/// Who may go through now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// As many as the route may have in flight.
    All,
    /// One at a time, to see whether the target is well.
    One,
    /// Nobody before this steady time, because the target is left alone.
    Later(i64),
    /// Nobody before this steady time, because of the rate.
    Paced(i64),
    /// Nobody until somebody changes that.
    Nobody,
    /// Nobody ever: what comes is a dead letter.
    Refused,
}

/// What an attempt says about its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// It works: it took the event, or refused this one for what it is.
    Answer,
    /// It does not work now.
    Failure {
        /// Because of who we are, not of what we sent.
        is_auth: bool,
    },
    /// It wants silence until then, Unix milliseconds.
    Silence(i64),
    /// It is gone for good; the fingerprint of what is gone.
    Gone(String),
}

/// Whether the circuit lets calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// It does.
    Closed,
    /// It does not.
    Open,
    /// One at a time, to see whether the target is well again.
    HalfOpen,
}

/// The gate of one route.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: RouteState,
    /// Steady times until which silence and circuit close it.
    silent_until: i64,
    open_until: i64,
    /// One attempt at a time until the target answers.
    is_probing: bool,
    tally: Tally,
    bucket: Bucket,
}

impl Gate {
    /// The gate as it was when the process last stopped.
    pub(super) fn restored(state: RouteState, now: Moment) -> Self {
        let end = |span: Span| now.steady_end(span.from_ms, span.until_ms);
        Self {
            silent_until: state.silence.map_or(i64::MIN, end),
            open_until: state.circuit.map_or(i64::MIN, |opening| end(opening.span)),
            is_probing: state.silence.is_some() || state.circuit.is_some(),
            state,
            tally: Tally::default(),
            bucket: Bucket::default(),
        }
    }

    /// Who may go through at this steady time.
    pub(super) fn admit(&self, target: &Target, steady_ms: i64) -> Admission {
        if self.disabled(target).is_some() {
            return Admission::Refused;
        }
        if target.paused || self.state.paused {
            return Admission::Nobody;
        }
        let until = self.closed_until(target.circuit.as_ref());
        if steady_ms < until {
            return Admission::Later(until);
        }
        if let Some(until) = target.rate.and_then(|_| self.bucket.wait(steady_ms)) {
            return Admission::Paced(until);
        }
        if self.is_probing {
            Admission::One
        } else {
            Admission::All
        }
    }

    /// Takes note that an attempt begins.
    pub(super) fn begin(&mut self, target: &Target, steady_ms: i64) {
        if let Some(rate) = target.rate {
            self.bucket.take(rate, steady_ms);
        }
    }

    /// Takes note of an attempt; what is to be recorded if it changes the state.
    pub(super) fn hear(
        &mut self,
        heard: &Heard,
        policy: Option<&CircuitPolicy>,
        now: Moment,
    ) -> Option<RouteState> {
        let is_failure = matches!(heard, Heard::Failure { .. });
        self.tally.count(is_failure, now.steady_ms);
        let is_closed = now.steady_ms < self.closed_until(policy);
        match heard {
            Heard::Gone(destination) => {
                let disabled = Disabled {
                    reason: "gone".to_owned(),
                    destination: destination.clone(),
                };
                self.change(|state| state.disabled = Some(disabled))
            }
            Heard::Silence(until_ms) => self.be_silent(*until_ms, now),
            // What began before the gate closed says nothing new.
            _ if is_closed => None,
            Heard::Answer => {
                self.tally.answer();
                self.open_wide()
            }
            Heard::Failure { is_auth } => {
                self.tally.fail(*is_auth);
                let policy = policy?;
                let is_half_open = self.state.circuit.is_some();
                (is_half_open || self.is_bad(policy, now)).then(|| self.open_circuit(policy, now))
            }
        }
    }

    fn closed_until(&self, policy: Option<&CircuitPolicy>) -> i64 {
        let open_until = policy.map_or(i64::MIN, |_| self.open_until);
        self.silent_until.max(open_until)
    }

    fn be_silent(&mut self, until_ms: i64, now: Moment) -> Option<RouteState> {
        let until = now.steady_end(now.wall_ms, until_ms);
        if until <= self.silent_until.max(now.steady_ms) {
            return None;
        }
        self.silent_until = until;
        self.is_probing = true;
        let from_ms = now.wall_ms;
        self.change(|state| state.silence = Some(Span { from_ms, until_ms }))
    }

    /// Everything that the target brought about is over.
    fn open_wide(&mut self) -> Option<RouteState> {
        self.is_probing = false;
        if self.state.silence.is_none() && self.state.circuit.is_none() {
            return None;
        }
        self.tally.forget();
        self.change(|state| {
            state.silence = None;
            state.circuit = None;
        })
    }

    fn is_bad(&self, policy: &CircuitPolicy, now: Moment) -> bool {
        let auth_failures = policy.failures.min(AUTH_FAILURES);
        self.tally.failures() >= policy.failures
            || self.tally.auth_failures() >= auth_failures
            || self.tally.is_mostly_failing(now.steady_ms)
    }

    fn open_circuit(&mut self, policy: &CircuitPolicy, now: Moment) -> RouteState {
        let times = self.state.circuit.map_or(0, |opening| opening.times) + 1;
        let wait = i64::try_from(policy.wait(times).as_millis()).unwrap_or(i64::MAX);
        let span = Span {
            from_ms: now.wall_ms,
            until_ms: now.wall_ms.saturating_add(wait),
        };
        self.open_until = now.steady_ms.saturating_add(wait);
        self.is_probing = true;
        self.tally.forget();
        self.state = self.state.next();
        self.state.circuit = Some(Opening { span, times });
        self.state.clone()
    }

    /// Somebody pauses the route.
    pub(super) fn pause(&mut self) -> Option<RouteState> {
        self.change(|state| state.paused = true)
    }

    /// The rule of a new route is paused already. What says so is on record for another route.
    pub(super) fn inherit_pause(&mut self) {
        self.state.paused = true;
    }

    /// Somebody wants the route to work again, whatever closed it.
    pub(super) fn resume(&mut self) -> Option<RouteState> {
        let changed = self.change(|state| {
            *state = RouteState {
                n: state.n,
                ..RouteState::default()
            };
        })?;
        *self = Self::restored(changed.clone(), Moment::default());
        Some(changed)
    }

    fn change(&mut self, change: impl FnOnce(&mut RouteState)) -> Option<RouteState> {
        let mut next = self.state.next();
        change(&mut next);
        let is_same = RouteState {
            n: self.state.n,
            ..next.clone()
        } == self.state;
        if is_same {
            return None;
        }
        self.state = next.clone();
        Some(next)
    }

    /// Why nothing is sent to the target any more.
    pub(super) fn disabled(&self, target: &Target) -> Option<&str> {
        let disabled = self.state.disabled.as_ref()?;
        (disabled.destination == target.kind.fingerprint()).then_some(disabled.reason.as_str())
    }

    /// Whether somebody paused the route.
    pub(super) fn is_paused(&self) -> bool {
        self.state.paused
    }

    /// Whether the target asked for silence and has it at this steady time.
    pub(super) fn is_silent(&self, steady_ms: i64) -> bool {
        steady_ms < self.silent_until
    }

    /// What the circuit breaker does at this steady time.
    pub(super) fn circuit(&self, target: &Target, steady_ms: i64) -> CircuitState {
        if self.state.circuit.is_none() || target.circuit.is_none() {
            CircuitState::Closed
        } else if steady_ms < self.open_until {
            CircuitState::Open
        } else {
            CircuitState::HalfOpen
        }
    }

    /// Attempts and failures a second, over the last half minute.
    pub(super) fn rates(&self, steady_ms: i64) -> (f64, f64) {
        self.tally.rates(steady_ms)
    }
}

#[cfg(test)]
mod tests;
