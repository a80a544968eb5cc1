//! The dead-letter log: each dead letter with its event, kept longer than the bus keeps it.
//!
//! A second log of the same kind. A letter is one frame: the event, caused by its route and
//! sequence, and a `dead` record. It is durable before the `dead` record of the main log is
//! written, and counts only when that one names it.

use crate::log::AppendError;
use crate::log::BusId;
use crate::log::Cause;
use crate::log::Checkpoint;
use crate::log::DedupKey;
use crate::log::Fact;
use crate::log::Log;
use crate::log::LogError;
use crate::log::NewEvent;
use crate::log::Retention;
use crate::log::RouteId;
use crate::log::StateKind;
use crate::log::StateRecord;
use crate::log::StoredEvent;
use crate::log::StoredState;

use super::record;
use super::record::Death;
use super::record::Kept;
use super::record::Letter;

/// Letters that are over age.
pub(super) struct Expiring {
    /// Where they end.
    pub(super) until: Checkpoint,
    /// The deliveries that have no newer letter.
    pub(super) newest: Vec<(RouteId, u64)>,
}

/// Dead letters on disk.
#[derive(Clone)]
pub(super) struct Letters {
    log: Log,
}

impl Letters {
    pub(super) const fn new(log: Log) -> Self {
        Self { log }
    }

    /// Makes a letter durable; without its event if that cannot be read.
    pub(super) async fn store(
        &self,
        (route, bus): (RouteId, BusId),
        sequence: u64,
        event: Option<&StoredEvent>,
        death: &Death,
    ) -> Result<(), AppendError> {
        let letter = Letter {
            death: death.clone(),
            accepted_at_ms: event.map(|event| event.time_ms),
        };
        let state = StateRecord {
            bus,
            ..record::letter(route, sequence, &letter)
        };
        match event.map(|event| copy(route, event)) {
            Some(copy) => self.log.append(bus, vec![copy], vec![state]).await.map(drop),
            None => self.log.record(vec![state]).await,
        }
    }

    /// The newest letter of a delivery, and its event as the bus had it. Blocking.
    pub(super) fn find(
        &self,
        route: RouteId,
        sequence: u64,
    ) -> Result<Option<(Letter, Option<StoredEvent>)>, LogError> {
        let Some((state, events)) = self.log.route_frame(route, sequence)? else {
            return Ok(None);
        };
        let letter = record::read::<Letter>(&state);
        let accepted_at_ms = letter.as_ref().and_then(|letter| letter.accepted_at_ms);
        let event = as_on_bus(events, sequence, accepted_at_ms);
        Ok(letter.map(|letter| (letter, event)))
    }

    /// The event that is kept for a delivery, as the bus had it. Blocking.
    pub(super) fn event(&self, route: RouteId, sequence: u64) -> Result<Option<StoredEvent>, LogError> {
        let Some((state, events)) = self.log.route_frame(route, sequence)? else {
            return Ok(None);
        };
        let kept = record::read::<Kept>(&state);
        Ok(as_on_bus(
            events,
            sequence,
            kept.and_then(|kept| kept.accepted_at_ms),
        ))
    }

    /// Keeps an event for a route that it is given to, when the bus no longer has it.
    pub(super) async fn keep_for(
        &self,
        route: RouteId,
        bus: BusId,
        event: &StoredEvent,
    ) -> Result<(), AppendError> {
        let kept = Kept {
            accepted_at_ms: Some(event.time_ms),
        };
        let state = StateRecord {
            bus,
            ..record::kept(route, event.sequence, &kept)
        };
        let copy = copy(route, event);
        self.log.append(bus, vec![copy], vec![state]).await.map(drop)
    }

    /// The oldest letters, if they are over age. Blocking.
    pub(super) fn expiring(&self, retention: &Retention) -> Result<Option<Expiring>, LogError> {
        let Some(expired) = self.log.expired(retention)? else {
            return Ok(None);
        };
        let mut letters: Vec<(RouteId, u64, StoredState)> = Vec::new();
        self.log.fold(None, Some(expired.until), &mut |fact| {
            if let Fact::Recorded(state) = fact
                && matches!(state.record.kind, StateKind::Dead | StateKind::Redriven)
            {
                let named = state.record.sequences.clone();
                letters.extend(
                    named
                        .into_iter()
                        .map(|sequence| (state.record.route, sequence, state.clone())),
                );
            }
        })?;
        let mut newest = Vec::new();
        for (route, sequence, state) in letters {
            let states = self.log.route_states(route, sequence)?;
            if states.last() == Some(&state) {
                newest.push((route, sequence));
            }
        }
        Ok(Some(Expiring {
            until: expired.until,
            newest,
        }))
    }

    /// Gives up the letters before `until`. Blocking.
    pub(super) fn trim(&self, until: Checkpoint) -> Result<(), LogError> {
        self.log.trim(until)
    }

    /// Takes a snapshot, so that old segments may go. Blocking.
    pub(super) fn snapshot(&self) -> Result<(), LogError> {
        let checkpoint = *self.log.checkpoints().borrow();
        match checkpoint {
            Some(checkpoint) => self.log.save_snapshot(checkpoint, bytes::Bytes::new()),
            None => Ok(()),
        }
    }
}

/// The event of a letter as its bus had it.
fn as_on_bus(events: Vec<StoredEvent>, sequence: u64, accepted_at_ms: Option<i64>) -> Option<StoredEvent> {
    events.into_iter().next().map(|event| StoredEvent {
        sequence,
        time_ms: accepted_at_ms.unwrap_or(event.time_ms),
        cause: None,
        ..event
    })
}

fn copy(route: RouteId, event: &StoredEvent) -> NewEvent {
    let sequence = event.sequence;
    NewEvent {
        // A letter is never a duplicate: the same delivery may die again after a redrive.
        key: DedupKey(rand::random()),
        generation: event.generation,
        hops: event.hops,
        cause: Some(Cause { route, sequence }),
        routes: Vec::new(),
        attributes: event.attributes.clone(),
        data: event.data.clone(),
    }
}
