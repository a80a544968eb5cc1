//! Dead letters: listed, searched, and given back to their routes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::engine::DeliveryError;
use super::engine::Engine;
use super::jobs::Job;
use super::jobs::JobState;
use super::record;
use super::record::Attempt;
use super::route::Route;
use crate::event;
use crate::event::Event;
use crate::log::RouteId;

/// Letters marked in one record and one append.
const REDRIVE_CHUNK: usize = 1_000;
/// While a route holds all the retries it may, a redrive looks again after this long.
const REDRIVE_WAIT: std::time::Duration = std::time::Duration::from_millis(200);

/// Names one dead letter: its route and the sequence of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId {
    route: u64,
    sequence: u64,
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.route, self.sequence)
    }
}

impl FromStr for DeadLetterId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (route, sequence) = text.split_once('-').ok_or(())?;
        Ok(Self {
            route: route.parse().map_err(drop)?,
            sequence: sequence.parse().map_err(drop)?,
        })
    }
}

/// One delivery that ended without success, with its event.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeadLetterId,
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Sequence of the event on its bus.
    pub sequence: u64,
    /// The event as it was accepted.
    pub event: Event,
    /// Stable code of the reason.
    pub code: String,
    /// The reason in words.
    pub reason: String,
    /// Every attempt that was charged.
    pub attempts: Vec<Attempt>,
    /// When the first attempt was made, or the event accepted; Unix milliseconds.
    pub first_at_ms: i64,
    /// When the last attempt was made; Unix milliseconds.
    pub last_at_ms: i64,
}

/// Which dead letters are meant; every field left out means all.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Name of the bus.
    pub bus: Option<String>,
    /// Name of the rule.
    pub rule: Option<String>,
    /// Name of the target.
    pub target: Option<String>,
    /// Code of the reason.
    pub code: Option<String>,
    /// Last attempt at or after, Unix milliseconds.
    pub since_ms: Option<i64>,
    /// These letters only.
    pub ids: Option<Vec<DeadLetterId>>,
}

/// Some dead letters, and where the next page begins.
#[derive(Debug)]
pub struct DeadLetterPage {
    /// The letters.
    pub items: Vec<DeadLetter>,
    /// Pass it as `after` to go on.
    pub next: Option<DeadLetterId>,
}

impl Engine {
    /// Open dead letters in the order of route and sequence, after one of them. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<DeadLetterPage, DeliveryError> {
        let mut items = Vec::new();
        for id in self.candidates(filter) {
            if after.is_some_and(|after| id <= after) {
                continue;
            }
            if items.len() == limit {
                let next = items.last().map(|letter: &DeadLetter| letter.id);
                return Ok(DeadLetterPage { items, next });
            }
            items.extend(self.dead_letter(id)?.filter(|letter| filter.admits(letter)));
        }
        Ok(DeadLetterPage { items, next: None })
    }

    /// Gives dead letters back to their routes: the same `webhook-id`, attempts and age from now.
    ///
    /// The first thousand are durably given back when this returns; the job does the rest. A
    /// letter whose route is gone stays a dead letter and counts as failed.
    ///
    /// # Errors
    /// When the log cannot be read or written; letters not given back stay dead letters.
    pub async fn redrive(&self, filter: DeadLetterFilter) -> Result<Job, DeliveryError> {
        let engine = self.clone();
        let ids = tokio::task::spawn_blocking(move || engine.matching_ids(&filter))
            .await
            .map_err(|_| DeliveryError::Stopping)??;
        let job = self
            .shared
            .jobs
            .add("redrive", u64::try_from(ids.len()).unwrap_or(u64::MAX));
        let (first, rest) = ids.split_at(ids.len().min(REDRIVE_CHUNK));
        self.give_back(&job.id, first).await?;
        let (engine, id, rest) = (self.clone(), job.id.clone(), rest.to_vec());
        if rest.is_empty() {
            self.shared.jobs.update(&id, |job| job.state = JobState::Done);
        } else {
            self.shared
                .workers
                .spawn(async move { engine.give_back_rest(&id, &rest).await });
        }
        Ok(self.shared.jobs.find(&job.id).unwrap_or(job))
    }

    /// How many dead letters a filter means. Blocking.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn count_dead_letters(&self, filter: &DeadLetterFilter) -> Result<usize, DeliveryError> {
        self.matching_ids(filter).map(|ids| ids.len())
    }

    /// A job of this process by its id.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<Job> {
        self.shared.jobs.find(id)
    }

    async fn give_back_rest(&self, job: &str, ids: &[DeadLetterId]) {
        for chunk in ids.chunks(REDRIVE_CHUNK) {
            while !self.has_room(chunk) {
                let wait = tokio::time::sleep(REDRIVE_WAIT);
                if self.shared.stop.run_until_cancelled(wait).await.is_none() {
                    return self.shared.jobs.update(job, |job| job.state = JobState::Failed);
                }
            }
            if let Err(error) = self.give_back(job, chunk).await {
                tracing::error!(%error, "a redrive stopped");
                return self.shared.jobs.update(job, |job| job.state = JobState::Failed);
            }
        }
        self.shared.jobs.update(job, |job| job.state = JobState::Done);
    }

    fn has_room(&self, ids: &[DeadLetterId]) -> bool {
        ids.iter()
            .filter_map(|id| self.route(id.route))
            .all(|route| route.queue.lock().has_room_for_retries())
    }

    /// One at a time, so that no letter is given back twice.
    async fn give_back(&self, job: &str, ids: &[DeadLetterId]) -> Result<(), DeliveryError> {
        let _turn = self.shared.redrives.lock().await;
        let mut failed = 0;
        let mut by_route: Vec<(Arc<Route>, Vec<u64>)> = Vec::new();
        for id in ids {
            let is_open = self.shared.view.load().target(RouteId(id.route)).is_some();
            let route = self
                .route(id.route)
                .filter(|route| is_open && route.queue.lock().dead().contains(id.sequence));
            let Some(route) = route else {
                failed += 1;
                continue;
            };
            match by_route.iter_mut().find(|(known, _)| known.id == route.id) {
                Some((_, sequences)) => sequences.push(id.sequence),
                None => by_route.push((route, vec![id.sequence])),
            }
        }
        let records: Vec<_> = by_route
            .iter()
            .map(|(route, sequences)| record::redriven(route.id, sequences.clone()))
            .collect();
        if !records.is_empty() {
            self.shared
                .log
                .record(records)
                .await
                .map_err(DeliveryError::Append)?;
        }
        let now_ms = self.shared.clock.now_ms();
        let mut done = 0;
        for (route, sequences) in by_route {
            done += self.shared.change(&route, |queue| {
                sequences
                    .into_iter()
                    .map(|sequence| u64::from(queue.revive(sequence, now_ms)))
                    .sum::<u64>()
            });
        }
        self.shared.jobs.update(job, |job| {
            job.done += done;
            job.failed += failed;
        });
        Ok(())
    }

    fn route(&self, id: u64) -> Option<Arc<Route>> {
        self.shared.routes.read().get(&RouteId(id)).cloned()
    }

    fn matching_ids(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterId>, DeliveryError> {
        let mut ids = self.candidates(filter);
        if filter.code.is_some() || filter.since_ms.is_some() {
            let mut admitted = Vec::new();
            for id in ids {
                if self.dead_letter(id)?.is_some_and(|letter| filter.admits(&letter)) {
                    admitted.push(id);
                }
            }
            ids = admitted;
        }
        Ok(ids)
    }

    /// Letters that the names in the filter leave, without reading them.
    fn candidates(&self, filter: &DeadLetterFilter) -> Vec<DeadLetterId> {
        let view = self.shared.view.load();
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        let mut found = Vec::new();
        for (id, route) in self.shared.routes.read().iter() {
            let Some(names) = view.route(*id) else { continue };
            let is_meant = is(&filter.bus, names.bus.as_str())
                && is(&filter.rule, names.rule.as_str())
                && is(&filter.target, names.target.as_str());
            if is_meant {
                let queue = route.queue.lock();
                found.extend(queue.dead().iter().map(|sequence| DeadLetterId {
                    route: id.0,
                    sequence,
                }));
            }
        }
        if let Some(ids) = &filter.ids {
            found.retain(|id| ids.contains(id));
        }
        found.sort_unstable();
        found
    }

    fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, DeliveryError> {
        let route = RouteId(id.route);
        let Some(bus) = self.route(id.route).map(|route| route.bus) else {
            return Ok(None);
        };
        let Some(stored) = self
            .shared
            .log
            .event(bus, id.sequence)
            .map_err(DeliveryError::Log)?
        else {
            return Ok(None);
        };
        let event = event::decode_attributes(&stored.attributes, stored.data.clone())?;
        let timeline = self.on_route(route, id.sequence)?;
        // Redriven between the listing and now: no longer a dead letter.
        let Some((code, reason)) = timeline.death else {
            return Ok(None);
        };
        let view = self.shared.view.load();
        let Some(names) = view.route(route) else {
            return Ok(None);
        };
        Ok(Some(DeadLetter {
            id,
            bus: names.bus.as_str().to_owned(),
            rule: timeline.rule,
            target: timeline.target,
            sequence: id.sequence,
            event,
            code,
            reason,
            first_at_ms: timeline
                .attempts
                .first()
                .map_or(stored.time_ms, |attempt| attempt.at_ms),
            last_at_ms: timeline
                .attempts
                .last()
                .map_or(stored.time_ms, |attempt| attempt.at_ms),
            attempts: timeline.attempts,
        }))
    }
}

impl DeadLetterFilter {
    fn admits(&self, letter: &DeadLetter) -> bool {
        self.code.as_ref().is_none_or(|code| *code == letter.code)
            && self.since_ms.is_none_or(|since_ms| letter.last_at_ms >= since_ms)
    }
}
