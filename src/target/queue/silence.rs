//! Notices a peer that has gone without a word.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So long may a peer that owes answers say nothing before its link is given up. Longer than any
/// pause of a healthy broker, shorter than the default deadline of an attempt.
const LIMIT: Duration = Duration::from_secs(5);

/// Watches whether answers come, for no connection says by itself that its peer has vanished.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    /// Since when answers have been due and none has come.
    since: Option<Instant>,
    is_dead: bool,
}

impl Silence {
    /// Begins to wait for one answer.
    pub(super) fn wait(&self) -> Waiting<'_> {
        let mut state = self.0.lock();
        state.waiting += 1;
        state.since.get_or_insert_with(Instant::now);
        Waiting {
            silence: self,
            is_answered: false,
        }
    }

    /// Whether somebody gave up waiting while nothing at all had come for too long.
    pub(super) fn is_dead(&self) -> bool {
        self.0.lock().is_dead
    }

    fn finish(&self, is_answered: bool) {
        let mut state = self.0.lock();
        state.waiting = state.waiting.saturating_sub(1);
        if is_answered {
            state.since = (state.waiting > 0).then(Instant::now);
            state.is_dead = false;
        } else if state.since.is_some_and(|since| since.elapsed() >= LIMIT) {
            state.is_dead = true;
        }
    }
}

/// One answer that is due. Dropping it is giving up.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    silence: &'a Silence,
    is_answered: bool,
}

impl Waiting<'_> {
    /// The peer has said something.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.silence.finish(self.is_answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_dead_only_when_somebody_gave_up_and_nothing_came_for_long() {
        let silence = Silence::default();
        drop(silence.wait());
        assert!(!silence.is_dead(), "it was not silent for long");
        tokio::time::advance(LIMIT).await;
        silence.wait().answered();
        drop(silence.wait());
        assert!(!silence.is_dead(), "it has answered since");

        let (first, second) = (silence.wait(), silence.wait());
        tokio::time::advance(LIMIT / 2).await;
        first.answered();
        tokio::time::advance(LIMIT / 2).await;
        drop(second);
        assert!(!silence.is_dead(), "it answered somebody else");

        drop(silence.wait());
        tokio::time::advance(LIMIT).await;
        drop(silence.wait());
        assert!(silence.is_dead(), "many short waits are one long one");
    }
}
