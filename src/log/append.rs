//! Appending: what runs on the calling task before and after the writer.

use super::Log;
use super::answer::Outcome;
use super::dedup::{self, Decision, Reservation};
use super::error::{AppendError, LogError};
use super::event::{Appended, NewEvent, StateRecord, StoredEvent};
use super::format::body;
use super::ids::{BusId, DedupKey, RouteId};
use super::known::{Offered, Suspect};
use super::queue::Request;
use super::shared::Shared;
use tokio::sync::{SemaphorePermit, oneshot};

/// Events of one append at most: their count has two bytes in the frame.
const MAX_EVENTS: usize = u16::MAX as usize;

impl Log {
    /// Appends events of one bus and state records in one atomic frame.
    ///
    /// Returns once the frame is durable, one answer for each event in the order given. Until
    /// then no reader sees any of it; afterwards every reader does. An event that is known within the
    /// dedup window is a duplicate, and so is the second copy inside `events`; one whose key is
    /// being stored by another append waits for that one's outcome first. Known is an event with the
    /// same key that [`is_same_event`](super::LogConfig::is_same_event) takes for the same, or that
    /// answers the same delivery. If all
    /// events are duplicates nothing is written, the state records included.
    ///
    /// Safe to call concurrently; appends of one bus get their sequences in the order in which
    /// they reach the writer. Dropping the future before it was queued writes nothing and
    /// reserves nothing. Dropping it later only loses the answer: the append happens as if it
    /// were awaited, its keys included, so a retry with the same keys is a duplicate.
    ///
    /// Waits at most `admission_wait` for room, then for the disk, for which there is no limit:
    /// callers that need one put their own deadline around it.
    ///
    /// # Errors
    /// See [`AppendError`]; only [`AppendError::OutcomeUnknown`] leaves open whether it is stored.
    pub async fn append(
        &self,
        bus: BusId,
        events: Vec<NewEvent>,
        state: Vec<StateRecord>,
    ) -> Result<Vec<Appended>, AppendError> {
        if events.is_empty() && state.is_empty() {
            return Ok(Vec::new());
        }
        let shared = &self.inner.shared;
        if !events.is_empty() && shared.is_storage_full() {
            return Err(AppendError::StorageFull);
        }
        let len = check(shared, bus, &events, &state)?;
        let permit = admit(shared, len).await?;
        let (reservation, decisions) = reserve(self, bus, &events).await?;
        // From here to the queue nothing is awaited; until then dropping the future frees the keys.
        let fresh: Vec<StoredEvent> = (events.into_iter().zip(&decisions))
            .filter(|(_, decision)| matches!(decision, Decision::Fresh(_)))
            .map(|(event, _)| event.into())
            .collect();
        if fresh.is_empty() && !decisions.is_empty() {
            return Ok(decisions
                .into_iter()
                .map(|decision| outcome(decision, 0))
                .collect());
        }
        shared.answering.start();
        let answer = enqueue(shared, bus, fresh, state, permit)?;
        reservation.hand_over();
        let first = answer.await.unwrap_or(Err(AppendError::OutcomeUnknown))?;
        Ok(decisions
            .into_iter()
            .map(|decision| outcome(decision, first))
            .collect())
    }

    /// Appends state records alone in one atomic frame; otherwise as [`append`](Self::append).
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn record(&self, state: Vec<StateRecord>) -> Result<(), AppendError> {
        self.append(BusId(0), Vec::new(), state).await.map(|_| ())
    }
}

/// Refuses what cannot be stored; returns the bytes of the body if every event is new.
fn check(
    shared: &Shared,
    bus: BusId,
    events: &[NewEvent],
    state: &[StateRecord],
) -> Result<usize, AppendError> {
    if !events.is_empty() && bus == BusId(0) {
        return Err(AppendError::Invalid("bus 0 holds no events"));
    }
    let ascend = |event: &NewEvent| {
        event.routes.is_sorted_by(|a, b| a < b) && event.routes.first() != Some(&RouteId(0))
    };
    if !events.iter().all(ascend) {
        return Err(AppendError::Invalid(
            "the routes of an event do not ascend from 1",
        ));
    }
    if events.len() > MAX_EVENTS {
        return Err(AppendError::TooManyEvents {
            count: events.len(),
            max: MAX_EVENTS,
        });
    }
    let (len, max) = (body::encoded_len(events, state), shared.config.max_body);
    if len > max {
        return Err(AppendError::TooLarge { len, max });
    }
    Ok(len)
}

/// Waits for room for `len` bytes in the queue. Cancel-safe: the permit gives itself back.
async fn admit(shared: &Shared, len: usize) -> Result<SemaphorePermit<'_>, AppendError> {
    let bytes = u32::try_from(len.min(shared.config.admission_bytes)).unwrap_or(u32::MAX);
    if let Ok(permit) = shared.admission.try_acquire_many(bytes) {
        return Ok(permit);
    }
    let acquire = shared.admission.acquire_many(bytes);
    match tokio::time::timeout(shared.config.admission_wait, acquire).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(shared.queue.refusal().unwrap_or(AppendError::Closed)),
        Err(_) => Err(AppendError::Overloaded),
    }
}

/// Reserves the keys, waiting while one of them is being stored, and finds out which events are
/// known. Cancel-safe: the reservation gives itself back.
async fn reserve<'s>(
    log: &'s Log,
    bus: BusId,
    events: &[NewEvent],
) -> Result<(Reservation<'s>, Vec<Decision>), AppendError> {
    let shared = &log.inner.shared;
    let (keys, decisions) = dedup::distinct(events, shared.config.is_same_event);
    let mut reservation = wait_for_keys(shared, bus, keys).await?;
    if !reservation.may_be_known() {
        return Ok((reservation, decisions));
    }
    let suspects = shared.suspects(bus, reservation.keys());
    if suspects.is_empty() {
        return Ok((reservation, decisions));
    }
    let first_copies: Vec<&NewEvent> = (events.iter().zip(&decisions))
        .filter(|(_, decision)| matches!(decision, Decision::Fresh(_)))
        .map(|(event, _)| event)
        .collect();
    let known = compare(log, bus, suspects, &first_copies).await?;
    if known.iter().all(Option::is_none) {
        return Ok((reservation, decisions));
    }
    let new = first_copies
        .iter()
        .zip(&known)
        .filter(|(_, known)| known.is_none());
    reservation.keep(new.map(|(event, _)| event.key).collect());
    Ok((reservation, dedup::with_known(&decisions, &known)))
}

/// For each event the sequence of the stored one that it is a copy of.
async fn compare(
    log: &Log,
    bus: BusId,
    suspects: Vec<Suspect>,
    events: &[&NewEvent],
) -> Result<Vec<Option<u64>>, AppendError> {
    let mut known = vec![None; events.len()];
    let offered: Vec<(Suspect, Offered)> = suspects
        .into_iter()
        .filter_map(|suspect| events.get(suspect.place).map(|event| (suspect, (*event).into())))
        .collect();
    let log = log.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let originals = offered.iter().map(|(suspect, offered)| {
            let original = log.original_of(bus, suspect, offered)?;
            Ok((suspect.place, original))
        });
        originals.collect::<Result<Vec<_>, LogError>>()
    });
    match compared.await {
        Ok(Ok(originals)) => {
            for (place, original) in originals {
                if let Some(known) = known.get_mut(place) {
                    *known = original;
                }
            }
            Ok(known)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "it cannot be looked up whether events are duplicates");
            Err(AppendError::LookupFailed)
        }
        Err(_) => Err(AppendError::LookupFailed),
    }
}

/// Reserves the keys as soon as no other append is storing one of them.
async fn wait_for_keys(
    shared: &Shared,
    bus: BusId,
    keys: Vec<DedupKey>,
) -> Result<Reservation<'_>, AppendError> {
    // Nearly every append passes here, without joining the list of those who listen.
    let mut keys = match Reservation::try_new(shared, bus, keys) {
        Ok(reservation) => return Ok(reservation),
        Err(keys) => keys,
    };
    loop {
        // Listen before looking, so that a change in between is heard.
        let changed = shared.dedup_changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        keys = match Reservation::try_new(shared, bus, keys) {
            Ok(reservation) => return Ok(reservation),
            Err(keys) => keys,
        };
        match shared.queue.refusal() {
            // The first copy may be on disk, so this one shares its answer.
            Some(AppendError::Poisoned) => return Err(AppendError::OutcomeUnknown),
            // A closing log still writes the first copy and then tells.
            _ => changed.await,
        }
    }
}

/// Encodes on this task and hands over to the writer, which owns admission and keys from then on.
fn enqueue(
    shared: &Shared,
    bus: BusId,
    events: Vec<StoredEvent>,
    states: Vec<StateRecord>,
    permit: SemaphorePermit<'_>,
) -> Result<oneshot::Receiver<Outcome>, AppendError> {
    let body = body::encode(&events, &states);
    let (done, answer) = oneshot::channel();
    let request = Request {
        bus: if events.is_empty() { BusId(0) } else { bus },
        events,
        states,
        body_crc: crc32c::crc32c(&body),
        body,
        admitted: u32::try_from(permit.num_permits()).unwrap_or(u32::MAX),
        done: Some(done),
    };
    shared.queue.push(request).map_err(|(_, error)| error)?;
    permit.forget();
    Ok(answer)
}

fn outcome(decision: Decision, first: u64) -> Appended {
    match decision {
        Decision::Fresh(index) => Appended::Stored(first + u64::from(index)),
        Decision::Repeats(index) => Appended::Duplicate(first + u64::from(index)),
        Decision::Known(sequence) => Appended::Duplicate(sequence),
    }
}
