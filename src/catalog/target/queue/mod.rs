//! The target kind `queue`: a message on a broker.

mod broker_url;
mod table;

use serde_json::Value;

use super::webhook::connection;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::ConnectionName;
use crate::transform::TextTemplate;

pub use broker_url::BrokerUrl;
pub use table::TableName;

/// A message on a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Which broker, and where on it.
    pub broker: Broker,
    /// Where the broker is.
    pub url: BrokerUrl,
    /// The whole event in one body, or its attributes beside the data.
    pub mode: QueueMode,
    /// Whose user and password, or certificate, prove who sends.
    pub connection: Option<ConnectionName>,
}

/// The kinds of brokers, each with what says where on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broker {
    /// AMQP 0-9-1, as `RabbitMQ` has it.
    Amqp(Amqp),
    /// NATS with `JetStream`.
    Nats {
        /// The subject.
        subject: TextTemplate,
    },
    /// A stream of Redis.
    Redis {
        /// Its key.
        stream: TextTemplate,
        /// About how many entries it keeps; `None` all.
        max_len: Option<u32>,
    },
    /// MQTT 5.
    Mqtt {
        /// The topic.
        topic: TextTemplate,
    },
    /// A table of another PostgreSQL database.
    Postgres {
        /// The table.
        table: TableName,
    },
}

/// Where on an AMQP broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amqp {
    /// The exchange; the empty name is the default exchange.
    pub exchange: TextTemplate,
    /// The routing key.
    pub routing_key: TextTemplate,
    /// A message that no queue takes is a failure.
    pub mandatory: bool,
    /// What is declared before the first message of a connection.
    pub declare: Declare,
}

/// What is declared on an AMQP broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declare {
    /// Nothing: what is not there is a failure.
    Nothing,
    /// A durable queue of the routing key's name, on the default exchange.
    Queue,
    /// A durable exchange of this type.
    Exchange(&'static str),
}

/// How an event becomes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueMode {
    /// The body is the event in the JSON format.
    Structured,
    /// The body is the data; the attributes stand beside it, as the protocol's binding has them.
    Binary,
}

/// The brokers, each with its keys beside [`COMMON`] and the schemes of its URLs.
pub(in crate::catalog) const BROKERS: [(&str, &[&str], &[&str]); 5] = [
    (
        "amqp",
        &["exchange", "routing_key", "mandatory", "declare"],
        &["amqp", "amqps"],
    ),
    ("nats", &["subject"], &["nats", "tls"]),
    ("redis", &["stream", "max_len"], &["redis", "rediss"]),
    ("mqtt", &["topic"], &["mqtt", "mqtts"]),
    ("postgres", &["table"], &["postgres", "postgresql"]),
];
const LATER: &[&str] = &["kafka", "sqs"];
/// Keys of every broker.
pub(in crate::catalog) const COMMON: [&str; 3] = ["url", "mode", "connection"];
/// Longest template: of all addresses only a topic of MQTT may be longer, which nobody can read.
const MAX_TEMPLATE_LEN: usize = 4_096;

impl Queue {
    /// Reads a queue and reports everything wrong with it.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`queue`", issues)?;
        let known: Vec<_> = BROKERS.iter().map(|(name, ..)| *name).collect();
        fields.only(&known, LATER, issues);
        let mut given = BROKERS
            .iter()
            .filter_map(|broker| Some((broker, fields.find(broker.0)?)));
        let ((name, keys, schemes), value) = match (given.next(), given.next()) {
            (Some(given), None) => given,
            (Some(((one, ..), _)), Some(((other, ..), _))) => {
                let detail = format!("a queue is on one broker: `{one}` or `{other}`, not both");
                issues.push(
                    Issue::new(pointer, "invalid-target", detail).with_correction("make it two targets"),
                );
                return None;
            }
            (None, _) if LATER.iter().any(|kind| fields.find(kind).is_some()) => return None,
            (None, _) => {
                let detail = format!("a queue needs its broker: {}", known.join(", "));
                issues.push(
                    Issue::new(pointer, "missing-field", detail)
                        .with_correction("add `amqp: { url: \"amqp://…\", exchange: orders }`"),
                );
                return None;
            }
        };
        let fields = Fields::of(value, &fields.at(name), broker_name(name), issues)?;
        fields.only(&[&COMMON, *keys].concat(), &[], issues);
        let url = BrokerUrl::decode(&fields, schemes, issues);
        let mode = match fields.word("mode", &["structured", "binary"], &[], issues) {
            Some("binary") => QueueMode::Binary,
            _ => QueueMode::Structured,
        };
        let connection = connection(&fields, issues);
        let broker = Broker::decode(name, &fields, issues);
        Some(Self {
            broker: broker?,
            url: url?,
            mode,
            connection,
        })
    }
}

impl Queue {
    /// Where in a target its URL and its connection stand.
    pub(super) const fn places(&self) -> (&'static str, &'static str) {
        match self.broker {
            Broker::Amqp(_) => ("/queue/amqp/url", "/queue/amqp/connection"),
            Broker::Nats { .. } => ("/queue/nats/url", "/queue/nats/connection"),
            Broker::Redis { .. } => ("/queue/redis/url", "/queue/redis/connection"),
            Broker::Mqtt { .. } => ("/queue/mqtt/url", "/queue/mqtt/connection"),
            Broker::Postgres { .. } => ("/queue/postgres/url", "/queue/postgres/connection"),
        }
    }
}

impl Broker {
    /// The key of the broker in `queue`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Amqp(_) => "amqp",
            Self::Nats { .. } => "nats",
            Self::Redis { .. } => "redis",
            Self::Mqtt { .. } => "mqtt",
            Self::Postgres { .. } => "postgres",
        }
    }

    /// What says where on the broker a message goes, over the event as it was accepted: of AMQP the
    /// exchange and the routing key, of a table nothing, of the others one.
    #[must_use]
    pub fn templates(&self) -> Vec<(&'static str, &TextTemplate)> {
        match self {
            Self::Amqp(amqp) => vec![("exchange", &amqp.exchange), ("routing_key", &amqp.routing_key)],
            Self::Nats { subject } => vec![("subject", subject)],
            Self::Redis { stream, .. } => vec![("stream", stream)],
            Self::Mqtt { topic } => vec![("topic", topic)],
            Self::Postgres { .. } => Vec::new(),
        }
    }

    /// The schemes that its URLs may have.
    #[must_use]
    pub fn schemes(&self) -> &'static [&'static str] {
        BROKERS
            .iter()
            .find(|(name, ..)| *name == self.name())
            .map_or(&[], |(_, _, schemes)| schemes)
    }

    fn decode(name: &str, fields: &Fields<'_>, issues: &mut Issues) -> Option<Self> {
        match name {
            "amqp" => Amqp::decode(fields, issues).map(Self::Amqp),
            "nats" => {
                required(fields, "subject", "orders.created", issues).map(|subject| Self::Nats { subject })
            }
            "redis" => {
                let max_len = fields.number("max_len", 1..=u32::MAX, issues);
                required(fields, "stream", "orders", issues).map(|stream| Self::Redis { stream, max_len })
            }
            "mqtt" => {
                required(fields, "topic", "orders/${$.data.region}", issues).map(|topic| Self::Mqtt { topic })
            }
            _ => TableName::decode(fields, issues).map(|table| Self::Postgres { table }),
        }
    }
}

impl Amqp {
    fn decode(fields: &Fields<'_>, issues: &mut Issues) -> Option<Self> {
        let exchange = template(fields, "exchange", "", issues);
        let routing_key = template(fields, "routing_key", "${$.type}", issues);
        let mandatory = fields.find("mandatory").is_none() || fields.flag("mandatory", issues);
        let words = ["none", "queue", "direct", "fanout", "topic", "headers"];
        let declare = match fields.word("declare", &words, &[], issues) {
            None | Some("none") => Declare::Nothing,
            Some("queue") => Declare::Queue,
            Some(kind) => Declare::Exchange(kind),
        };
        let is_default = exchange.as_ref().and_then(TextTemplate::constant) == Some("");
        if (declare == Declare::Queue) != is_default && declare != Declare::Nothing {
            let detail = "a queue is declared for the default exchange only, an exchange for no other";
            issues.push(Issue::new(fields.at("declare"), "invalid-value", detail));
        }
        Some(Self {
            exchange: exchange?,
            routing_key: routing_key?,
            mandatory,
            declare,
        })
    }
}

/// What a broker's object is called in messages.
const fn broker_name(name: &str) -> &'static str {
    match name.as_bytes() {
        b"amqp" => "`amqp`",
        b"nats" => "`nats`",
        b"redis" => "`redis`",
        b"mqtt" => "`mqtt`",
        _ => "`postgres`",
    }
}

/// The template of `key`, which must be there.
fn required(fields: &Fields<'_>, key: &str, example: &str, issues: &mut Issues) -> Option<TextTemplate> {
    fields.required(key, &format!("{key}: \"{example}\""), issues)?;
    template(fields, key, "", issues)
}

/// The template of `key`, or of `default`.
fn template(fields: &Fields<'_>, key: &str, default: &str, issues: &mut Issues) -> Option<TextTemplate> {
    let text = match fields.find(key) {
        None => default,
        Some(_) => fields.text(key, issues)?,
    };
    if text.len() > MAX_TEMPLATE_LEN {
        let detail = format!("`{key}` has at most {MAX_TEMPLATE_LEN} bytes");
        issues.push(Issue::new(fields.at(key), "invalid-value", detail));
        return None;
    }
    match TextTemplate::parse(text) {
        Ok(template) => Some(template),
        Err(error) => {
            let issue = Issue::new(fields.at(key), error.code, error.detail);
            issues.push(match error.correction {
                Some(correction) => issue.with_correction(correction),
                None => issue,
            });
            None
        }
    }
}

#[cfg(test)]
mod tests;
