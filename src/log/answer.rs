//! How callers learn what became of their appends, many at a time.
//!
//! Waking a task from a thread that is not its runtime's costs a lock and often a system call. So
//! the writer hands the answers of a whole group to one task, which wakes the callers from inside
//! the runtime, where that is cheap. Without a runtime, or after its end, they are given directly.

use super::error::AppendError;
use std::sync::OnceLock;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// The first sequence of an append (0 without events), or why it is not stored.
pub(crate) type Outcome = Result<u64, AppendError>;

/// Answers that are to be given, each once; dropping them gives them.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<(oneshot::Sender<Outcome>, Outcome)>);

impl Answers {
    /// One more.
    pub(crate) fn push(&mut self, caller: oneshot::Sender<Outcome>, outcome: Outcome) {
        self.0.push((caller, outcome));
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (caller, outcome) in self.0.drain(..) {
            // Whoever has gone away needs no answer.
            caller.send(outcome).ok();
        }
    }
}

/// The way into the runtime of those who append.
#[derive(Debug, Default)]
pub(crate) struct Answering {
    /// To the task, which lives as long as the log; bounded by what may wait for the disk.
    task: OnceLock<mpsc::UnboundedSender<Answers>>,
}

impl Answering {
    /// Starts the task with the first append that comes from a runtime.
    pub(crate) fn start(&self) {
        if self.task.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            self.task.get_or_init(|| {
                let (sender, mut groups) = mpsc::unbounded_channel();
                runtime.spawn(async move { while groups.recv().await.map(drop).is_some() {} });
                sender
            });
        }
    }

    /// Gives answers; if the runtime is gone, here and now.
    pub(crate) fn give(&self, answers: Answers) {
        match self.task.get() {
            // An error holds the answers, and gives them when it is dropped.
            Some(task) => task.send(answers).unwrap_or_else(drop),
            None => drop(answers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(n: u64) -> (Answers, Vec<oneshot::Receiver<Outcome>>) {
        let mut answers = Answers::default();
        let receivers = (0..n).map(|n| {
            let (caller, answered) = oneshot::channel();
            answers.push(caller, Ok(n));
            answered
        });
        let receivers = receivers.collect();
        (answers, receivers)
    }

    #[tokio::test]
    async fn everybody_who_still_listens_is_answered() {
        let answering = Answering::default();
        answering.start();
        let (answers, mut receivers) = callers(3);
        drop(receivers.remove(1));
        answering.give(answers);
        assert_eq!(receivers.pop().unwrap().await, Ok(Ok(2)));
        assert_eq!(receivers.pop().unwrap().await, Ok(Ok(0)));
    }

    #[test]
    fn answers_are_given_without_a_runtime_and_after_its_end() {
        let answering = Answering::default();
        answering.start();
        for _ in 0..2 {
            let (answers, mut receivers) = callers(1);
            answering.give(answers);
            assert_eq!(receivers.pop().unwrap().try_recv(), Ok(Ok(0)));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async { answering.start() });
        }
    }
}
