//! Gathers finished deliveries and records them in groups.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::failpoint;
use super::record;
use super::record::Finished;
use crate::log::AppendError;
use crate::log::Log;
use crate::log::RouteId;

/// A finished delivery is on disk at the latest this long after it ended; a crash in between
/// repeats it.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// Finished deliveries that may wait for their record; beyond it the workers wait.
const MAX_PENDING: usize = 65_536;
/// Bytes of one frame at first; a log that takes less says so.
const FRAME_BYTES: usize = 256 * 1024;
/// What a record takes in its frame beside its entries, rounded up.
const RECORD_BYTES: usize = 96;
/// What one finished delivery takes: its sequence and its entry.
const ENTRY_BYTES: usize = 8 + record::FINISHED_LEN;
/// How often the last record is tried after the stop, each for as long as the log waits for room.
const LAST_TRIES: usize = 8;

/// Deliveries that ended well and are not recorded yet.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pending: Mutex<Pending>,
    filled: Notify,
    drained: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    by_route: HashMap<RouteId, Vec<Finished>>,
    count: usize,
}

impl Progress {
    /// Takes one finished delivery; waits while too many are unrecorded.
    ///
    /// Cancel-safe: a dropped future has taken nothing or everything.
    pub(super) async fn push(&self, route: RouteId, finished: Finished) {
        loop {
            let drained = self.drained.notified();
            {
                let mut pending = self.pending.lock();
                if pending.count < MAX_PENDING {
                    pending.count += 1;
                    pending.by_route.entry(route).or_default().push(finished);
                    self.filled.notify_one();
                    return;
                }
            }
            drained.await;
        }
    }

    /// The lowest sequence of a route that waits for its record.
    pub(super) fn lowest(&self, route: RouteId) -> Option<u64> {
        let pending = self.pending.lock();
        pending
            .by_route
            .get(&route)?
            .iter()
            .map(|entry| entry.sequence)
            .min()
    }

    /// A delivery that has ended and waits for its record.
    pub(super) fn find(&self, route: RouteId, sequence: u64) -> Option<Finished> {
        let pending = self.pending.lock();
        pending
            .by_route
            .get(&route)?
            .iter()
            .find(|entry| entry.sequence == sequence)
            .copied()
    }

    /// Waits until a delivery that has ended is on record. Cancel-safe.
    ///
    /// Whatever is recorded of it afterwards comes behind its end in the log.
    pub(super) async fn recorded(&self, route: RouteId, sequence: u64) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            // Listen before looking, so that a record in between is heard.
            drained.as_mut().enable();
            if self.find(route, sequence).is_none() {
                return;
            }
            drained.await;
        }
    }

    /// Records what was taken, at most every [`FLUSH_AFTER`], until `stop`; then what is left.
    ///
    /// Returns early when the log is closed: the process ends, and the deliveries repeat.
    pub(super) async fn run(&self, log: &Log, stop: CancellationToken) {
        let mut max_bytes = FRAME_BYTES;
        let mut last_tries = LAST_TRIES;
        while last_tries > 0 {
            if stop.is_cancelled() {
                last_tries -= 1;
            } else {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.filled.notified() => {
                        stop.run_until_cancelled(tokio::time::sleep(FLUSH_AFTER)).await;
                    }
                }
            }
            match self.flush(log, max_bytes).await {
                Ok(()) if stop.is_cancelled() => return,
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(%error, "finished deliveries could not be recorded");
                    match error {
                        AppendError::OutcomeUnknown | AppendError::Poisoned | AppendError::Closed => return,
                        AppendError::TooLarge { max, .. } => max_bytes = max.min(max_bytes / 2),
                        _ => {}
                    }
                    // What was not recorded is taken up again, whether or not more comes.
                    self.filled.notify_one();
                }
            }
        }
    }

    /// Records everything that is pending at the call, each route in turn, in frames of `max_bytes`.
    async fn flush(&self, log: &Log, max_bytes: usize) -> Result<(), AppendError> {
        let mut left: VecDeque<_> = {
            let pending = self.pending.lock();
            let routes = pending.by_route.iter();
            routes.map(|(route, finished)| (*route, finished.len())).collect()
        };
        while !left.is_empty() {
            let taken = take_frame(&mut left, max_bytes);
            let records = {
                let pending = self.pending.lock();
                let record = |(route, count): &(RouteId, usize)| {
                    let finished = pending.by_route.get(route)?.get(..*count)?;
                    Some(record::progress(*route, finished))
                };
                taken.iter().filter_map(record).collect()
            };
            failpoint::around("progress", log.record(records)).await?;
            self.forget(&taken);
        }
        Ok(())
    }

    fn forget(&self, recorded: &[(RouteId, usize)]) {
        let mut pending = self.pending.lock();
        for (route, count) in recorded {
            pending.count -= count;
            if let Some(left) = pending.by_route.get_mut(route) {
                left.drain(..count);
                if left.is_empty() {
                    pending.by_route.remove(route);
                }
            }
        }
        drop(pending);
        self.drained.notify_waiters();
    }
}

/// Takes from the front what fits into one frame: at least one entry, a route at most once.
fn take_frame(left: &mut VecDeque<(RouteId, usize)>, max_bytes: usize) -> Vec<(RouteId, usize)> {
    let (mut taken, mut used) = (Vec::new(), 0);
    while let Some((route, count)) = left.pop_front() {
        let room = max_bytes.saturating_sub(used + RECORD_BYTES) / ENTRY_BYTES;
        let fits = count.min(room).max(usize::from(taken.is_empty()));
        if fits > 0 {
            taken.push((route, fits));
        }
        if fits < count {
            left.push_front((route, count - fits));
            break;
        }
        used += RECORD_BYTES + fits * ENTRY_BYTES;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::again::Again;
    use crate::delivery::tests::PATIENCE;
    use crate::delivery::tests::log_with;
    use crate::target::Phases;

    fn finished(sequence: u64) -> Finished {
        Finished {
            sequence,
            at_ms: 1,
            ms: 2,
            status: 200,
            phases: Phases::default(),
        }
    }

    #[tokio::test]
    async fn what_is_too_much_for_one_frame_is_recorded_in_several() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_with(dir.path(), |config| config.max_body = 4 << 10);
        let progress = Progress::default();
        for sequence in 1..=1_000 {
            progress.push(RouteId(1 + sequence % 3), finished(sequence)).await;
        }
        let stop = CancellationToken::new();
        stop.cancel();
        progress.run(&log, stop).await;
        assert_eq!(progress.pending.lock().count, 0);
        for sequence in 1..=1_000 {
            let states = log.route_states(RouteId(1 + sequence % 3), sequence).unwrap();
            let found: Vec<_> = states
                .iter()
                .map(|state| record::finished_in(state, sequence))
                .collect();
            assert_eq!(found, [Some(finished(sequence))]);
        }
    }

    #[tokio::test]
    async fn a_record_that_the_log_had_no_room_for_is_written_later() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_with(dir.path(), |config| {
            config.admission_bytes = 1;
            config.admission_wait = Duration::ZERO;
        });
        let (progress, stop) = (Progress::default(), CancellationToken::new());
        let others = async {
            let other = || log.record(vec![record::redriven(RouteId(9), vec![1], &Again::default())]);
            while progress.pending.lock().count > 0 {
                // While one of them is with the disk there is no room for the record.
                futures_util::future::join_all((0..8).map(|_| other())).await;
            }
            stop.cancel();
        };
        progress.push(RouteId(1), finished(1)).await;
        let work = async { tokio::join!(others, progress.run(&log, stop.clone())) };
        tokio::time::timeout(PATIENCE, work).await.unwrap();
        assert_eq!(log.route_states(RouteId(1), 1).unwrap().len(), 1);
    }
}
