//! Sending one event once more over one route, and trying a target with an event of no bus.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use uuid::Uuid;

use super::again::Again;
use super::engine::DeliveryError;
use super::engine::Engine;
use super::record;
use super::recorder;
use super::render;
use super::timeline::DeliveryState;
use super::timeline::RouteTimeline;
use crate::event::Event;
use crate::log::RouteId;
use crate::log::StoredEvent;
use crate::target::Call;
use crate::target::Report;
use crate::transform::Facts;

/// Tests of targets that run at once.
pub(super) const TESTS: usize = 32;
/// A test is waited for by somebody: it ends within this time, however patient its target is.
const TEST_TIME: Duration = Duration::from_secs(30);

/// How a test of a target ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Stable name of what happened, as of an attempt.
    pub class: String,
    /// Status the target answered, if it did.
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// What happened, in a sentence.
    pub reason: String,
}

impl Engine {
    /// Sends an event once more over an open route of its bus, which may have taken it or not.
    ///
    /// A delivery that has ended well, or was given up, begins anew as a replay, under another
    /// `webhook-id`: receivers that drop repeats take it. A dead letter is given back, one that
    /// waits for a retry is tried now, with attempts and age from now: still the same delivery. One
    /// that is pending or held is left to its turn.
    ///
    /// On return that is durable; gives where the delivery stands. `None` when there is no such route.
    ///
    /// # Errors
    /// When the log cannot be read or written.
    pub async fn resend(
        &self,
        event: StoredEvent,
        id: RouteId,
    ) -> Result<Option<RouteTimeline>, DeliveryError> {
        let engine = self.clone();
        // Between a record and what it means in memory nothing may be dropped.
        let sending = self
            .shared
            .workers
            .spawn(async move { engine.resend_in_turn(&event, id).await });
        sending.await.map_err(|_| DeliveryError::Stopping)?
    }

    async fn resend_in_turn(
        &self,
        event: &StoredEvent,
        id: RouteId,
    ) -> Result<Option<RouteTimeline>, DeliveryError> {
        let shared = &self.shared;
        let _turn = shared.redrives.lock().await;
        let route = shared.routes.read().get(&id).cloned();
        let (Some(route), Some(present)) = (route, shared.present_generation(id)) else {
            return Ok(None);
        };
        let sequence = event.sequence;
        let (was_guest, is_in_flight) = {
            let queue = route.queue.lock();
            (queue.is_guest(sequence), queue.is_in_flight(sequence))
        };
        // The end of an attempt before must not settle what begins here.
        let recorded = shared.progress.recorded(id, sequence);
        shared
            .stop
            .run_until_cancelled(recorded)
            .await
            .ok_or(DeliveryError::Stopping)?;
        let before = self.look_up(id, sequence).await?;
        let took = event.routes.contains(&id);
        let is_new = !took && !was_guest;
        let is_to_come = matches!(before.state, DeliveryState::Pending | DeliveryState::Held);
        if is_in_flight || (is_to_come && !is_new) {
            return Ok(Some(before));
        }
        let has_ended = matches!(before.state, DeliveryState::Delivered | DeliveryState::Dropped);
        let again = Again {
            generation: (!took).then_some(present),
            replay: has_ended.then(|| rand::random::<u64>().max(1)),
            is_guest: !took,
        };
        recorder::record(
            &shared.log,
            &shared.stop,
            vec![record::redriven(id, vec![sequence], &again)],
        )
        .await
        .map_err(DeliveryError::Append)?;
        let now = shared.clock.moment();
        shared.change(&route, |queue| queue.send_again(sequence, now, &again));
        metrics::counter!("tramline_resent_total").increment(1);
        self.look_up(id, sequence).await.map(Some)
    }

    async fn look_up(&self, id: RouteId, sequence: u64) -> Result<RouteTimeline, DeliveryError> {
        let engine = self.clone();
        let looking = tokio::task::spawn_blocking(move || engine.on_route(id, sequence));
        looking.await.map_err(|_| DeliveryError::Stopping)?
    }

    /// Calls the target of an open route once with an event of no bus, under an id of its own.
    ///
    /// Nothing is recorded, and it counts for nothing: neither retries nor the state of the route.
    /// `None` when there is no such route.
    ///
    /// # Errors
    /// [`DeliveryError::TooManyTests`].
    pub async fn test(&self, id: RouteId, event: Event) -> Result<Option<Tested>, DeliveryError> {
        let shared = Arc::clone(&self.shared);
        let turn = Arc::clone(&shared.tests).try_acquire_owned();
        let _turn = turn.map_err(|_| DeliveryError::TooManyTests { max: TESTS })?;
        let view = shared.view.load_full();
        let Some(target) = view.target(id) else {
            return Ok(None);
        };
        let connection = target.connection().and_then(|name| view.connection(name));
        let (bus, rule) = view
            .route(id)
            .map_or(("", ""), |names| (names.bus.as_str(), names.rule.as_str()));
        let facts = Facts {
            now_ms: shared.clock.now_ms(),
            rule,
            bus,
            sequence: 0,
            mask_key: None,
        };
        let address = match render::address(&event, target, &facts) {
            Ok(address) => address,
            Err(error) => {
                return Ok(Some(Tested {
                    class: error.code().replace('-', "_"),
                    status: None,
                    ms: 0,
                    reason: error.to_string(),
                }));
            }
        };
        let call = Call {
            event: &event,
            bus,
            address: &address,
            connection: connection.map(AsRef::as_ref),
            webhook_id: &format!("msg_test{}", Uuid::new_v4().simple()),
            timestamp: render::unix_seconds(shared.clock.now_ms()),
            hops: 0,
            deadline: target.timeout.min(TEST_TIME),
        };
        let started = Instant::now();
        let report: Report = shared.targets.send(target, &call).await;
        Ok(Some(Tested {
            class: report.class,
            status: report.status,
            ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
            reason: report.reason,
        }))
    }
}
