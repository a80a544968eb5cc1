//! Queue targets: one folder per kind of broker, all behind [`BrokerLink`].
//!
//! A message counts as delivered when the broker has said that it has taken it on. Links are shared by
//! all targets of one place and one user, opened when they are needed and closed when they are idle.

mod amqp;
mod endpoint;
mod link;
mod links;
mod login;
mod message;
mod mqtt;
mod nats;
mod outbox;
mod place;
mod postgres;
mod redis;
mod secure;
mod silence;
#[cfg(test)]
mod test_support;
mod trouble;
mod words;

use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Call;
use super::Outcome;
use super::Report;
use super::caller::Caller;
use super::judge;
use crate::catalog::Broker;
use crate::catalog::Queue;
use endpoint::Endpoint;
use link::BrokerLink;
use links::Links;
use login::Login;
use message::Message;
use trouble::Trouble;

pub use links::BrokerHealth;

/// Content type of an event in the JSON format.
const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
/// Name of the header or field that says how often the event has been published.
const HOPS: &str = super::HOPS_HEADER;

/// The links to all brokers.
#[derive(Default)]
pub(super) struct Queues {
    amqp: Links<amqp::Link>,
    mqtt: Links<mqtt::Link>,
    nats: Links<nats::Link>,
    redis: Links<redis::Link>,
    postgres: Links<postgres::Link>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Queues").finish_non_exhaustive()
    }
}

impl Queues {
    /// Sends one event as one message, within the deadline of the call.
    pub(super) async fn send(&self, caller: &Caller, queue: &Queue, call: &Call<'_>) -> Report {
        let mut address = call.address.iter().cloned();
        let mut next = || address.next().unwrap_or_default();
        match &queue.broker {
            Broker::Amqp(amqp) => {
                let to = amqp::Address {
                    exchange: next(),
                    routing_key: next(),
                    mandatory: amqp.mandatory,
                    declare: amqp.declare,
                };
                send(&self.amqp, caller, queue, call, to).await
            }
            Broker::Mqtt { .. } => {
                let to = mqtt::Address { topic: next() };
                send(&self.mqtt, caller, queue, call, to).await
            }
            Broker::Nats { .. } => {
                let to = nats::Address { subject: next() };
                send(&self.nats, caller, queue, call, to).await
            }
            Broker::Redis { max_len, .. } => {
                let to = redis::Address {
                    stream: next(),
                    max_len: max_len.map(u64::from),
                };
                send(&self.redis, caller, queue, call, to).await
            }
            Broker::Postgres { table } => {
                let to = postgres::Address {
                    table: table.to_string(),
                };
                send(&self.postgres, caller, queue, call, to).await
            }
        }
    }

    /// What is known of the broker of a target.
    pub(super) fn health(&self, queue: &Queue) -> BrokerHealth {
        let place = login::place(queue);
        let known = self.all_health().find(|(at, _)| *at == place);
        known.map_or(BrokerHealth::Idle, |(_, health)| health)
    }

    /// The brokers that cannot be reached, each with the reason.
    pub(super) fn failed(&self) -> Vec<(String, String)> {
        let failed = self.all_health().filter_map(|(place, health)| match health {
            BrokerHealth::Failed(why) => Some((place, why)),
            BrokerHealth::Connected | BrokerHealth::Idle => None,
        });
        failed.collect()
    }

    fn all_health(&self) -> impl Iterator<Item = (String, BrokerHealth)> {
        let all = [
            self.amqp.health(),
            self.nats.health(),
            self.redis.health(),
            self.mqtt.health(),
            self.postgres.health(),
        ];
        all.into_iter().flatten()
    }

    /// Closes the links that nothing uses any more.
    pub(super) async fn close_idle(&self) {
        tokio::join!(
            self.amqp.close_idle(),
            self.nats.close_idle(),
            self.redis.close_idle(),
            self.mqtt.close_idle(),
            self.postgres.close_idle()
        );
    }

    /// Closes all links.
    pub(super) async fn close(&self) {
        tokio::join!(
            self.amqp.close(),
            self.nats.close(),
            self.redis.close(),
            self.mqtt.close(),
            self.postgres.close()
        );
    }
}

/// One message over a link of one kind, opened if need be.
async fn send<L: BrokerLink>(
    links: &Links<L>,
    caller: &Caller,
    queue: &Queue,
    call: &Call<'_>,
    to: L::Address,
) -> Report {
    let deadline = Instant::now() + call.deadline;
    let login = match timeout_at(deadline, Login::of(caller, queue, call)).await {
        Ok(Ok(login)) => login,
        Ok(Err(reason)) => return judge::unsent(reason),
        Err(_) => return judge::unsent("the credentials did not come in time"),
    };
    let place = login::place(queue);
    let connecting = links.link(login.key, &place, L::connect(&login.endpoint, &login.dialer));
    let link = match timeout_at(deadline, connecting).await {
        Ok(Ok(link)) => link,
        Ok(Err(trouble)) => return trouble.report(),
        Err(_) => return judge::timed_out(call.deadline),
    };
    let message = Message::of(call, queue.mode);
    match timeout_at(deadline, link.publish(&to, &message)).await {
        Ok(Ok(())) => Report::of(Outcome::Delivered, "ok", "the broker has the message"),
        Ok(Err(trouble)) => {
            if trouble.is_fatal {
                links.broke(&login.key, &link, &trouble);
            }
            trouble.report()
        }
        Err(_) => judge::timed_out(call.deadline),
    }
}
