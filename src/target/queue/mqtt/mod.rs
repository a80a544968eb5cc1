//! MQTT 5 brokers, with quality of service 1.
//!
//! One connection, a session that ends with it, a client id of its own. Each message has the number
//! of its packet until the broker acknowledges that number with a reason; as many are in flight as the
//! broker allows. Nothing is ever sent again: after the end of a session its messages are unknown.
//!
//! Packets and the state of the protocol are those of `rumqttc`. Its event loop is not used: it
//! connects by itself, to a name, where the guard cannot see it, sends again after a lost connection,
//! and tells no publisher which acknowledgement is its own.

mod flight;
mod handshake;
mod judge;
mod packet;
mod publication;
mod session;

#[cfg(test)]
mod broker_tests;
#[cfg(test)]
mod hostile_tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::Endpoint;
use super::Message;
use super::Trouble;
use super::link::BrokerLink;
use super::place::Place;
use super::words::Words;
use crate::egress::Dialer;
use session::Session;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The topic: not empty, without `+`, `#` and NUL, at most 65,535 bytes.
    pub(crate) topic: String,
}

/// One connection to a broker, shared by any number of publishers.
pub(crate) struct Link {
    session: Arc<Session>,
    /// Reads and writes; ends with the link.
    task: Mutex<JoinSet<()>>,
}

impl BrokerLink for Link {
    type Address = Address;

    /// Connects and logs in. Has no deadline of its own; dropped, it closes the connection.
    ///
    /// # Errors
    /// Why there is no session; nothing was published.
    async fn connect(endpoint: &Endpoint, dialer: &Dialer) -> Result<Self, Trouble> {
        let place = Place::of(&endpoint.url, ("mqtt", 1883), ("mqtts", 8883))?;
        let mut stream = dialer.open(&place.host, place.port, place.is_secure).await?;
        let words = Words::without(endpoint.password.as_ref());
        let mut come = BytesMut::with_capacity(16 * 1024);
        let limits = handshake::login(&mut stream, &mut come, endpoint, &words).await?;
        let session = Arc::new(Session::new(limits, words));
        let mut task = JoinSet::new();
        let running = Arc::clone(&session);
        task.spawn(async move { running.run(tokio::io::split(stream), come).await });
        let task = Mutex::new(task);
        Ok(Self { session, task })
    }

    /// Publishes one message and waits until the broker has taken it on.
    ///
    /// Has no deadline of its own. Dropped before it is sent, nothing is sent; dropped later, the
    /// broker may have it, and its acknowledgement is of nobody's concern.
    ///
    /// # Errors
    /// What it means for the delivery.
    async fn publish(&self, to: &Address, message: &Message<'_>) -> Result<(), Trouble> {
        let answer = self.session.send(to, message).await?;
        match answer.await {
            Ok(ack) => self.session.judge(&ack, to),
            Err(_) => Err(self.session.unanswered()),
        }
    }

    /// Whether it is of no use any more.
    fn is_broken(&self) -> bool {
        self.session.is_over()
    }

    /// Says goodbye, within a second or so. What is not acknowledged by then is
    /// `ambiguous`; nothing can be published any more.
    async fn close(self) {
        self.session.leave();
        let mut task = std::mem::take(&mut *self.task.lock());
        // Late or not: what is left of it ends here.
        drop(tokio::time::timeout(GOODBYE, task.join_next()).await);
    }
}
