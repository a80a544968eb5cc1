//! What a target wants to be there is declared once a connection, before its first message.

use std::collections::HashSet;

use lapin::Channel;
use lapin::ExchangeKind;
use lapin::options::ExchangeDeclareOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use parking_lot::Mutex;

use super::Address;
use crate::catalog::Declare;

/// Names that are remembered; with more, some are declared again, which changes nothing.
const MAX_KNOWN: usize = 1_000;

/// What has been declared over a connection.
#[derive(Default)]
pub(super) struct Declared(Mutex<HashSet<String>>);

impl Declared {
    /// Declares what the address wants, durable, unless it has been. Cancel-safe.
    ///
    /// # Errors
    /// The broker has something else of that name, or refuses; the channel is closed then.
    pub(super) async fn ensure(&self, channel: &Channel, to: &Address) -> lapin::Result<()> {
        let name = match to.declare {
            Declare::Nothing => return Ok(()),
            Declare::Queue => format!("queue {}", to.routing_key),
            Declare::Exchange(_) => format!("exchange {}", to.exchange),
        };
        if self.0.lock().contains(&name) {
            return Ok(());
        }
        match to.declare {
            Declare::Nothing => {}
            Declare::Queue => {
                let options = QueueDeclareOptions::durable();
                let queue = to.routing_key.as_str().into();
                channel
                    .queue_declare(queue, options, FieldTable::default())
                    .await?;
            }
            Declare::Exchange(kind) => {
                let kind = match kind {
                    "direct" => ExchangeKind::Direct,
                    "fanout" => ExchangeKind::Fanout,
                    "headers" => ExchangeKind::Headers,
                    _ => ExchangeKind::Topic,
                };
                let options = ExchangeDeclareOptions {
                    durable: true,
                    ..ExchangeDeclareOptions::default()
                };
                let exchange = to.exchange.as_str().into();
                channel
                    .exchange_declare(exchange, kind, options, FieldTable::default())
                    .await?;
            }
        }
        let mut known = self.0.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(name);
        Ok(())
    }
}
