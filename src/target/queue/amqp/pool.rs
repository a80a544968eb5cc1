//! The channels of a connection, each with one message at a time.
//!
//! One at a time, because a broker closes a channel for one bad message, and because a message that
//! comes back is matched by the client with whatever is acknowledged next, which is another message
//! when several are acknowledged at once. So no message can spoil, or be taken for, another one; as
//! many messages are in flight as there are channels.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use lapin::Channel;
use lapin::Connection;
use lapin::options::ConfirmSelectOptions;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Most messages in flight: some times what one route sends at once, and few enough for a broker that
/// keeps a process for each channel.
pub(super) const CHANNELS: u16 = 256;
/// So many messages that were given up make a connection not worth keeping.
const GIVEN_UP: usize = CHANNELS as usize / 2;

/// Channels that wait for a message, and places for more.
pub(super) struct Pool {
    places: Arc<Semaphore>,
    /// The one that was used last is used first, so that no more are opened than are needed.
    idle: Mutex<Vec<Channel>>,
    given_up: AtomicUsize,
}

impl Pool {
    /// No channel yet.
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(CHANNELS.into())),
            idle: Mutex::default(),
            given_up: AtomicUsize::new(0),
        }
    }

    /// Waits for a place and gives a channel that acknowledges messages. Cancel-safe.
    ///
    /// # Errors
    /// The connection opens no more channels; nothing was sent.
    pub(super) async fn lease(&self, connection: &Connection) -> lapin::Result<Lease<'_>> {
        // Never closed as long as somebody can ask.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let idle = || self.idle.lock().pop();
        let connected = std::iter::from_fn(idle).find(|channel| channel.status().connected());
        let channel = if let Some(channel) = connected {
            channel
        } else {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            channel
        };
        Ok(Lease {
            pool: self,
            channel: Some(channel),
            place,
        })
    }

    /// Whether so many messages were given up that a new connection is better: each of them has taken
    /// a place with it, because it may still wait to be written.
    pub(super) fn is_worn_out(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) > GIVEN_UP
    }
}

/// A channel for one message. Dropped instead of finished, it closes its channel: the message may be
/// on its way, and its acknowledgement shall meet no other one.
pub(super) struct Lease<'a> {
    pool: &'a Pool,
    channel: Option<Channel>,
    place: Option<OwnedSemaphorePermit>,
}

impl Lease<'_> {
    /// The channel, until the lease is finished.
    pub(super) fn channel(&self) -> Option<&Channel> {
        self.channel.as_ref()
    }

    /// The message has its answer: the channel is free for the next one, if it is still open.
    pub(super) fn finish(mut self) {
        let channel = self.channel.take();
        if let Some(channel) = channel.filter(|channel| channel.status().connected()) {
            self.pool.idle.lock().push(channel);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let (Some(_given_up), Some(place)) = (self.channel.take(), self.place.take()) {
            place.forget();
            self.pool.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}
