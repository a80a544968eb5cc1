//! What delivery asks of ingest: where an event of the server's own making goes.

use crate::event::Event;
use crate::log::BusId;
use crate::log::NewEvent;

/// Decides about events that delivery itself brings: system events, replies, events for another bus.
///
/// Delivery appends them, so that an event and the record of the delivery it comes from can be
/// one frame.
pub trait Publish: Send + Sync {
    /// The event with its decision, ready for the log, and the number of its bus; none if there
    /// is no bus of that name. Pure: nothing is stored.
    fn prepare(&self, bus: &str, event: &Event) -> Option<(BusId, NewEvent)>;
}
