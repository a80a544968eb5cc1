//! The writer's thread: when it writes, marks and ends.

use super::Writer;
use crate::log::error::LogError;
use crate::log::format::slot::Slot;
use crate::log::queue::Woken;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long the last group may go without a witness when nothing follows it.
const MARK_AFTER: Duration = Duration::from_millis(20);

impl Writer {
    /// Writes until the queue is closed and empty, then closes the log in order.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] after a failed write or sync, which the failure watch describes.
    pub(crate) fn run(mut self) -> Result<(), LogError> {
        let mut work = VecDeque::new();
        let ended = self.serve(&mut work).and_then(|()| self.finish());
        let ended = ended.map_err(|error| {
            // What is durable is published first, so that its callers hear that it is.
            let published = self.publisher.drain();
            let under_way = self.group.abandon().chain(work.drain(..));
            self.shared.poison(published.err().unwrap_or(error), under_way);
            LogError::Poisoned
        });
        self.stop_preparing();
        ended
    }

    fn serve(&mut self, work: &mut VecDeque<crate::log::queue::Request>) -> Result<(), LogError> {
        loop {
            let sync_in = self
                .sync_due
                .map(|due| due.saturating_duration_since(Instant::now()));
            let idle = sync_in.or(self.unmarked.then_some(MARK_AFTER));
            match self.shared.queue.take(work, idle) {
                Woken::Work => self.commit(work)?,
                Woken::Idle if self.group.is_unsynced() => self.settle()?,
                Woken::Idle => self.mark()?,
                Woken::Closing => return Ok(()),
            }
        }
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.settle()?;
        self.publisher.drain()?;
        self.mark()?;
        let mut supers = self.shared.supers.lock();
        let newest = supers.newest();
        supers.write(Slot {
            watermark: self.position,
            clean: true,
            ..newest
        })
    }
}

impl Drop for Writer {
    /// A writer that ends without having closed, which only a panic can cause, must not leave callers waiting.
    fn drop(&mut self) {
        if self.shared.queue.refusal().is_none() {
            let under_way: Vec<_> = self.group.abandon().collect();
            self.shared.poison(LogError::Poisoned, under_way.into_iter());
        }
    }
}
