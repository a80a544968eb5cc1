//! Which events of a bus are meant: where to begin, and what they must be.

use super::blocking::blocking;
use crate::clock;
use crate::log::BusId;
use crate::log::Log;
use crate::problem::Problem;

/// The sequence that `earliest`, `latest`, a sequence or a time stands for.
pub(super) async fn from(log: &Log, bus: BusId, text: &str) -> Result<u64, Problem> {
    if text == "latest" {
        return Ok(log.next_sequence(bus));
    }
    if let Ok(sequence) = text.parse() {
        return Ok(sequence);
    }
    let time_ms = clock::parse_rfc3339(text);
    if text != "earliest" && time_ms.is_none() {
        let detail = "from is `earliest`, `latest`, a sequence, or a time such as 2026-01-31T12:00:00Z";
        return Err(Problem::new(400, "invalid-from", detail));
    }
    let log = log.clone();
    let look = move || match time_ms {
        Some(time_ms) => Ok(log.sequence_at(bus, time_ms)?),
        None => Ok(log.sequences(bus)?.start),
    };
    blocking(look).await
}

/// Whether a value is the one that is wanted, if any is.
pub(super) fn is(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
