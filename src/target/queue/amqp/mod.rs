//! `RabbitMQ`, over AMQP 0-9-1 with publisher confirms.
//!
//! One connection, a channel for each message in flight, used again when its message has its answer.
//! A message that no queue gets comes back and is acknowledged nevertheless; that is a failure. A
//! missing or forbidden exchange costs one channel and no other message. The client neither connects
//! by itself nor again: the connection comes from the guard, and with it the link ends.

mod content;
mod declare;
mod inbound;
mod judge;
mod login;
mod pool;
mod runtime;
mod wire;

#[cfg(test)]
mod broker_tests;
#[cfg(test)]
mod hostile_tests;

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::Connection;
use lapin::Event;
use lapin::options::BasicPublishOptions;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Endpoint;
use super::Message;
use super::Trouble;
use super::link::BrokerLink;
use super::place::Place;
use super::words::Words;
use crate::catalog::Declare;
use crate::egress::Dialer;
use declare::Declared;
use pool::Lease;
use pool::Pool;
use wire::Hangup;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Name of the exchange; empty for the default exchange. At most 255 bytes.
    pub(crate) exchange: String,
    /// What the exchange routes by. At most 255 bytes.
    pub(crate) routing_key: String,
    /// Whether a message that no queue gets is a failure.
    pub(crate) mandatory: bool,
    /// What is to be declared first.
    pub(crate) declare: Declare,
}

/// One connection to a broker, shared by any number of publishers.
pub(crate) struct Link {
    connection: Connection,
    pool: Pool,
    declared: Declared,
    /// Why the broker takes nothing, while it does not.
    blocked: watch::Receiver<Option<String>>,
    words: Words,
    hangup: Hangup,
    /// Listens to what the broker says of the connection; ends with the link.
    _listening: JoinSet<()>,
}

impl BrokerLink for Link {
    type Address = Address;

    /// Connects and logs in. Has no deadline of its own; dropped, it closes the connection.
    ///
    /// # Errors
    /// Why there is no connection; nothing was published.
    async fn connect(endpoint: &Endpoint, dialer: &Dialer) -> Result<Self, Trouble> {
        let place = Place::of(&endpoint.url, ("amqp", 5672), ("amqps", 5671))?;
        let stream = dialer.open(&place.host, place.port, place.is_secure).await?;
        let words = Words::without(endpoint.password.as_ref());
        let hangup = Hangup::default();
        let connection = login::login(hangup.over(stream), place, endpoint, &words).await?;
        let (told, blocked) = watch::channel(None);
        let mut listening = JoinSet::new();
        listening.spawn(listen(connection.events_listener(), told));
        Ok(Self {
            connection,
            pool: Pool::new(),
            declared: Declared::default(),
            blocked,
            words,
            hangup,
            _listening: listening,
        })
    }

    /// Publishes one message, persistent, and waits until the broker has taken it on: until every
    /// queue that gets it has it on disk, as far as those queues are durable.
    ///
    /// Has no deadline of its own. Dropped before it is sent, nothing is sent; dropped later, the
    /// broker may have it, and its acknowledgement meets no other message.
    ///
    /// # Errors
    /// What it means for the delivery. A message that came back, or was not acknowledged, is never a
    /// success.
    async fn publish(&self, to: &Address, message: &Message<'_>) -> Result<(), Trouble> {
        let exchange = content::short("name of the exchange", &to.exchange)?;
        let routing_key = content::short("routing key", &to.routing_key)?;
        let properties = content::properties(message)?;
        let options = BasicPublishOptions {
            mandatory: to.mandatory,
            immediate: false,
        };
        let lease = self.lease().await?;
        let Some(channel) = lease.channel() else {
            return Err(Trouble::unsent("connect_error", "there is no channel"));
        };
        if let Err(error) = self.declared.ensure(channel, to).await {
            lease.finish();
            return Err(judge::undeclared(&error, to, &self.words));
        }
        let sent = channel.basic_publish(exchange, routing_key, options, &message.body, properties);
        let answer = match sent.await {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        lease.finish();
        match answer {
            Ok(confirmation) => judge::confirmed(confirmation, to, &self.words),
            Err(error) => Err(judge::unanswered(&error, to, message, &self.words)),
        }
    }

    /// Whether it is of no use any more.
    fn is_broken(&self) -> bool {
        let status = self.connection.status();
        self.hangup.is_over() || !status.connected() || (self.pool.is_worn_out() && !status.blocked())
    }

    /// Says goodbye, within a second or so. What is not acknowledged by then is
    /// `ambiguous`; nothing can be published any more.
    async fn close(self) {
        let goodbye = self.connection.close(200, "bye".into());
        // Late or refused: the connection ends all the same.
        drop(tokio::time::timeout(GOODBYE, goodbye).await);
        self.hangup.hang_up();
    }
}

impl Link {
    /// A channel, unless the broker takes nothing or is gone. Nothing is sent by it.
    async fn lease(&self) -> Result<Lease<'_>, Trouble> {
        let mut blocked = self.blocked.clone();
        let leased = tokio::select! {
            biased;
            why = blocked.wait_for(Option::is_some) => {
                // The listener says no more when the connection has ended.
                let why = why.ok().and_then(|why| why.clone());
                return Err(why.map_or_else(|| self.unsent("it was closed"), |why| taken_by_nobody(&why)));
            }
            leased = self.pool.lease(&self.connection) => leased,
        };
        match leased {
            // Told by the broker, though not yet by the listener.
            Ok(lease) if self.connection.status().blocked() => {
                lease.finish();
                Err(taken_by_nobody("it is out of memory or disk"))
            }
            Ok(lease) => Ok(lease),
            Err(error) if matches!(error.kind(), lapin::ErrorKind::ChannelsLimitReached) => {
                Err(Trouble::unsent(
                    "throttled",
                    "the broker opens no more channels on this connection",
                ))
            }
            Err(error) => Err(self.unsent(&judge::why(&error, &self.words))),
        }
    }

    fn unsent(&self, why: &str) -> Trouble {
        let reason = format!("the connection to the broker ended before the message was sent: {why}");
        let trouble = Trouble::unsent("connect_error", reason);
        if self.is_broken() {
            Trouble::fatal(trouble)
        } else {
            trouble
        }
    }
}

fn taken_by_nobody(why: &str) -> Trouble {
    Trouble::pause("blocked", format!("the broker takes no messages for now: {why}"))
}

/// Tells whether the broker takes messages, until the connection ends.
async fn listen(events: impl futures_util::Stream<Item = Event>, told: watch::Sender<Option<String>>) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::ConnectionBlocked(why) => drop(told.send_replace(Some(why))),
            Event::ConnectionUnblocked => drop(told.send_replace(None)),
            _ => {}
        }
    }
}
