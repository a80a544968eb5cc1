//! Which events of a bus are meant: where to begin, and what they must be.

use crate::clock;
use crate::log::BusId;
use crate::log::Log;
use crate::problem::Problem;

/// The sequence that `earliest`, `latest`, a sequence or a time stands for.
pub(super) fn from(log: &Log, bus: BusId, text: &str) -> Result<u64, Problem> {
    match text {
        "earliest" => Ok(log.sequences(bus).start),
        "latest" => Ok(log.sequences(bus).end),
        _ => text
            .parse()
            .ok()
            .or_else(|| clock::parse_rfc3339(text).map(|time_ms| log.sequence_at(bus, time_ms)))
            .ok_or_else(|| {
                let detail =
                    "from is `earliest`, `latest`, a sequence, or a time such as 2026-01-31T12:00:00Z";
                Problem::new(400, "invalid-from", detail)
            }),
    }
}

/// Whether a value is the one that is wanted, if any is.
pub(super) fn is(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
