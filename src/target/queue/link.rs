//! What a kind of broker has to be able to do.

use super::endpoint::Endpoint;
use super::message::Message;
use super::trouble::Trouble;
use crate::egress::Dialer;

/// One connection to one broker, used by any number of routes at once.
///
/// It never connects again by itself and never sends anything twice: whatever is wrong breaks it, and
/// the next message asks for another one. What was sent and not confirmed counts as unknown.
pub(super) trait BrokerLink: Sized + Send + Sync + 'static {
    /// Where on the broker a message goes.
    type Address: Send + Sync;

    /// Connects and logs in. Cancel-safe.
    fn connect(endpoint: &Endpoint, dialer: &Dialer) -> impl Future<Output = Result<Self, Trouble>> + Send;

    /// Publishes one message and returns when the broker has taken it on.
    ///
    /// Dropped, the outcome is unknown; later messages are not confused.
    fn publish(
        &self,
        to: &Self::Address,
        message: &Message<'_>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Whether it is of no use any more.
    fn is_broken(&self) -> bool;

    /// Says goodbye, within about a second.
    fn close(self) -> impl Future<Output = ()> + Send;
}
