//! Publishes durable groups on a thread of its own while the writer is at the disk with the next.
//!
//! One group waits at most, so the writer is never more than two groups ahead of what readers see.

use super::publish::Settled;
use crate::log::error::LogError;
use crate::log::format::frame::FrameHeader;
use crate::log::queue::Request;
use crate::log::shared::Shared;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The writer's side.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    /// Started with the first group that is handed over.
    thread: Option<JoinHandle<()>>,
    /// A list to be filled again.
    spare: Vec<(FrameHeader, Request)>,
}

/// Where groups are handed over.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    given: Condvar,
    taken: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Option<Settled>,
    is_busy: bool,
    is_closing: bool,
    /// The thread is gone, which before closing only a panic can cause.
    has_ended: bool,
    spare: Vec<(FrameHeader, Request)>,
}

impl State {
    const fn is_idle(&self) -> bool {
        self.waiting.is_none() && !self.is_busy
    }
}

impl Publisher {
    /// A publisher without a thread yet.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            desk: Arc::default(),
            thread: None,
            spare: Vec::new(),
        }
    }

    /// Publishes a group: here and now if nothing else is to be written meanwhile (`is_last`) and
    /// every earlier group is published, else on the thread, for which it waits until there is room.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] when the thread is gone; the callers of the group learn nothing.
    pub(super) fn publish(&mut self, settled: Settled, is_last: bool) -> Result<(), LogError> {
        if is_last && self.desk.state.lock().is_idle() || !self.has_thread() {
            self.spare = settled.publish(&self.shared);
            return Ok(());
        }
        let mut state = self.desk.state.lock();
        while state.waiting.is_some() && !state.has_ended {
            self.desk.taken.wait(&mut state);
        }
        if state.has_ended {
            return Err(LogError::Poisoned);
        }
        state.waiting = Some(settled);
        self.spare = std::mem::take(&mut state.spare);
        drop(state);
        self.desk.given.notify_one();
        Ok(())
    }

    /// An empty list of frames; one that was used before, if there is one.
    pub(super) fn spare(&mut self) -> Vec<(FrameHeader, Request)> {
        std::mem::take(&mut self.spare)
    }

    /// Waits until every group that was given is published.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] when the thread is gone and some are not.
    pub(super) fn drain(&self) -> Result<(), LogError> {
        let mut state = self.desk.state.lock();
        while !state.is_idle() && !state.has_ended {
            self.desk.taken.wait(&mut state);
        }
        if state.is_idle() {
            Ok(())
        } else {
            Err(LogError::Poisoned)
        }
    }

    /// Whether there is a thread, which is started when there is none.
    fn has_thread(&mut self) -> bool {
        if self.thread.is_none() {
            let (shared, desk) = (Arc::clone(&self.shared), Arc::clone(&self.desk));
            let thread = std::thread::Builder::new().name("log-publish".to_owned());
            self.thread = thread.spawn(move || desk.serve(&shared)).ok();
        }
        self.thread.is_some()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.desk.state.lock().is_closing = true;
        self.desk.given.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that publishes appends panicked");
        }
    }
}

impl Desk {
    /// Publishes what is given until the publisher is dropped.
    fn serve(&self, shared: &Shared) {
        let _ended = Ended(self);
        let mut state = self.state.lock();
        loop {
            if let Some(settled) = state.waiting.take() {
                state.is_busy = true;
                drop(state);
                self.taken.notify_one();
                let spare = settled.publish(shared);
                state = self.state.lock();
                (state.is_busy, state.spare) = (false, spare);
                self.taken.notify_one();
            } else if state.is_closing {
                return;
            } else {
                self.given.wait(&mut state);
            }
        }
    }
}

/// Tells the writer that the thread is gone, also after a panic.
struct Ended<'a>(&'a Desk);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.state.lock().has_ended = true;
        self.0.taken.notify_one();
    }
}
