//! Noticing a full disk before the log is touched.

use super::Log;
use super::shared::Shared;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// How often the free space is looked at, milliseconds.
const EVERY_MS: i64 = 1_000;
/// The reserve is this part of the disk, in percent, …
const RESERVE_PERCENT: u64 = 5;
/// … at least so many segments, …
const RESERVE_SEGMENTS: u64 = 3;
/// … and no more than this, unless the segments are larger: a large disk needs no more.
const RESERVE_MOST: u64 = 2 << 30;

/// The state of the disk as publishing sees it.
#[derive(Debug, Default)]
pub(crate) struct SpaceWatch {
    is_full: AtomicBool,
    is_used_up: AtomicBool,
    looked_at: AtomicI64,
    was_looked_at: AtomicBool,
}

#[cfg(test)]
impl SpaceWatch {
    /// The next look is due at once.
    pub(crate) fn forget(&self) {
        self.was_looked_at.store(false, Relaxed);
    }
}

/// Space of a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// What an ordinary process may still use.
    pub(crate) free: u64,
    /// All of it.
    pub(crate) total: u64,
}

impl Space {
    /// What is kept free for what must go on when publishing stops.
    fn reserve(self, segment_size: u64) -> u64 {
        let least = segment_size.saturating_mul(RESERVE_SEGMENTS);
        (self.total / 100 * RESERVE_PERCENT).min(RESERVE_MOST).max(least)
    }
}

impl Shared {
    /// Whether events are refused because the disk is full; looks at it about once a second.
    pub(crate) fn is_storage_full(&self) -> bool {
        let (now, space) = (self.at(), &self.space);
        let last = space.looked_at.load(Relaxed);
        let is_first = !space.was_looked_at.swap(true, Relaxed);
        let is_due = is_first || now - last >= EVERY_MS;
        if is_due
            && space
                .looked_at
                .compare_exchange(last, now, Relaxed, Relaxed)
                .is_ok()
        {
            self.look_at_space();
        }
        space.is_full.load(Relaxed)
    }

    /// A segment could not be prepared for want of space: events are refused until there is some.
    pub(crate) fn storage_is_full(&self) {
        self.space.looked_at.store(self.at(), Relaxed);
        if !self.space.is_full.swap(true, Relaxed) {
            tracing::error!(dir = %self.config.dir.display(), "the disk is full: events are refused, deliveries go on");
        }
    }

    /// Whether the reserve for state records is used up as well.
    pub(crate) fn reserve_is_used_up(&self, is_used_up: bool) {
        if self.space.is_used_up.swap(is_used_up, Relaxed) != is_used_up && is_used_up {
            tracing::error!("the reserve is used up: nothing is delivered until there is room on the disk");
        }
    }

    fn look_at_space(&self) {
        // A file system that cannot tell is taken for one with room: the writer finds out.
        let Ok(space) = self.files.space(&self.config.dir) else {
            return;
        };
        let reserve = space.reserve(self.config.segment_size);
        let was_full = self.space.is_full.load(Relaxed);
        if was_full && space.free > reserve.saturating_mul(2) {
            self.space.is_full.store(false, Relaxed);
            self.space.is_used_up.store(false, Relaxed);
            tracing::info!(
                free = space.free,
                "there is room on the disk again: events are accepted"
            );
        } else if !was_full && space.free < reserve {
            self.storage_is_full();
        }
    }
}

impl Log {
    /// Whether not even the outcome of a delivery could be recorded, so that none should be tried.
    #[must_use]
    pub fn is_reserve_used_up(&self) -> bool {
        let shared = &self.inner.shared;
        shared.is_storage_full() && shared.space.is_used_up.load(Relaxed)
    }

    /// Whether events are refused because the disk is full. Costs a system call about once a second.
    #[must_use]
    pub fn is_storage_full(&self) -> bool {
        self.inner.shared.is_storage_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_a_part_of_the_disk_within_bounds() {
        let space = |total| Space { free: 0, total };
        assert_eq!(space(100 << 20).reserve(1 << 20), 5 << 20);
        assert_eq!(space(40 << 20).reserve(1 << 20), 3 << 20);
        assert_eq!(space(4 << 40).reserve(128 << 20), RESERVE_MOST);
        assert_eq!(space(4 << 40).reserve(1 << 30), 3 << 30);
    }
}
