//! The queue between the tasks that append and the thread that writes.

use super::answer::{Answers, Outcome};
use super::error::AppendError;
use super::event::{StateRecord, StoredEvent};
use super::ids::BusId;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// One append, encoded and waiting to be written.
pub(crate) struct Request {
    /// The bus of its events; 0 when it has none.
    pub(crate) bus: BusId,
    /// Its new events; the writer fills in sequence and time.
    pub(crate) events: Vec<StoredEvent>,
    /// Its state records.
    pub(crate) states: Vec<StateRecord>,
    /// The encoded body.
    pub(crate) body: Vec<u8>,
    /// CRC32C of the body.
    pub(crate) body_crc: u32,
    /// Admission it gives back when it is done.
    pub(crate) admitted: u32,
    /// Takes the first sequence (0 without events) once the append is durable.
    pub(crate) done: Option<oneshot::Sender<Outcome>>,
}

impl Request {
    /// Rows that the index of its segment takes for it, but for its frame; a key counts every time.
    pub(crate) fn index_rows(&self) -> usize {
        let of_events = self.events.iter().map(|event| 1 + event.routes.len());
        let of_states = self.states.iter().map(|state| state.sequences.len());
        of_events.chain(of_states).sum()
    }

    /// Answers the caller, once; one that has gone away needs no answer.
    pub(crate) fn answer(&mut self, outcome: Outcome) {
        if let Some(done) = self.done.take() {
            done.send(outcome).ok();
        }
    }

    /// The same, with others.
    pub(crate) fn answer_with(&mut self, answers: &mut Answers, outcome: Outcome) {
        if let Some(done) = self.done.take() {
            answers.push(done, outcome);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Failed,
}

struct State {
    waiting: VecDeque<Request>,
    phase: Phase,
    writer_sleeps: bool,
}

/// Requests in the order they will be written.
///
/// Bounded by admission, which its users take before they push.
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

/// Why the writer was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There are requests.
    Work,
    /// None came within the time given.
    Idle,
    /// None is left and none will come.
    Closing,
}

impl Queue {
    /// An open, empty queue.
    pub(crate) fn new() -> Self {
        let state = State {
            waiting: VecDeque::new(),
            phase: Phase::Open,
            writer_sleeps: false,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
        }
    }

    /// Hands a request to the writer, which answers it from here on whatever happens to the caller.
    ///
    /// # Errors
    /// Gives the request back when the queue is closed or failed.
    pub(crate) fn push(&self, request: Request) -> Result<(), (Box<Request>, AppendError)> {
        let mut state = self.state.lock();
        if let Some(error) = refusal(state.phase) {
            return Err((Box::new(request), error));
        }
        state.waiting.push_back(request);
        let sleeps = std::mem::take(&mut state.writer_sleeps);
        drop(state);
        if sleeps {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }

    /// Why a push would be refused now.
    pub(crate) fn refusal(&self) -> Option<AppendError> {
        refusal(self.state.lock().phase)
    }

    /// Takes everything that waits into `into`, which is empty; sleeps at most `idle` for it.
    pub(crate) fn take(&self, into: &mut VecDeque<Request>, idle: Option<Duration>) -> Woken {
        let deadline = idle.map(|idle| Instant::now() + idle);
        let mut state = self.state.lock();
        loop {
            if !state.waiting.is_empty() {
                std::mem::swap(&mut state.waiting, into);
                return Woken::Work;
            }
            if state.phase != Phase::Open {
                return Woken::Closing;
            }
            state.writer_sleeps = true;
            let timed_out = if let Some(deadline) = deadline {
                self.wake.wait_until(&mut state, deadline).timed_out()
            } else {
                self.wake.wait(&mut state);
                false
            };
            state.writer_sleeps = false;
            if timed_out && state.waiting.is_empty() && state.phase == Phase::Open {
                return Woken::Idle;
            }
        }
    }

    /// Refuses what comes from now on; what waits will be written.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Refuses what comes from now on and returns what waits, to be answered.
    pub(crate) fn fail(&self) -> VecDeque<Request> {
        let mut state = self.state.lock();
        state.phase = Phase::Failed;
        std::mem::take(&mut state.waiting)
    }
}

fn refusal(phase: Phase) -> Option<AppendError> {
    match phase {
        Phase::Open => None,
        Phase::Closing => Some(AppendError::Closed),
        Phase::Failed => Some(AppendError::Poisoned),
    }
}
