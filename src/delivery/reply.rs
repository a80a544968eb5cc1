//! What becomes of the events that a function answers with.
//!
//! They and the record of the call are one frame of the log: a crash leaves both or neither, so
//! a call is repeated only if nothing of its reply was stored. A function that ran is never called
//! again because of what it answered: a reply that cannot be published makes a dead letter beside
//! the call, which succeeded.

use std::sync::atomic::Ordering;

use sha2::Digest as _;
use sha2::Sha256;
use uuid::Uuid;

use super::attempt::Delivery;
use super::failpoint;
use super::publish::Unpublishable;
use super::record;
use super::record::Attempt;
use super::record::Death;
use super::record::Finished;
use super::recorder;
use crate::catalog::ReplyTo;
use crate::catalog::Target;
use crate::catalog::TargetKind;
use crate::event::Event;
use crate::log::AppendError;
use crate::log::Appended;
use crate::log::BusId;
use crate::log::Cause;
use crate::log::DedupKey;
use crate::log::NewEvent;
use crate::log::RouteId;
use crate::log::StoredEvent;
use crate::target::Reply;

/// Most hops of an event that is still sent anywhere: beyond it, functions are answering each other.
pub(super) const MAX_HOPS: u8 = 16;
/// Code of the dead letter of an event with more.
pub(super) const LOOP_DETECTED: &str = "loop_detected";
/// Code of the dead letter of a reply that cannot be published.
pub(super) const REPLY_INVALID: &str = "reply_invalid";

impl Delivery<'_> {
    /// Ends a delivery whose target has the event, and publishes what it answered.
    pub(super) async fn finish_with(
        &self,
        target: &Target,
        stored: &StoredEvent,
        made: Attempt,
        reply: Reply,
    ) {
        let refused = match reply {
            Reply::Events(reply) => self.publish(target, stored, &made, &reply.events).await,
            Reply::Invalid(why) => Err(unpublishable(why)),
        };
        if let Err(Unpublishable { code, why }) = refused {
            if let TargetKind::Bus(_) = target.kind {
                let death = Death {
                    code: code.to_owned(),
                    reason: format!("the event cannot be published: {why}"),
                    last: Some(Attempt {
                        class: code.replace('-', "_"),
                        ..made
                    }),
                };
                return self.bury(Some(stored), &death).await;
            }
            let death = Death {
                code: REPLY_INVALID.to_owned(),
                reason: format!("the function ran, and its reply cannot be published: {why}"),
                last: Some(Attempt {
                    class: REPLY_INVALID.to_owned(),
                    ..made
                }),
            };
            self.bury(Some(stored), &death).await;
        }
        self.route.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the events durable together with the record of the call.
    ///
    /// # Errors
    /// Why they cannot be published, now or ever.
    async fn publish(
        &self,
        target: &Target,
        stored: &StoredEvent,
        made: &Attempt,
        events: &[Event],
    ) -> Result<(), Unpublishable> {
        let (shared, route, sequence) = (self.shared, self.route.id, self.due.sequence);
        let (bus, events) = self.decide(target, stored, events)?;
        let finished = Finished::of(sequence, made);
        let append = || {
            let records = vec![record::progress(route, &[finished])];
            shared.log.append(bus, events.clone(), records)
        };
        match failpoint::around("reply", recorder::patiently(&shared.stop, append)).await {
            Ok(appended) => {
                let is_old = |appended: &Appended| matches!(appended, Appended::Duplicate(_));
                if appended.iter().all(is_old) {
                    // The reply of an earlier call is stored: then nothing was written, nor the record.
                    shared.progress.push(route, finished).await;
                }
                self.route.queue.lock().settle(sequence);
                Ok(())
            }
            Err(error @ (AppendError::TooLarge { .. } | AppendError::TooManyEvents { .. })) => {
                Err(unpublishable(error.to_string()))
            }
            Err(error) => {
                // The process stops: the delivery stays in flight and is taken up after the restart.
                tracing::error!(%error, "a reply could not be stored");
                Ok(())
            }
        }
    }

    /// The events with where they go, as replies to this delivery.
    fn decide(
        &self,
        target: &Target,
        stored: &StoredEvent,
        events: &[Event],
    ) -> Result<(BusId, Vec<NewEvent>), Unpublishable> {
        let (shared, route, sequence) = (self.shared, self.route.id, self.due.sequence);
        let replay = self.terms().replay;
        let view = shared.view.load();
        let own_bus = view.route(route).map(|names| &names.bus);
        let bus = match target.kind.reply_to() {
            ReplyTo::Bus(bus) => Some(bus),
            ReplyTo::OwnBus | ReplyTo::Nobody => own_bus,
        };
        let bus = bus.ok_or_else(|| unpublishable("its route is gone".to_owned()))?;
        if bus.is_system() {
            return Err(unpublishable(format!(
                "only the server publishes to the bus `{bus}`"
            )));
        }
        let (mut number, mut decided) = (BusId(0), Vec::with_capacity(events.len()));
        for (index, event) in (0_u32..).zip(events) {
            let (id, event) = shared.publish.prepare(bus.as_str(), event)?;
            number = id;
            decided.push(NewEvent {
                key: reply_key(&shared.log.uuid(), route, (sequence, replay), index),
                hops: stored.hops.saturating_add(1),
                cause: Some(Cause { route, sequence }),
                ..event
            });
        }
        Ok((number, decided))
    }
}

/// A reason that has no code of its own: where it was to go cannot take it.
fn unpublishable(why: String) -> Unpublishable {
    Unpublishable {
        code: "no-such-bus",
        why,
    }
}

/// Recognises the n-th event of the reply to a delivery, whatever the function calls it.
fn reply_key(log: &Uuid, route: RouteId, (sequence, replay): (u64, u64), index: u32) -> DedupKey {
    let digest = Sha256::new()
        .chain_update(b"reply")
        .chain_update(log.as_bytes())
        .chain_update(route.0.to_le_bytes())
        .chain_update(sequence.to_le_bytes())
        .chain_update(replay.to_le_bytes())
        .chain_update(index.to_le_bytes())
        .finalize();
    let first = digest.first_chunk().copied().unwrap_or_default();
    DedupKey(u128::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_of_each_reply_has_a_key_of_its_own() {
        let log = Uuid::from_u128(1);
        let key = |route, delivery, index| reply_key(&log, RouteId(route), delivery, index);
        let all = [
            key(1, (2, 0), 0),
            key(2, (2, 0), 0),
            key(1, (3, 0), 0),
            key(1, (2, 0), 1),
            key(1, (2, 1), 0),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().map(|key| key.0).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(key(1, (2, 0), 0), all[0]);
    }
}
