//! Housekeeping of both logs: snapshots, and giving up what is over age or too large.
//!
//! What unfinished deliveries need stays, unless the log is above its hard limit; then what is
//! given up is recorded first, route by route.

use std::sync::Arc;
use std::time::Duration;

use super::engine::DeliveryError;
use super::engine::Shared;
use super::record;
use super::record::Ending;
use super::recorder;
use super::route::Route;
use super::system::SystemEvent;
use super::unfinished;
use crate::log::BusId;
use crate::log::Checkpoint;
use crate::log::Expired;
use crate::log::LogError;
use crate::log::Retention;
use crate::log::RouteId;

/// How often retention is looked at; sealing a segment makes it look at once.
const EVERY: Duration = Duration::from_secs(5);
/// Sequences in one record of what is given up.
const RECORD_SEQUENCES: usize = 8_192;

/// Codes of what is given up here.
const HARD_LIMIT: &str = "hard-limit";
const LETTER_EXPIRED: &str = "letter-expired";

/// How long the logs keep what nobody needs any more.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Events and what became of them.
    pub events: Retention,
    /// Dead letters.
    pub letters: Retention,
}

/// Keeps both logs in order until the engine stops.
pub(super) async fn run(shared: Arc<Shared>, keeping: Keeping) {
    let mut checkpoints = shared.log.checkpoints();
    let mut taken = None;
    loop {
        let checkpoint = *checkpoints.borrow_and_update();
        // A disk too full for a snapshot is one more reason to give up what is over age.
        let (snapshots, events, letters) = (
            take_snapshots(&shared, checkpoint, &mut taken).await,
            keep_events(&shared, keeping.events).await,
            keep_letters(&shared, keeping.letters).await,
        );
        for error in [snapshots, events, letters].into_iter().filter_map(Result::err) {
            tracing::error!(
                error = crate::problem::chain(&error),
                "housekeeping failed; segments are kept until it works"
            );
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
            changed = checkpoints.changed() => if changed.is_err() { return },
        }
    }
}

/// Takes the snapshots that are not `taken` yet.
async fn take_snapshots(
    shared: &Arc<Shared>,
    checkpoint: Option<Checkpoint>,
    taken: &mut Option<Checkpoint>,
) -> Result<(), DeliveryError> {
    let (log, letters) = (shared.log.clone(), shared.letters.clone());
    let due = checkpoint.filter(|checkpoint| *taken != Some(*checkpoint));
    blocking(move || {
        letters.snapshot()?;
        due.map_or(Ok(()), |checkpoint| unfinished::snapshot(&log, checkpoint))
    })
    .await?;
    *taken = checkpoint;
    Ok(())
}

async fn keep_events(shared: &Arc<Shared>, retention: Retention) -> Result<(), DeliveryError> {
    while !shared.stop.is_cancelled() {
        // What a job gives back is not given up between its look at the event and its record.
        let _turn = shared.redrives.lock().await;
        let log = shared.log.clone();
        let Some(expired) = blocking(move || log.expired(&retention)).await? else {
            return Ok(());
        };
        if shared.is_needed(&expired) {
            if !expired.is_forced {
                return Ok(());
            }
            shared.give_up(&expired).await?;
        }
        let log = shared.log.clone();
        blocking(move || log.trim(expired.until)).await?;
    }
    Ok(())
}

async fn keep_letters(shared: &Arc<Shared>, retention: Retention) -> Result<(), DeliveryError> {
    while !shared.stop.is_cancelled() {
        let _turn = shared.redrives.lock().await;
        let letters = shared.letters.clone();
        let Some(expiring) = blocking(move || letters.expiring(&retention)).await? else {
            return Ok(());
        };
        let is_under_way = |(id, sequence): &(RouteId, u64)| {
            let route = shared.routes.read().get(id).cloned();
            route.is_some_and(|route| route.queue.lock().is_under_way(*sequence))
        };
        if expiring.newest.iter().any(is_under_way) {
            // It was given back, and its event may be here alone.
            return Ok(());
        }
        for (id, sequence) in expiring.newest {
            let route = shared.routes.read().get(&id).cloned();
            if let Some(route) = route.filter(|route| route.queue.lock().dead().contains(sequence)) {
                shared
                    .drop_deliveries((route.id, route.bus), &[sequence], LETTER_EXPIRED)
                    .await?;
                route.queue.lock().forget_dead(sequence);
            }
        }
        let letters = shared.letters.clone();
        blocking(move || letters.trim(expiring.until)).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, DeliveryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| DeliveryError::Stopping)?
        .map_err(DeliveryError::Log)
}

impl Shared {
    /// Whether an unfinished delivery has its event in these segments.
    fn is_needed(&self, expired: &Expired) -> bool {
        let mut sequences = expired.sequences.iter();
        sequences.any(|(bus, range)| self.floor(*bus).is_some_and(|floor| floor < range.end))
    }

    /// A sequence of the bus below which nothing is unfinished: the pin of all its routes.
    fn floor(&self, bus: BusId) -> Option<u64> {
        let routes = self.routes.read();
        let of_bus = routes.values().filter(|route| route.bus == bus);
        let open = of_bus.filter_map(|route| {
            let unrecorded = self.progress.lowest(route.id);
            [route.queue.lock().floor(), unrecorded]
                .into_iter()
                .flatten()
                .min()
        });
        let unclaimed = self.unclaimed.lock();
        let of_bus = unclaimed.iter().filter(|(id, _)| self.may_be_of(**id, bus));
        let held = of_bus.filter_map(|(_, route)| route.open.min());
        open.chain(held).min()
    }

    /// Records that deliveries whose events are in these segments are given up, and forgets them.
    async fn give_up(self: &Arc<Self>, expired: &Expired) -> Result<(), DeliveryError> {
        for (bus, range) in &expired.sequences {
            let routes: Vec<Arc<Route>> = {
                let routes = self.routes.read();
                routes
                    .values()
                    .filter(|route| route.bus == *bus)
                    .cloned()
                    .collect()
            };
            for route in routes {
                self.give_up_on(&route, range.end).await?;
            }
            self.give_up_held(*bus, range.end).await?;
        }
        Ok(())
    }

    /// The same for routes that the catalog does not know.
    async fn give_up_held(&self, bus: BusId, end: u64) -> Result<(), DeliveryError> {
        let doomed: Vec<(RouteId, Vec<u64>)> = {
            let unclaimed = self.unclaimed.lock();
            let of_bus = unclaimed.iter().filter(|(id, _)| self.may_be_of(**id, bus));
            let below = of_bus.map(|(id, route)| {
                let open = route.open.iter().take_while(|sequence| *sequence < end);
                (*id, open.collect())
            });
            below.collect()
        };
        for (id, sequences) in doomed {
            for chunk in sequences.chunks(RECORD_SEQUENCES) {
                self.drop_deliveries((id, bus), chunk, HARD_LIMIT).await?;
            }
            if let Some(route) = self.unclaimed.lock().get_mut(&id) {
                route.forget_below(end);
            }
        }
        Ok(())
    }

    /// Whether a route can be one of the bus: the log does not know the bus of every route.
    fn may_be_of(&self, route: RouteId, bus: BusId) -> bool {
        self.log.bus_of(route).is_none_or(|its| its == bus)
    }

    async fn give_up_on(self: &Arc<Self>, route: &Arc<Route>, end: u64) -> Result<(), DeliveryError> {
        loop {
            // What the log holds beyond the queue's window is brought into it part by part.
            let wanted = route.queue.lock().wanted();
            let wanted = wanted.filter(|wanted| wanted.after.saturating_add(1) < end);
            if let Some(wanted) = wanted {
                let (log, id) = (self.log.clone(), route.id);
                let next = blocking(move || log.route_events(id, wanted.after, super::queue::WINDOW)).await?;
                route.queue.lock().refill(&wanted, next);
            }
            let doomed = route.queue.lock().take_below(end, RECORD_SEQUENCES);
            if doomed.is_empty() {
                if wanted.is_none() {
                    // What is in flight has its event in memory, and ends by itself.
                    return Ok(());
                }
                continue;
            }
            self.drop_deliveries((route.id, route.bus), &doomed, HARD_LIMIT)
                .await?;
        }
    }

    async fn drop_deliveries(
        &self,
        (route, bus): (RouteId, BusId),
        sequences: &[u64],
        reason: &'static str,
    ) -> Result<(), DeliveryError> {
        let count = u64::try_from(sequences.len()).unwrap_or(u64::MAX);
        let words = match reason {
            HARD_LIMIT => "the log is above its hard limit",
            _ => "the dead letter was kept for as long as dead letters are",
        };
        let ending = Ending::new(reason, words);
        let record = record::dropped((route, bus), sequences.to_vec(), &ending);
        recorder::record(&self.log, &self.stop, vec![record])
            .await
            .map_err(DeliveryError::Append)?;
        metrics::counter!("tramline_dropped_total", "reason" => reason).increment(count);
        tracing::warn!(route = route.0, count, reason, "deliveries were given up");
        let gave_up = SystemEvent::GaveUp {
            code: reason,
            sequences: sequences.to_vec(),
        };
        self.emit(route, gave_up);
        Ok(())
    }
}

impl super::Engine {
    /// Routes that the log knows unfinished deliveries of and the catalog does not: nothing of
    /// theirs is sent and nothing is dropped.
    #[must_use]
    pub fn held_routes(&self) -> Vec<RouteId> {
        let mut held: Vec<RouteId> = self.shared.unclaimed.lock().keys().copied().collect();
        held.sort_unstable();
        held
    }
}
