//! Publishing and reading events.

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::problem::Fault;

/// What became of the events of one publish.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PublishReply {
    /// One result an event, in the order sent.
    pub results: Vec<PublishResult>,
    /// What "accepted" means on this server: `fsync`, on disk before the answer.
    pub durability: String,
}

/// What became of one event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PublishResult {
    /// The event's id.
    pub id: String,
    /// The event's source.
    pub source: String,
    /// Its number on the bus, from 1, dense.
    pub sequence: u64,
    /// Names of the rules it matched, at most 100.
    pub matched: Vec<String>,
    /// How many rules it matched.
    pub matched_count: usize,
    /// An event of this source and id was accepted before; `sequence` is the first one's.
    pub duplicate: bool,
}

/// What became of the entries of a batch of which some may be refused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PartialReply {
    /// One result or error an entry, in the order sent.
    pub results: Vec<PartialResult>,
    /// What "accepted" means on this server: `fsync`, on disk before the answer.
    pub durability: String,
}

/// What became of one entry of a batch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PartialResult {
    /// It was accepted.
    Accepted(PublishResult),
    /// It was refused, and nothing of it stored.
    Refused {
        /// What is wrong with it.
        error: Fault,
    },
}

/// One event of a bus.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventEntry {
    /// Its number on the bus.
    pub sequence: u64,
    /// The event in the CloudEvents JSON format.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// Names of the rules that it matched when it was accepted.
    pub matched: Vec<String>,
}

/// Some events of a bus, in order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<EventEntry>,
    /// Pass it as `cursor` to go on; null when there is nothing more now.
    pub next_cursor: Option<String>,
    /// Events that are lost, between and around the items; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
}

/// Events that were accepted and are not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Sequence of the first of them.
    pub from: u64,
    /// Sequence of the last of them.
    pub to: u64,
    /// `retention`, or `lost` when their storage was damaged.
    pub reason: String,
}
