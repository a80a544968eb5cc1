//! What is appended to the log and read back from it.

use super::ids::{BusId, DedupKey, RouteId};
use bytes::Bytes;

/// The delivery that an event is the reply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The route whose target replied.
    pub route: RouteId,
    /// The event it was given.
    pub sequence: u64,
}

/// An event with its routing decision, before it has a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewEvent {
    /// Recognises a copy of this event on the same bus.
    pub key: DedupKey,
    /// Generation of the ruleset that chose the routes.
    pub generation: u64,
    /// How often the event has been published by a reply or a bus target.
    pub hops: u8,
    /// The delivery it answers, if any.
    pub cause: Option<Cause>,
    /// The routes it takes, ascending without repeats.
    pub routes: Vec<RouteId>,
    /// Context attributes in the caller's encoding; opaque here.
    pub attributes: Bytes,
    /// The data, stored verbatim.
    pub data: Bytes,
}

/// An event of the log: [`NewEvent`] and what the log decided.
///
/// `attributes` and `data` share the buffer they were read into or published from: cloning copies nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Dense number on its bus, from 1.
    pub sequence: u64,
    /// Time of its frame in Unix milliseconds, never decreasing along the log.
    pub time_ms: i64,
    /// See [`NewEvent::key`].
    pub key: DedupKey,
    /// See [`NewEvent::generation`].
    pub generation: u64,
    /// See [`NewEvent::hops`].
    pub hops: u8,
    /// See [`NewEvent::cause`].
    pub cause: Option<Cause>,
    /// See [`NewEvent::routes`].
    pub routes: Vec<RouteId>,
    /// See [`NewEvent::attributes`].
    pub attributes: Bytes,
    /// See [`NewEvent::data`].
    pub data: Bytes,
}

impl From<NewEvent> for StoredEvent {
    /// The event before the writer has numbered it: sequence and time are 0.
    fn from(event: NewEvent) -> Self {
        let NewEvent {
            key,
            generation,
            hops,
            cause,
            routes,
            attributes,
            data,
        } = event;
        Self {
            sequence: 0,
            time_ms: 0,
            key,
            generation,
            hops,
            cause,
            routes,
            attributes,
            data,
        }
    }
}

/// What became of one event of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is durable under this sequence.
    Stored(u64),
    /// An equal event already is, under this sequence; nothing was written for this one.
    Duplicate(u64),
}

impl Appended {
    /// The sequence under which the event is durable.
    #[must_use]
    pub fn sequence(self) -> u64 {
        match self {
            Self::Stored(sequence) | Self::Duplicate(sequence) => sequence,
        }
    }
}

/// What a state record says about its route, bus or events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StateKind {
    /// The named deliveries are finished.
    Progress = 1,
    /// An attempt was made.
    Attempt = 2,
    /// The delivery is retried later.
    Retry = 3,
    /// The delivery waits for the operator.
    Held = 4,
    /// The delivery ended as a dead letter.
    Dead = 5,
    /// The delivery was given up on record.
    Dropped = 6,
    /// A dead letter was sent again.
    Redriven = 7,
    /// A bus was given its number.
    BusOpened = 8,
    /// A route was given its number.
    RouteOpened = 9,
    /// A route was closed for ever.
    RouteClosed = 10,
    /// State of a subscription.
    Subscription = 11,
    /// State of a background job.
    Job = 12,
    /// Sequences `[first, end)` of a bus that are lost; the payload says why.
    Gap = 13,
    /// What a route as a whole may do; the newest record of a route replaces those before it.
    RouteState = 14,
}

impl StateKind {
    /// The kind with this number on disk.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        use StateKind as K;
        [
            K::Progress,
            K::Attempt,
            K::Retry,
            K::Held,
            K::Dead,
            K::Dropped,
            K::Redriven,
            K::BusOpened,
            K::RouteOpened,
            K::RouteClosed,
            K::Subscription,
            K::Job,
            K::Gap,
            K::RouteState,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// One change of delivery state; what it means is its owner's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRecord {
    /// What it says.
    pub kind: StateKind,
    /// The route it is about; 0 when it is about none.
    pub route: RouteId,
    /// The bus it is about; 0 when it is about none.
    pub bus: BusId,
    /// Which owner of the route wrote it; 0 on one machine.
    pub epoch: u32,
    /// The events it names, on the route's bus, in the order given.
    pub sequences: Vec<u64>,
    /// The rest, in the owner's encoding; opaque here.
    pub payload: Bytes,
}

impl StateRecord {
    /// A record about nothing yet: no route, no bus, no events, no payload.
    #[must_use]
    pub fn new(kind: StateKind) -> Self {
        Self {
            kind,
            route: RouteId(0),
            bus: BusId(0),
            epoch: 0,
            sequences: Vec::new(),
            payload: Bytes::new(),
        }
    }
}

/// A state record of the log with the time of its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredState {
    /// Time of its frame in Unix milliseconds.
    pub time_ms: i64,
    /// The record as it was appended.
    pub record: StateRecord,
}
