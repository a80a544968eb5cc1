//! Dead letters: what they are, and how they are named and meant.

use std::fmt;
use std::str::FromStr;

use super::record::Attempt;
use crate::event::Event;
use crate::log::RouteId;

/// What a letter takes beside data, reason and attempts, about; and an attempt beside its response.
const LETTER_LEN: usize = 1_024;
const ATTEMPT_LEN: usize = 128;

/// Names one dead letter: its route and the sequence of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId {
    /// The number of its route.
    pub(super) route: u64,
    /// The sequence of its event.
    pub(super) sequence: u64,
}

impl DeadLetterId {
    pub(super) const fn new(route: RouteId, sequence: u64) -> Self {
        let route = route.0;
        Self { route, sequence }
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.route, self.sequence)
    }
}

impl FromStr for DeadLetterId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (route, sequence) = text.split_once('-').ok_or(())?;
        Ok(Self {
            route: route.parse().map_err(drop)?,
            sequence: sequence.parse().map_err(drop)?,
        })
    }
}

/// One delivery that ended without success, with its event.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeadLetterId,
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Sequence of the event on its bus.
    pub sequence: u64,
    /// The event as it was accepted; none if it cannot be read.
    pub event: Option<Event>,
    /// Stable code of the reason.
    pub code: String,
    /// The reason in words.
    pub reason: String,
    /// Every attempt that was charged.
    pub attempts: Vec<Attempt>,
    /// When the first attempt was made, or the event accepted; Unix milliseconds.
    pub first_at_ms: i64,
    /// When the last attempt was made; Unix milliseconds.
    pub last_at_ms: i64,
}

/// Which dead letters are meant; every field left out means all.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Name of the bus.
    pub bus: Option<String>,
    /// Name of the rule.
    pub rule: Option<String>,
    /// Name of the target.
    pub target: Option<String>,
    /// Code of the reason.
    pub code: Option<String>,
    /// Last attempt at or after, Unix milliseconds.
    pub since_ms: Option<i64>,
    /// Last attempt before, Unix milliseconds.
    pub until_ms: Option<i64>,
    /// These letters only.
    pub ids: Option<Vec<DeadLetterId>>,
}

/// Some dead letters, and where the next page begins.
#[derive(Debug)]
pub struct DeadLetterPage {
    /// The letters.
    pub items: Vec<DeadLetter>,
    /// Pass it as `after` to go on; none when there is no more. A page may be short, or empty, and
    /// have a next one: few of the letters looked at were meant.
    pub next: Option<DeadLetterId>,
}

impl DeadLetter {
    /// About how many bytes it takes.
    pub(super) fn len(&self) -> usize {
        let event = self.event.as_ref().map_or(0, |event| event.data().bytes().len());
        let response = |attempt: &Attempt| attempt.response.as_ref().map_or(0, String::len);
        let attempts = self
            .attempts
            .iter()
            .map(|attempt| ATTEMPT_LEN + response(attempt));
        LETTER_LEN + event + self.reason.len() + attempts.sum::<usize>()
    }
}

impl DeadLetterFilter {
    /// Whether letters must be read to know whether they are meant.
    pub(super) const fn asks_for_time(&self) -> bool {
        self.since_ms.is_some() || self.until_ms.is_some()
    }

    /// Whether a letter with this last attempt is meant.
    pub(super) fn admits(&self, last_at_ms: i64) -> bool {
        self.since_ms.is_none_or(|since_ms| last_at_ms >= since_ms)
            && self.until_ms.is_none_or(|until_ms| last_at_ms < until_ms)
    }
}
