//! Who waits for which answer, and what became of the connection.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::oneshot;
use tokio::sync::watch;

use super::wire::Answer;
use super::wire::Info;
use crate::target::queue::Trouble;

/// What a publisher gets to hear.
#[derive(Debug)]
pub(super) enum Verdict {
    /// An answer to its message.
    Answered(Answer),
    /// The server does not let this user publish to its subject.
    Forbidden,
}

/// What the tasks of a connection and its publishers share.
#[derive(Debug)]
pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    max_payload: AtomicUsize,
    /// The server is about to stop and wants no more.
    is_leaving: AtomicBool,
    /// Why the connection has ended, once it has.
    end: watch::Sender<Option<String>>,
    /// The server wants to hear `PONG`.
    pub(super) pinged: Notify,
}

/// Bounded by the publishers, each of which waits for one answer.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    by_token: HashMap<u64, (String, oneshot::Sender<Verdict>), foldhash::fast::RandomState>,
}

/// One answer that is due; nobody waits for it any more when it is dropped.
#[derive(Debug)]
pub(super) struct Due<'a> {
    shared: &'a Shared,
    pub(super) token: u64,
    pub(super) verdict: oneshot::Receiver<Verdict>,
}

impl Drop for Due<'_> {
    fn drop(&mut self) {
        self.shared.waiting.lock().by_token.remove(&self.token);
    }
}

impl Shared {
    pub(super) fn new(info: &Info) -> Self {
        Self {
            waiting: Mutex::default(),
            max_payload: AtomicUsize::new(info.max_payload),
            is_leaving: AtomicBool::new(info.ldm),
            end: watch::Sender::new(None),
            pinged: Notify::new(),
        }
    }

    /// Begins to wait for the answer to a message for `subject`.
    ///
    /// # Errors
    /// `connect_error` when the connection has ended; nothing was sent.
    pub(super) fn expect(&self, subject: &str) -> Result<Due<'_>, Trouble> {
        let (tell, verdict) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        // Under the lock, so that nobody begins to wait after everybody was told of the end.
        if let Some(why) = &*self.end.borrow() {
            let reason = format!("the connection to the NATS server had ended: {why}");
            return Err(Trouble::later("connect_error", reason).fatal());
        }
        let token = waiting.next;
        waiting.next = token.wrapping_add(1);
        waiting.by_token.insert(token, (subject.to_owned(), tell));
        Ok(Due {
            shared: self,
            token,
            verdict,
        })
    }

    /// What became of a message whose answer can no longer come.
    pub(super) fn lost(&self) -> Trouble {
        let why = self
            .end
            .borrow()
            .clone()
            .unwrap_or_else(|| "it was closed".to_owned());
        let reason = format!("the connection to the NATS server ended before the acknowledgement: {why}");
        Trouble::later("ambiguous", reason).fatal()
    }

    pub(super) fn answer(&self, answer: Answer) {
        let waiting = answer
            .token
            .and_then(|token| self.waiting.lock().by_token.remove(&token));
        if let Some((_, tell)) = waiting {
            // Who has gone in this moment needs no answer.
            drop(tell.send(Verdict::Answered(answer)));
        }
    }

    /// Tells everybody who waits at this subject that the user may not publish to it.
    pub(super) fn forbid(&self, subject: &str) {
        let mut waiting = self.waiting.lock();
        for (_, (_, tell)) in waiting.by_token.extract_if(|_, (waits, _)| waits == subject) {
            drop(tell.send(Verdict::Forbidden));
        }
    }

    /// Takes note of what the server has become.
    pub(super) fn update(&self, info: &Info) {
        self.max_payload.store(info.max_payload, Ordering::Relaxed);
        self.is_leaving.store(info.ldm, Ordering::Relaxed);
    }

    pub(super) fn max_payload(&self) -> usize {
        self.max_payload.load(Ordering::Relaxed)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed) || self.end.borrow().is_some()
    }

    /// Ends it for everybody. The first reason stays.
    pub(super) fn finish(&self, why: String) {
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            end.get_or_insert(why);
            is_first
        });
        let left = std::mem::take(&mut self.waiting.lock().by_token);
        drop(left);
    }

    /// The same after a failure of the connection.
    pub(super) fn fail(&self, error: &io::Error) {
        self.finish(if error.kind() == io::ErrorKind::UnexpectedEof {
            "the server closed it".to_owned()
        } else {
            error.to_string()
        });
    }

    /// How many wait for an answer.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.lock().by_token.len()
    }

    /// Waits until the connection has ended.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this value, so there is no other end of the wait.
        drop(self.end.subscribe().wait_for(Option::is_some).await);
    }
}
