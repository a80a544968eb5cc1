//! What a route as a whole may do, as it is on disk.
//!
//! Every change writes the whole state anew. Changes of one route may be under way at the same
//! time and reach the log in any order, so each has a number and the highest counts.

use serde::Deserialize;
use serde::Serialize;

use super::record;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StateRecord;
use crate::log::StoredState;

/// The state of a route; the default may do everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RouteState {
    /// Which change of the route made it, from 1.
    pub(super) n: u64,
    /// Somebody paused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) paused: bool,
    /// Its target will take nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled: Option<Disabled>,
    /// Its target asked for silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) silence: Option<Span>,
    /// Its circuit has opened and not closed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) circuit: Option<Opening>,
}

/// Why a route is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Disabled {
    /// Stable word.
    pub(super) reason: String,
    /// Fingerprint of the destination that it holds for: another one is tried again.
    pub(super) destination: String,
}

/// From one moment to another, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

/// A circuit that is open, or half open once its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    #[serde(flatten)]
    pub(super) span: Span,
    /// How often it opened in a row.
    pub(super) times: u32,
}

impl RouteState {
    /// The same state with another number, before a change.
    pub(super) fn next(&self) -> Self {
        Self {
            n: self.n + 1,
            ..self.clone()
        }
    }

    /// Whether nothing was ever recorded. A state that is as at first again still has its number,
    /// which older records must not pass.
    pub(super) fn is_new(&self) -> bool {
        self.n == 0
    }

    /// Takes the place of what is known, if the record is newer.
    pub(super) fn replace_with(&mut self, record: &StoredState) {
        if let Some(state) = record::read::<Self>(record).filter(|state| state.n > self.n) {
            *self = state;
        }
    }

    /// The record of it.
    pub(super) fn record(&self, route: RouteId) -> StateRecord {
        StateRecord {
            route,
            payload: record::json(self),
            ..StateRecord::new(StateKind::RouteState)
        }
    }
}
