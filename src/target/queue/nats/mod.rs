//! Publishes to streams of NATS `JetStream`.
//!
//! The protocol is spoken here and not by a client library: it takes the connection that the guard
//! opened, checks the certificate for the host of the URL, never follows the servers that a server
//! names, never reconnects, and hears which of its messages an asynchronous error is about.
//!
//! A message is delivered when the stream has acknowledged it (`PubAck`). `Nats-Msg-Id` is the
//! webhook id, so a repetition within the stream's duplicate window is stored once. What goes over
//! the wire: `Content-Type` and the event in JSON format, or in binary mode `ce-…` headers, the
//! content type as `ce-datacontenttype` among them, and the data.

mod ack;
mod frame;
mod login;
mod shared;
pub(crate) mod subject;
#[cfg(test)]
mod tests;
mod traffic;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Endpoint;
use super::Message;
use super::Trouble;
use super::link::BrokerLink;
use super::silence::Silence;
use crate::egress::Dialer;
use frame::Frame;
use shared::Shared;
use shared::Verdict;
use traffic::Order;

/// Longest wait for the last messages to be written when a link is closed.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where in NATS a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The subject; a stream must take it.
    pub subject: String,
}

/// One connection to a NATS server. Any number of publishes may be in flight.
pub(crate) struct Link {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
    /// What replies come to, but for the number at its end; nobody else can guess it.
    inbox: String,
    silence: Silence,
    /// Writes and reads; ends with the link.
    _tasks: JoinSet<()>,
}

impl BrokerLink for Link {
    type Address = Address;

    /// Connects, logs in with user and password, or with a token when there is a user alone.
    ///
    /// `nats://` is secured when the server demands it, `tls://` always. Cancel-safe.
    ///
    /// # Errors
    /// `auth_failed` when the user may not log in or not hear the answers; `tls_error`,
    /// `connect_error`, `protocol_error`, `config_error`, and those of the dialer.
    async fn connect(endpoint: &Endpoint, dialer: &Dialer) -> Result<Self, Trouble> {
        let inbox = format!("_INBOX.{:032x}.", rand::random::<u128>());
        let login = login::login(endpoint, dialer, &inbox).await?;
        let shared = Arc::new(Shared::new(&login.info));
        let (orders, ordered) = mpsc::channel(traffic::QUEUE);
        let (from, to) = tokio::io::split(login.stream);
        let mut tasks = JoinSet::new();
        tasks.spawn(traffic::write(to, ordered, Arc::clone(&shared)));
        tasks.spawn(traffic::read(BufReader::new(from), Arc::clone(&shared)));
        Ok(Self {
            shared,
            orders,
            inbox,
            silence: Silence::default(),
            _tasks: tasks,
        })
    }

    /// Publishes one message and waits until a stream has it.
    ///
    /// Dropping the future leaves it open whether the stream gets the message.
    ///
    /// # Errors
    /// `unroutable` for what is no subject; `config_error` when no stream takes it; `auth_failed`
    /// when the user may not publish to it; `too_large`; `throttled` when the stream is full;
    /// `nacked`; `ambiguous` when the connection ended; `connect_error` when it had ended before.
    async fn publish(&self, to: &Address, message: &Message<'_>) -> Result<(), Trouble> {
        subject::check(&to.subject)?;
        let mut due = self.shared.expect(&to.subject)?;
        let frame = Frame::new(&to.subject, &format!("{}{}", self.inbox, due.token), message);
        let limit = self.shared.max_payload();
        if frame.size > limit {
            let (size, subject) = (frame.size, &to.subject);
            let reason =
                format!("the message for `{subject}` has {size} bytes; the NATS server takes {limit}");
            return Err(Trouble::never("too_large", reason));
        }
        let waiting = self.silence.wait();
        if self.orders.send(Order::Publish(frame)).await.is_err() {
            return Err(self.shared.lost());
        }
        let verdict = (&mut due.verdict).await;
        waiting.answered();
        match verdict {
            Ok(Verdict::Answered(answer)) => ack::judge(&to.subject, &answer),
            Ok(Verdict::Forbidden) => {
                let reason = format!("the user may not publish to the subject `{}`", to.subject);
                Err(Trouble::later("auth_failed", reason))
            }
            Err(_) => Err(self.shared.lost()),
        }
    }

    /// Whether it has ended, is about to end, or its server has gone silent.
    fn is_broken(&self) -> bool {
        self.shared.is_ending() || self.silence.is_dead()
    }

    /// Writes what is left and closes, within about a second. Who still waits gets `ambiguous`.
    async fn close(self) {
        let closing = async {
            // It may have ended already.
            drop(self.orders.send(Order::Close).await);
            self.shared.ended().await;
        };
        if tokio::time::timeout(GOODBYE, closing).await.is_err() {
            self.shared.finish("it was closed".to_owned());
        }
    }
}
