//! Which segments are no longer wanted, and giving them up.
//!
//! The log decides what is due by age and size; its owner settles what still depends on it and
//! then has it trimmed. Segments go in ascending order only, never above the older of two
//! snapshots, and only after a super slot says so: what is missing later was not given up.

use super::Log;
use super::error::LogError;
use super::format::slot::Slot;
use super::ids::BusId;
use super::index::Part;
use super::segment;
use super::snapshot::Checkpoint;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A segment must be seen over age for this long before it is due, in case the clock is wrong.
const CONFIRMED_AFTER: Duration = Duration::from_mins(10);
/// A step of the wall clock against the monotonic one that makes retention by age wait.
const CLOCK_STEP: Duration = Duration::from_hours(1);

/// How long a log keeps what nobody needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Age of the newest record of a segment.
    pub age: Duration,
    /// Bytes of all segments.
    pub size: Option<u64>,
    /// Bytes of all segments above which even what is needed is given up, on record.
    pub hard_limit: Option<u64>,
}

/// The oldest segment, which may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Where it ends: what [`Log::trim`] takes.
    pub until: Checkpoint,
    /// Even what is needed is to be given up: the hard limit is reached.
    pub is_forced: bool,
    /// The events in it.
    pub sequences: Vec<(BusId, Range<u64>)>,
}

/// What retention remembers from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The oldest segment and since when it is over age.
    over_age: Option<(u64, Instant)>,
    /// The last look, by both clocks.
    last: Option<(i64, Instant)>,
    /// The clock was set: nothing goes by age until then.
    wait_until: Option<Instant>,
}

impl Watch {
    /// Whether the segment at `base` is due by age.
    fn is_due(&mut self, base: u64, is_over_age: bool, wall_ms: i64, now: Instant) -> bool {
        if let Some((wall_before, before)) = self.last.replace((wall_ms, now)) {
            let passed = i64::try_from((now - before).as_millis()).unwrap_or(i64::MAX);
            let step = wall_ms.saturating_sub(wall_before).saturating_sub(passed);
            if step.unsigned_abs() > u64::try_from(CLOCK_STEP.as_millis()).unwrap_or(u64::MAX) {
                tracing::warn!(
                    step_ms = step,
                    "the clock was set: nothing is deleted by age for an hour"
                );
                self.wait_until = Some(now + CLOCK_STEP);
                self.over_age = None;
            }
        }
        if !is_over_age || self.wait_until.is_some_and(|until| now < until) {
            self.over_age = None;
            return false;
        }
        match self.over_age {
            Some((seen, since)) if seen == base => now - since >= CONFIRMED_AFTER,
            // What was confirmed for an older segment holds for those that are over age behind it.
            Some((seen, since)) if seen < base && now - since >= CONFIRMED_AFTER => true,
            _ => {
                self.over_age = Some((base, now));
                false
            }
        }
    }
}

impl Log {
    /// The oldest segment, if its owner may give it up. Blocking.
    ///
    /// Never the active one, never one that reaches into the dedup window, and never one that a
    /// restart may need: above the older of two snapshots.
    ///
    /// # Errors
    /// When an index can be neither read nor built.
    pub fn expired(&self, retention: &Retention) -> Result<Option<Expired>, LogError> {
        self.expired_at(retention, Instant::now())
    }

    pub(super) fn expired_at(
        &self,
        retention: &Retention,
        now: Instant,
    ) -> Result<Option<Expired>, LogError> {
        let shared = &self.inner.shared;
        let sealed = Arc::clone(shared.index.read().sealed());
        let Some(part) = sealed.first() else {
            return Ok(None);
        };
        let end = part.segment().end();
        if end > shared.checkpoints.covered() || self.is_within_dedup_window(part) {
            return Ok(None);
        }
        let (_, time_ms) = part.ask(|index| Ok(index.extent()))?;
        let wall_ms = (shared.now)();
        let age_ms = i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX);
        let is_over_age = wall_ms.saturating_sub(time_ms) > age_ms;
        let is_due = shared
            .retention
            .lock()
            .is_due(part.segment().base, is_over_age, wall_ms, now);
        let size = shared.segments.bytes();
        let is_above = |limit: Option<u64>| limit.is_some_and(|limit| size > limit);
        let is_forced = is_above(retention.hard_limit);
        if !(is_due || is_above(retention.size) || is_forced) {
            return Ok(None);
        }
        let sequences = part.ask(|index| Ok(index.buses()))?;
        Ok(Some(Expired {
            until: Checkpoint(end),
            is_forced,
            sequences: sequences
                .into_iter()
                .map(|entry| (entry.bus, entry.first..entry.end))
                .collect(),
        }))
    }

    fn is_within_dedup_window(&self, part: &Part) -> bool {
        let shared = &self.inner.shared;
        let (now, oldest) = shared.window();
        let index = shared.index.read();
        index.ages().is_younger(part.segment().end() - 1, oldest, now)
    }

    /// Gives up all segments before `until`. Blocking; on return they are gone.
    ///
    /// If the process dies on the way the next opening removes what is left of them.
    ///
    /// # Errors
    /// When the disk says no; the log then still begins at the first segment it has.
    pub fn trim(&self, until: Checkpoint) -> Result<(), LogError> {
        let shared = &self.inner.shared;
        let limit = until.0.min(shared.checkpoints.covered());
        let doomed: Vec<Arc<Part>> = {
            let sealed = Arc::clone(shared.index.read().sealed());
            let before = sealed.iter().take_while(|part| part.segment().end() <= limit);
            before.cloned().collect()
        };
        let Some(last) = doomed.last() else { return Ok(()) };
        let start = last.segment().end();
        {
            let mut supers = shared.supers.lock();
            let newest = supers.newest();
            if newest.start < start {
                supers.write(Slot { start, ..newest })?;
            }
        }
        shared.index.write().trim(doomed.len());
        for part in &doomed {
            shared.segments.remove(part.segment().base);
            segment::remove(&*shared.files, &part.segment().path)?;
        }
        let folder = segment::folder(&shared.config.dir);
        shared
            .files
            .sync_dir(&folder)
            .map_err(LogError::io("sync", &folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_due_after_it_was_over_age_for_ten_minutes() {
        let mut watch = Watch::default();
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let wall = |minutes: i64| minutes * 60_000;
        assert!(!watch.is_due(0, false, wall(0), at(0)));
        assert!(!watch.is_due(0, true, wall(1), at(1)));
        assert!(!watch.is_due(0, true, wall(10), at(10)));
        assert!(watch.is_due(0, true, wall(11), at(11)));
        assert!(watch.is_due(128, true, wall(11), at(11)), "the next one with it");
        assert!(!watch.is_due(256, false, wall(12), at(12)));
        assert!(!watch.is_due(256, true, wall(13), at(13)), "confirmed anew");
    }

    #[test]
    fn a_clock_that_was_set_makes_retention_wait_for_an_hour() {
        let mut watch = Watch::default();
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let year = 365 * 24 * 3_600_000;
        assert!(!watch.is_due(0, true, 0, at(0)));
        assert!(!watch.is_due(0, true, year, at(20)), "a year in twenty minutes");
        assert!(!watch.is_due(0, true, year + 79 * 60_000, at(79)));
        assert!(!watch.is_due(0, true, year + 61 * 60_000, at(81)));
        assert!(watch.is_due(0, true, year + 72 * 60_000, at(92)));
    }
}
