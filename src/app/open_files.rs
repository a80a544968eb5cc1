//! The limit of open files: raised at start, and shared out.

use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;

use crate::http::MAX_CONNECTIONS;

/// Kept for the log, the catalog and what the runtime opens.
const RESERVE: u64 = 256;
/// Without so many connections there is no use in serving at all.
const MIN_CONNECTIONS: usize = 16;

/// Raises the limit as far as the system lets us, and gives how many connections may be served.
pub(super) fn connections() -> usize {
    let limit = raised();
    let places = share(limit);
    if places < MAX_CONNECTIONS {
        tracing::warn!(
            limit,
            places,
            "the limit of open files leaves room for fewer connections than usual"
        );
    }
    places
}

/// The limit in force afterwards; `None` means that there is none.
fn raised() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let highest = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, highest) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            limit.current
        }
    }
}

/// One half of what is not reserved is for clients, the other for deliveries.
fn share(limit: Option<u64>) -> usize {
    let half = limit.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVE) / 2);
    usize::try_from(half)
        .unwrap_or(usize::MAX)
        .clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_deliveries_and_files() {
        for (limit, places) in [
            (None, MAX_CONNECTIONS),
            (Some(1_048_576), MAX_CONNECTIONS),
            (Some(4_096), 1_920),
            (Some(1_024), 384),
            (Some(64), MIN_CONNECTIONS),
        ] {
            assert_eq!(share(limit), places, "{limit:?}");
        }
    }
}
