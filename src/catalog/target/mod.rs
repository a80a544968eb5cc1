//! A target: one destination of one rule, with how it is to be delivered to.

mod bus;
mod circuit;
mod decode;
mod function;
mod headers;
mod lambda;
mod order;
mod queue;
mod sign;
mod webhook;

use std::fmt::Write as _;
use std::time::Duration;

use sha2::Digest as _;
use sha2::Sha256;
use url::Url;

use super::names::BusName;
use super::names::ConnectionName;
use super::names::TargetName;
use super::retry::RetryPolicy;
use crate::config::Rate;
use crate::transform::Transform;

#[cfg(test)]
pub(super) use circuit::KEYS as CIRCUIT_KEYS;
#[cfg(test)]
pub(super) use decode::KEYS;
#[cfg(test)]
pub(super) use function::MORE_KEYS as FUNCTION_KEYS;
#[cfg(test)]
pub(super) use lambda::CREDENTIAL_KEYS as AWS_KEYS;
#[cfg(test)]
pub(super) use lambda::KEYS as LAMBDA_KEYS;
#[cfg(test)]
pub(super) use queue::BROKERS;
#[cfg(test)]
pub(super) use queue::COMMON as QUEUE_KEYS;
#[cfg(test)]
pub(super) use sign::KEYS as SIGN_KEYS;
#[cfg(test)]
pub(super) use webhook::KEYS as WEBHOOK_KEYS;

pub(super) use headers::check as check_header;
pub(super) use webhook::url;

pub use circuit::CircuitPolicy;
pub use function::Function;
pub use function::HttpFunction;
pub use function::ReplyTo;
pub use lambda::AwsCredentials;
pub use lambda::Invocation;
pub use lambda::Lambda;
pub use order::OrderKey;
pub use queue::Amqp;
pub use queue::Broker;
pub use queue::BrokerUrl;
pub use queue::Declare;
pub use queue::Queue;
pub use queue::QueueMode;
pub use queue::TableName;
pub use sign::InvalidSigningKey;
pub use sign::Sign;
pub use sign::SigningKey;
pub use webhook::Handshake;
pub use webhook::Webhook;
pub use webhook::WebhookMode;

/// One destination of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Unique in its rule; with it, the name of a route.
    pub name: TargetName,
    /// Where to, and how.
    pub kind: TargetKind,
    /// What becomes of an event for this target alone, after the rule's own transform.
    pub transform: Option<Transform>,
    /// When a failed delivery is tried again.
    pub retry: RetryPolicy,
    /// The deadline of one whole attempt, name resolution to last byte.
    pub timeout: Duration,
    /// Most attempts of the route in flight at once.
    pub concurrency: u32,
    /// How fast attempts may begin; `None` as fast as they can.
    pub rate: Option<Rate>,
    /// What may not overtake what; `None` everything may.
    pub order: Option<OrderKey>,
    /// When the target is left alone because it fails; `None` never does.
    pub circuit: Option<CircuitPolicy>,
    /// A paused target keeps its backlog and is sent nothing.
    pub paused: bool,
}

impl Target {
    /// The connection that its calls use, if it names one.
    #[must_use]
    pub fn connection(&self) -> Option<&ConnectionName> {
        self.kind.connection().map(|(_, name)| name)
    }
}

/// The kinds of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// An HTTP call.
    Webhook(Webhook),
    /// A call whose answer may be events of its own.
    Function(Function),
    /// A message on a broker.
    Queue(Box<Queue>),
    /// Another bus of this server.
    Bus(ReplyTo),
    /// Shown in the server's own log; always delivered.
    Echo,
}

impl TargetKind {
    /// The connection that its calls use, if it names one, and where in the target it stands.
    #[must_use]
    pub fn connection(&self) -> Option<(&'static str, &ConnectionName)> {
        let (place, name) = match self {
            Self::Webhook(webhook) => ("/webhook/connection", &webhook.connection),
            Self::Function(Function::Http(function)) => {
                ("/function/http/connection", &function.call.connection)
            }
            Self::Queue(queue) => (queue.places().1, &queue.connection),
            Self::Function(Function::Lambda(_)) | Self::Bus(_) | Self::Echo => return None,
        };
        name.as_ref().map(|name| (place, name))
    }

    /// The URL that is called, if one is, and where in the target it stands.
    #[must_use]
    pub fn url(&self) -> Option<(&'static str, &Url)> {
        match self {
            Self::Webhook(webhook) => Some(("/webhook/url", &webhook.url)),
            Self::Function(Function::Http(function)) => Some(("/function/http/url", &function.call.url)),
            Self::Function(Function::Lambda(lambda)) => Some(("/function/lambda/endpoint", &lambda.endpoint)),
            Self::Queue(queue) => Some((queue.places().0, queue.url.known()?)),
            Self::Bus(_) | Self::Echo => None,
        }
    }

    /// The webhook call that is made, if one is.
    #[must_use]
    pub const fn webhook(&self) -> Option<&Webhook> {
        match self {
            Self::Webhook(webhook) => Some(webhook),
            Self::Function(Function::Http(function)) => Some(&function.call),
            Self::Function(Function::Lambda(_)) | Self::Queue(_) | Self::Bus(_) | Self::Echo => None,
        }
    }

    /// Whom to ask for consent, and whether it must be given; none if nobody is asked.
    #[must_use]
    pub fn handshake(&self) -> Option<(Handshake, &Url)> {
        let webhook = self.webhook()?;
        (webhook.handshake != Handshake::Off).then_some((webhook.handshake, &webhook.url))
    }

    /// Where the events go that the target answers with; the event itself is the answer of a bus.
    #[must_use]
    pub const fn reply_to(&self) -> &ReplyTo {
        match self {
            Self::Function(Function::Http(function)) => &function.reply,
            Self::Bus(to) => to,
            Self::Webhook(_) | Self::Function(Function::Lambda(_)) | Self::Queue(_) | Self::Echo => {
                &ReplyTo::Nobody
            }
        }
    }

    /// The bus that its events are published to, if there is one of that name to be, and where in the
    /// target it stands.
    #[must_use]
    pub const fn bus(&self) -> Option<(&'static str, &BusName)> {
        let place = if matches!(self, Self::Bus(_)) {
            "/bus"
        } else {
            "/function/http/bus"
        };
        match self.reply_to() {
            ReplyTo::Bus(name) => Some((place, name)),
            ReplyTo::Nobody | ReplyTo::OwnBus => None,
        }
    }

    /// Tells one destination from another, also after a restart, without saying what it is.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let (kind, place) = self.url().map_or(("", ""), |(kind, url)| (kind, url.as_str()));
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(place);
        digest
            .finalize()
            .iter()
            .take(16)
            .fold(String::new(), |mut hex, byte| {
                // Writing to memory does not fail.
                write!(hex, "{byte:02x}").unwrap_or_default();
                hex
            })
    }
}
