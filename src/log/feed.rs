//! Durable events as they happen, for readers that keep up.

use super::event::StoredEvent;
use super::ids::BusId;
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Appends a feed holds before its reader lags.
pub(crate) const FEED_APPENDS: usize = 1024;

/// Larger appends are not fed but read, so that the slowest feed holds 64 MiB at most.
pub(crate) const FEED_MAX_BODY: usize = 64 << 10;

/// What travels to the feeds; `None` stands for an append too large to hold.
pub(crate) type Fed = Option<Arc<Durable>>;

/// The events of one append, durable and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable {
    /// Their bus.
    pub bus: BusId,
    /// The events, at least one.
    pub events: Vec<StoredEvent>,
}

/// Why a feed has no next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// Appends were left out: read on from the last sequence handled, then come back.
    #[error("the reader fell behind the feed")]
    Lagged,
    /// The log is gone.
    #[error("the log is closed")]
    Closed,
}

/// A bounded view of the appends that became durable after it was made.
///
/// Per bus the order is that of the sequences. A reader that lags never slows the log down.
#[derive(Debug)]
pub struct Feed {
    receiver: broadcast::Receiver<Fed>,
}

impl Feed {
    /// Follows `sender` from now on.
    pub(crate) fn new(sender: &broadcast::Sender<Fed>) -> Self {
        Self {
            receiver: sender.subscribe(),
        }
    }

    /// The next durable append with events, on any bus. Cancel-safe.
    ///
    /// # Errors
    /// [`FeedError::Lagged`] when some were left out: those that follow are whole again.
    pub async fn next(&mut self) -> Result<Arc<Durable>, FeedError> {
        match self.receiver.recv().await {
            Ok(Some(durable)) => Ok(durable),
            Ok(None) | Err(RecvError::Lagged(_)) => Err(FeedError::Lagged),
            Err(RecvError::Closed) => Err(FeedError::Closed),
        }
    }
}
