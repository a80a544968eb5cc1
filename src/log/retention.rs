//! Which segments are no longer wanted, and giving them up.
//!
//! The log decides what is due by age and size; its owner settles what still depends on it and
//! then has it trimmed. Segments go in ascending order only, never above the older of two
//! snapshots, and only after a super slot says so: what is missing later was not given up.

use super::Log;
use super::error::LogError;
use super::format::slot::Slot;
use super::ids::BusId;
use super::index::{Part, Parts};
use super::segment;
use super::snapshot::Checkpoint;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A segment must be seen over age for this long before it is due, in case the clock is wrong; or
/// for as long as the age itself: then it certainly is that old.
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
    /// Where the segments over age ended, and since when; ascending in both.
    over_age: VecDeque<(u64, Instant)>,
    /// The last look, by both clocks.
    last: Option<(i64, Instant)>,
    /// The clock was set: nothing goes by age until then.
    wait_until: Option<Instant>,
}

impl Watch {
    /// Segments before `over_age` are over age by the wall clock: the position before which they
    /// were so for as long as `confirm`.
    fn confirmed(&mut self, over_age: u64, confirm: Duration, (wall_ms, now): (i64, Instant)) -> u64 {
        if let Some((wall_before, before)) = self.last.replace((wall_ms, now)) {
            let passed = i64::try_from((now - before).as_millis()).unwrap_or(i64::MAX);
            let step = wall_ms.saturating_sub(wall_before).saturating_sub(passed);
            if step.unsigned_abs() > u64::try_from(CLOCK_STEP.as_millis()).unwrap_or(u64::MAX) {
                tracing::warn!(
                    step_ms = step,
                    "the clock was set: nothing is deleted by age for an hour"
                );
                self.wait_until = Some(now + CLOCK_STEP);
            }
        }
        if self.wait_until.is_some_and(|until| now < until) {
            self.over_age.clear();
            return 0;
        }
        // A clock that went back takes back what it said.
        while self.over_age.back().is_some_and(|(end, _)| *end > over_age) {
            self.over_age.pop_back();
        }
        if self.over_age.back().map_or(0, |(end, _)| *end) < over_age {
            self.over_age.push_back((over_age, now));
        }
        let count = self
            .over_age
            .partition_point(|(_, since)| now - *since >= confirm);
        self.over_age.drain(..count.saturating_sub(1));
        let confirmed = self.over_age.front().filter(|_| count > 0);
        confirmed.map_or(0, |(end, _)| *end)
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
        let (age, wall_ms) = (retention.age, (shared.now)());
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let over_age = end_of_older(&sealed, wall_ms.saturating_sub(age_ms))?;
        let confirm = age.min(CONFIRMED_AFTER);
        let confirmed = (shared.retention.lock()).confirmed(over_age, confirm, (wall_ms, now));
        let is_due = end <= confirmed;
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

/// Behind the last of the first segments whose newest record is older than `time_ms`.
fn end_of_older(sealed: &Parts, time_ms: i64) -> Result<u64, LogError> {
    let mut end = 0;
    for part in sealed.iter() {
        let (_, newest) = part.ask(|index| Ok(index.extent()))?;
        if newest >= time_ms {
            break;
        }
        end = part.segment().end();
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// A look so many minutes after the start, by both clocks.
    fn at(start: Instant, minutes: u64) -> (i64, Instant) {
        let wall_ms = i64::try_from(minutes).unwrap() * MINUTE;
        (wall_ms, start + Duration::from_mins(minutes))
    }

    #[test]
    fn each_segment_is_due_after_it_was_over_age_for_ten_minutes() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let mut look = |minutes, over_age| watch.confirmed(over_age, CONFIRMED_AFTER, at(start, minutes));
        assert_eq!(look(0, 0), 0);
        assert_eq!(look(1, 128), 0);
        assert_eq!(look(4, 256), 0);
        assert_eq!(look(10, 256), 0);
        assert_eq!(look(11, 256), 128);
        assert_eq!(look(12, 384), 128, "the next one was seen later");
        assert_eq!(look(14, 384), 256);
        assert_eq!(look(22, 384), 384);
        assert_eq!(look(23, 0), 0, "the clock went back");
        assert_eq!(look(24, 384), 0, "to be confirmed anew");
        assert_eq!(look(34, 384), 384);
    }

    #[test]
    fn a_clock_that_was_set_makes_retention_wait_for_an_hour() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let year = 365 * 24 * 60 * MINUTE;
        let mut look = |minutes, ahead: i64| {
            let (wall_ms, now) = at(start, minutes);
            watch.confirmed(128, CONFIRMED_AFTER, (wall_ms + ahead, now))
        };
        assert_eq!(look(0, 0), 0);
        assert_eq!(look(20, year), 0, "a year in twenty minutes");
        assert_eq!(look(79, year), 0);
        assert_eq!(look(81, year), 0);
        assert_eq!(look(91, year), 128);
    }
}
