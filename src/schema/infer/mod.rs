//! Schemas from real data: what was seen of every field, a schema that it suggests, and how data has drifted
//! away from the schema it has.
//!
//! Data is taken in one event at a time and not kept. What is kept has bounds: 2,000 fields, a depth of 16,
//! 20 different strings of a field, of 64 bytes each. The result does not depend on the order of the events
//! unless a bound was reached, which [`Statistics::bounded`] tells; the values that are kept of a field with
//! more than 20 different ones are the first.

mod drift;
mod formats;
mod keys;
mod limits;
mod node;
mod numbers;
mod propose;
mod statistics;
mod strings;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use drift::DriftKind;
pub use drift::Finding;
pub use drift::drift;
pub use statistics::Field;
pub use statistics::SeenValue;
pub use statistics::Statistics;

use node::Node;
use node::Pass;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Inference {
    root: Node,
    events: u64,
    unreadable: u64,
    /// Objects and arrays that were seen, which numbers them.
    holders: u64,
    nodes: usize,
    is_bounded: bool,
}

impl Inference {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the data of one event, in time and passing memory proportional to its length.
    ///
    /// # Errors
    /// It is not JSON, or nested more than some hundred deep; it is counted as unreadable.
    pub fn observe(&mut self, data: &[u8]) -> Result<(), serde_json::Error> {
        let value = serde_json::from_slice(data).inspect_err(|_| self.unreadable += 1)?;
        self.observe_value(&value);
        Ok(())
    }

    /// Takes in the data of one event.
    pub fn observe_value(&mut self, data: &Value) {
        self.events += 1;
        self.holders += 1;
        let holder = self.holders;
        let mut pass = Pass {
            event: self.events,
            holder: &mut self.holders,
            nodes: &mut self.nodes,
            is_bounded: &mut self.is_bounded,
        };
        self.root.observe(data, holder, 0, &mut pass);
    }

    /// A JSON Schema (2020-12) that accepts the data of every event that was seen.
    ///
    /// A member is required if all of at least 20 objects have it. A string has a format if all of at least 20
    /// fit it, and is a choice if at least 50 were seen, at most 10 different ones, each three times or more.
    /// Objects with many names, of which each is rare, are maps: their schema is one for all members. Members
    /// that were not seen are allowed.
    #[must_use]
    pub fn schema(&self) -> Value {
        propose::schema(&keys::with_maps(self.root.clone()))
    }

    /// What was seen of each field.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            events: self.events,
            unreadable: self.unreadable,
            bounded: self.is_bounded,
            fields: statistics::fields(&keys::with_maps(self.root.clone()), self.events),
        }
    }
}
