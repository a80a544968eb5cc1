//! Why a broker has not taken a message, or cannot be reached.

use std::time::Duration;

use crate::egress::CallError;
use crate::target::Outcome;
use crate::target::Report;
use crate::target::Until;
use crate::target::judge;

/// How long a route waits for a broker that takes nothing: the memory or disk that it lacks does not
/// come back within a second, and asking is cheap.
const PAUSE: Duration = Duration::from_secs(5);

/// A failure to connect or to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What it means for the delivery.
    pub outcome: Outcome,
    /// Stable name of what happened.
    pub class: &'static str,
    /// What happened, in a sentence for the owner of the target. Never holds a credential.
    pub reason: String,
    /// The link cannot be used again.
    pub is_fatal: bool,
}

impl Trouble {
    /// Trouble with one message, after which the link can be used again.
    pub(crate) fn new(outcome: Outcome, class: &'static str, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            class,
            reason: reason.into(),
            is_fatal: false,
        }
    }

    /// The same with a message that may be taken later.
    pub(crate) fn later(class: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Outcome::RetryLater, class, reason)
    }

    /// The same with a message that will never be taken.
    pub(crate) fn never(class: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Permanent, class, reason)
    }

    /// Nothing was sent, and that is not the broker's fault.
    pub(crate) fn unsent(class: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Outcome::Unsent, class, reason)
    }

    /// The broker takes nothing for a while.
    pub(crate) fn pause(class: &'static str, reason: impl Into<String>) -> Self {
        Self::new(Outcome::PauseRoute(Until::After(PAUSE)), class, reason)
    }

    /// The same, and the link is of no use any more.
    pub(crate) fn fatal(self) -> Self {
        Self {
            is_fatal: true,
            ..self
        }
    }

    /// The report of an attempt that ended so.
    pub(super) fn report(self) -> Report {
        Report::of(self.outcome, self.class, self.reason)
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        let (outcome, class) = judge::meaning(&error);
        Self::new(outcome, class, error.to_string().replace("target", "broker")).fatal()
    }
}
