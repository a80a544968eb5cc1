//! The key of an event on a route that keeps order.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::Digest as _;
use sha2::Sha256;

use super::engine::Shared;
use super::memory::Held;
use super::queue::Learned;
use super::render::document;
use crate::catalog::OrderKey;
use crate::event;
use crate::event::AttributeValue;
use crate::event::Event;
use crate::log::BusId;
use crate::log::LogError;
use crate::log::StoredEvent;

/// The key as a number; none for an event that has none, or that cannot be read.
///
/// Two keys that are one number by chance, which nobody will see, are kept in order like one.
fn key_of(stored: &StoredEvent, key: &OrderKey) -> Option<u64> {
    let event = event::decode_attributes(&stored.attributes, stored.data.clone()).ok()?;
    let text = match key {
        OrderKey::Usual => attribute(&event, "partitionkey").or_else(|| attribute(&event, "subject"))?,
        OrderKey::Attribute(name) => attribute(&event, name)?,
        OrderKey::Path(path) => path.value_in(document(&event))?.to_string(),
    };
    let digest = Sha256::digest(text.as_bytes());
    digest.first_chunk().copied().map(u64::from_le_bytes)
}

impl Shared {
    /// Finds the keys of events, by their sequences. Blocking: reads those that are not in memory.
    pub(super) fn keys_of(
        &self,
        bus: BusId,
        events: Vec<(u64, Option<Arc<Held>>)>,
        order: Option<&OrderKey>,
    ) -> Result<BTreeMap<u64, Learned>, LogError> {
        let learn = |(sequence, held): (u64, Option<Arc<Held>>)| {
            // The route has just given up its order.
            let Some(order) = order else {
                return Ok((
                    sequence,
                    Learned {
                        key: None,
                        event: held,
                    },
                ));
            };
            if let Some(held) = held {
                let key = key_of(&held.event, order);
                return Ok((
                    sequence,
                    Learned {
                        key,
                        event: Some(held),
                    },
                ));
            }
            let read = match self.log.event(bus, sequence) {
                // It has no key any more; what becomes of it is decided at its attempt.
                Err(LogError::Gap { .. } | LogError::Corrupt { .. }) => None,
                read => read?,
            };
            let key = read.as_ref().and_then(|event| key_of(event, order));
            let event = read.and_then(|event| self.memory.hold(&event));
            Ok((sequence, Learned { key, event }))
        };
        events.into_iter().map(learn).collect()
    }
}

fn attribute(event: &Event, name: &str) -> Option<String> {
    Some(match event.attribute(name)? {
        AttributeValue::String(text) => text.clone(),
        AttributeValue::Integer(number) => number.to_string(),
        AttributeValue::Boolean(truth) => truth.to_string(),
    })
}
