//! What delivery asks of ingest: where an event of the server's own making goes.

use crate::event::Event;
use crate::log::BusId;
use crate::log::NewEvent;

/// Decides about events that delivery itself brings: system events, replies, events for another bus.
///
/// Delivery appends them, so that an event and the record of the delivery it comes from can be
/// one frame.
pub trait Publish: Send + Sync {
    /// The event with its decision, ready for the log, and the number of its bus. Nothing is stored.
    ///
    /// # Errors
    /// Why it cannot be published now.
    fn prepare(&self, bus: &str, event: &Event) -> Result<(BusId, NewEvent), Unpublishable>;
}

/// Why an event cannot be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublishable {
    /// A stable code, such as `no-such-bus`.
    pub code: &'static str,
    /// The reason in words.
    pub why: String,
}
