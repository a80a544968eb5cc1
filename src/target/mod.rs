//! Where events go: one folder or file per kind of target, all answering with a [`Report`].

mod answer;
mod bus;
mod caller;
mod clients;
mod content;
mod credentials;
mod exchange;
mod function;
mod handshake;
mod judge;
mod lambda;
mod queue;
mod reply;
mod retry_after;
mod sign;
mod sigv4;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::ConnectionView;
use crate::catalog::Function;
use crate::catalog::Target;
use crate::catalog::TargetKind;
use crate::event::Event;
use crate::secret::Vault;
use caller::Caller;
use queue::Queues;
use url::Url;

pub use crate::egress::Phases;
pub use crate::egress::Policy;
pub use crate::egress::Tls;
pub use handshake::Consent;
pub use queue::BrokerHealth;
pub use reply::Reply;

/// Says in a call how often its event has been published by replies, bus targets and webhooks that
/// lead back here.
pub const HOPS_HEADER: &str = "tramline-hops";
/// Longest part of a response that is kept.
pub const KEPT_RESPONSE: usize = 4 * 1024;

/// One attempt to deliver one event.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The event as the target shall get it.
    pub event: &'a Event,
    /// The bus of the event.
    pub bus: &'a str,
    /// Where on its broker a queue gets the event: the values of its
    /// [templates](crate::catalog::Broker::templates), in their order.
    pub address: &'a [String],
    /// The connection that the target names, as it is now.
    pub connection: Option<&'a ConnectionView>,
    /// The same for every attempt of this delivery.
    pub webhook_id: &'a str,
    /// Unix seconds of this attempt.
    pub timestamp: i64,
    /// How often the event has been published already.
    pub hops: u8,
    /// The whole attempt must end within this time.
    pub deadline: Duration,
}

/// How an attempt ended.
#[derive(Debug)]
pub struct Report {
    /// What it means for the delivery.
    pub outcome: Outcome,
    /// Stable name of what happened: `ok`, `timeout`, `connect_error`, `http_500`, …
    pub class: String,
    /// Status the target answered, if it did.
    pub status: Option<u16>,
    /// What happened, in a sentence for the owner of the target.
    pub reason: String,
    /// How long its phases took.
    pub phases: Phases,
    /// Harmless headers of the answer, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The first [`KEPT_RESPONSE`] bytes of the answer, as text, without secrets that were sent.
    pub response: Option<String>,
    /// Most attempts after this one, if there are fewer than the target's own policy allows.
    pub max_retries: Option<u32>,
    /// The events that the target answered with, if they are wanted.
    pub reply: Option<Reply>,
}

/// What an attempt means for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The target has the event.
    Delivered,
    /// It may work later; the target may or may not have the event.
    RetryLater,
    /// It will never work.
    Permanent,
    /// As [`RetryLater`](Self::RetryLater), and the target wants nothing at all until then.
    PauseRoute(Until),
    /// The target is gone for good: it will take neither this event nor another one.
    Gone,
    /// The call was not made, for a reason of our own: the attempt does not count.
    Unsent,
}

/// A moment that a target named; as far away as it likes, the caller bounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// So long after its answer.
    After(Duration),
    /// Unix seconds; may lie in the past.
    At(i64),
}

impl Report {
    /// Our own fault, which ended the attempt in the middle.
    #[must_use]
    pub fn internal() -> Self {
        Self::of(
            Outcome::RetryLater,
            "internal",
            "the server failed while it made the call",
        )
    }

    fn of(outcome: Outcome, class: &str, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            class: class.to_owned(),
            status: None,
            reason: reason.into(),
            phases: Phases::default(),
            headers: Vec::new(),
            response: None,
            max_retries: None,
            reply: None,
        }
    }

    /// The same answer with another meaning.
    fn meaning(self, outcome: Outcome, class: &str, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            class: class.to_owned(),
            reason: reason.into(),
            ..self
        }
    }
}

/// Sends to every kind of target. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Targets {
    caller: Caller,
    queues: Arc<Queues>,
    terms: Arc<Terms>,
}

/// What targets are told of this server, and what is taken from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Its name, for targets that are asked for their consent.
    pub origin: String,
    /// Largest reply that is taken, in bytes: no larger than one event may be.
    pub max_reply: usize,
}

impl Targets {
    /// Targets reached through guarded clients, with credentials that `vault` resolves.
    #[must_use]
    pub fn new((policy, tls): (Arc<Policy>, Tls), vault: Arc<Vault>, terms: Terms) -> Self {
        Self {
            caller: Caller::new(policy, tls, vault),
            queues: Arc::default(),
            terms: Arc::new(terms),
        }
    }

    /// Asks the target at a URL whether it wants to be called.
    ///
    /// # Errors
    /// Why it has not consented, in a sentence for its owner.
    pub async fn ask(&self, url: &Url) -> Result<Consent, String> {
        handshake::ask(&self.caller, url, &self.terms.origin).await
    }

    /// What is known of the broker of a target; `None` if it has none.
    #[must_use]
    pub fn broker(&self, target: &Target) -> Option<BrokerHealth> {
        match &target.kind {
            TargetKind::Queue(queue) => Some(self.queues.health(queue)),
            _ => None,
        }
    }

    /// The brokers that cannot be reached, each with the reason; never holds a credential.
    #[must_use]
    pub fn failed_brokers(&self) -> Vec<(String, String)> {
        self.queues.failed()
    }

    /// Closes connections to brokers that nothing uses any more.
    pub async fn close_idle(&self) {
        self.queues.close_idle().await;
    }

    /// Closes all connections to brokers, within a bound.
    pub async fn close(&self) {
        self.queues.close().await;
    }

    /// Makes one attempt. Never takes longer than its deadline by more than the time to give up.
    ///
    /// Dropping the future closes the connection; the target may have the event.
    pub async fn send(&self, target: &Target, call: &Call<'_>) -> Report {
        #[cfg(feature = "failpoints")]
        fail::fail_point!("target::send");
        if let (Some(name), None) = (target.connection(), call.connection) {
            return judge::unsent(format!("there is no connection `{name}`"));
        }
        match &target.kind {
            TargetKind::Webhook(webhook) => webhook::send(&self.caller, &self.terms, webhook, call).await,
            TargetKind::Function(Function::Http(function)) => {
                function::send(&self.caller, &self.terms, function, call).await
            }
            TargetKind::Function(Function::Lambda(lambda)) => lambda::send(&self.caller, lambda, call).await,
            TargetKind::Queue(queue) => self.queues.send(&self.caller, queue, call).await,
            TargetKind::Bus(_) => bus::send(call),
            TargetKind::Echo => {
                tracing::info!(id = call.event.id(), kind = call.event.kind(), "echo");
                Report::of(Outcome::Delivered, "ok", "shown")
            }
        }
    }
}
