//! Dead letters: listed, searched, and given back to their routes.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::engine::DeliveryError;
use super::engine::Engine;
use super::jobs::Job;
use super::jobs::JobState;
use super::record;
use super::record::Attempt;
use super::recorder;
use super::route::Route;
use super::timeline::DeliveryState;
use crate::event;
use crate::event::Event;
use crate::log::LogError;
use crate::log::RouteId;

/// Letters marked in one record and one append.
const REDRIVE_CHUNK: usize = 1_000;
/// While a route holds all the retries it may, a redrive looks again after this long.
const REDRIVE_WAIT: std::time::Duration = std::time::Duration::from_millis(200);

/// Bytes of the letters in one page, about; the last one may pass it.
const PAGE_BYTES: usize = 8 << 20;
/// Letters looked at for one page: each costs some small reads.
const PAGE_SCANNED: usize = 4_000;

/// What a letter takes beside data, reason and attempts, about; and an attempt beside its response.
const LETTER_LEN: usize = 1_024;
const ATTEMPT_LEN: usize = 128;

/// What ends a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageBounds {
    pub(super) letters: usize,
    pub(super) scanned: usize,
    pub(super) bytes: usize,
}

/// Names one dead letter: its route and the sequence of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId {
    route: u64,
    sequence: u64,
}

impl DeadLetterId {
    pub(super) const fn new(route: RouteId, sequence: u64) -> Self {
        let route = route.0;
        Self { route, sequence }
    }
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
    /// The event as it was accepted; none if it cannot be read.
    pub event: Option<Event>,
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
    /// Pass it as `after` to go on; none when there is no more. A page may be short, or empty, and
    /// have a next one: few of the letters looked at were meant.
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
        let bounds = PageBounds {
            letters: limit,
            scanned: PAGE_SCANNED,
            bytes: PAGE_BYTES,
        };
        self.dead_letter_page(filter, after, bounds)
    }

    pub(super) fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        bounds: PageBounds,
    ) -> Result<DeadLetterPage, DeliveryError> {
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, after);
        let mut candidates = self.candidates(filter);
        candidates.retain(|id| after.is_none_or(|after| *id > after));
        for (scanned, id) in candidates.into_iter().enumerate() {
            if scanned >= bounds.scanned {
                return Ok(DeadLetterPage { items, next });
            }
            if let Some(obituary) = self.obituary(id, filter)? {
                if items.len() >= bounds.letters || bytes >= bounds.bytes {
                    return Ok(DeadLetterPage { items, next });
                }
                let letter = self.dead_letter(id, obituary)?;
                bytes += letter.len();
                items.push(letter);
            }
            next = Some(id);
        }
        Ok(DeadLetterPage { items, next: None })
    }

    /// Gives dead letters back to their routes: the same `webhook-id`, attempts and age from now.
    ///
    /// The first thousand are durably given back when this returns; the job does the rest. A
    /// letter whose route is gone stays a dead letter and counts as failed. Dropping the future
    /// loses the answer only: the redrive goes on.
    ///
    /// # Errors
    /// When the log cannot be read or written; letters not given back stay dead letters.
    pub async fn redrive(&self, filter: DeadLetterFilter) -> Result<Job, DeliveryError> {
        let (answer, answered) = oneshot::channel();
        let engine = self.clone();
        // Between a letter's record and its return to the queue nothing may be dropped, so the
        // engine carries it out, whatever becomes of the caller.
        self.shared
            .workers
            .spawn(async move { engine.carry_out_redrive(filter, answer).await });
        answered.await.unwrap_or(Err(DeliveryError::Stopping))
    }

    /// Answers once the first chunk is given back, and goes on to the end.
    async fn carry_out_redrive(
        &self,
        filter: DeadLetterFilter,
        answer: oneshot::Sender<Result<Job, DeliveryError>>,
    ) {
        // A caller that has gone away needs no answer.
        let ids = match self.find_all(filter).await {
            Ok(ids) => ids,
            Err(error) => return drop(answer.send(Err(error))),
        };
        let jobs = &self.shared.jobs;
        let job = jobs.add("redrive", u64::try_from(ids.len()).unwrap_or(u64::MAX));
        let (first, rest) = ids.split_at(ids.len().min(REDRIVE_CHUNK));
        if let Err(error) = self.give_back(&job.id, first).await {
            jobs.fail(&job.id, error.to_string());
            return drop(answer.send(Err(error)));
        }
        if rest.is_empty() {
            jobs.update(&job.id, |job| job.state = JobState::Done);
        }
        let id = job.id.clone();
        drop(answer.send(Ok(jobs.find(&id).unwrap_or(job))));
        if rest.is_empty() {
            return;
        }
        match self.give_back_rest(&id, rest).await {
            Ok(()) => jobs.update(&id, |job| job.state = JobState::Done),
            Err(error) => {
                tracing::error!(%error, "a redrive stopped");
                jobs.fail(&id, error.to_string());
            }
        }
    }

    async fn find_all(&self, filter: DeadLetterFilter) -> Result<Vec<DeadLetterId>, DeliveryError> {
        let engine = self.clone();
        let found = tokio::task::spawn_blocking(move || engine.matching_ids(&filter));
        found.await.map_err(|_| DeliveryError::Stopping)?
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

    async fn give_back_rest(&self, job: &str, ids: &[DeadLetterId]) -> Result<(), DeliveryError> {
        for chunk in ids.chunks(REDRIVE_CHUNK) {
            while !self.has_room(chunk) {
                let wait = tokio::time::sleep(REDRIVE_WAIT);
                if self.shared.stop.run_until_cancelled(wait).await.is_none() {
                    return Err(DeliveryError::Stopping);
                }
            }
            self.give_back(job, chunk).await?;
        }
        Ok(())
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
            recorder::record(&self.shared.log, &self.shared.stop, records)
                .await
                .map_err(DeliveryError::Append)?;
        }
        let now = self.shared.clock.moment();
        let mut done = 0;
        for (route, sequences) in by_route {
            done += self.shared.change(&route, |queue| {
                sequences
                    .into_iter()
                    .map(|sequence| u64::from(queue.revive(sequence, now)))
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
                if self.shared.stop.is_cancelled() {
                    return Err(DeliveryError::Stopping);
                }
                if self.obituary(id, filter)?.is_some() {
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
            let ids: BTreeSet<_> = ids.iter().collect();
            found.retain(|id| ids.contains(id));
        }
        found.sort_unstable();
        found
    }

    /// What is recorded of a letter, without its event, if the filter means it.
    fn obituary(
        &self,
        id: DeadLetterId,
        filter: &DeadLetterFilter,
    ) -> Result<Option<Obituary>, DeliveryError> {
        let Some(bus) = self.route(id.route).map(|route| route.bus) else {
            return Ok(None);
        };
        let timeline = self.on_route(RouteId(id.route), id.sequence)?;
        let mut attempts = timeline.attempts;
        let (code, reason, accepted_ms) = if let Some((code, reason)) = timeline.death {
            let accepted_ms = self.shared.log.time_of(bus, id.sequence);
            (code, reason, accepted_ms.map_err(DeliveryError::Log)?)
        } else {
            // The main log may no longer have the record: the letter says the same.
            let letter = self.shared.letters.find(RouteId(id.route), id.sequence);
            let is_open = timeline.state == DeliveryState::Pending;
            let Some((letter, _)) = letter.map_err(DeliveryError::Log)?.filter(|_| is_open) else {
                // Redriven between the listing and now: no longer a dead letter.
                return Ok(None);
            };
            attempts.extend(letter.death.last);
            (letter.death.code, letter.death.reason, letter.accepted_at_ms)
        };
        let accepted_ms = accepted_ms.unwrap_or_default();
        let at_ms = |attempt: Option<&Attempt>| attempt.map_or(accepted_ms, |attempt| attempt.at_ms);
        let obituary = Obituary {
            rule: timeline.rule,
            target: timeline.target,
            code,
            reason,
            first_at_ms: at_ms(attempts.first()),
            last_at_ms: at_ms(attempts.last()),
            attempts,
        };
        Ok(filter.admits(&obituary).then_some(obituary))
    }

    fn dead_letter(&self, id: DeadLetterId, obituary: Obituary) -> Result<DeadLetter, DeliveryError> {
        let found = self.shared.letters.find(RouteId(id.route), id.sequence);
        let event = match found {
            // Damage must not hide the letter that tells of it, nor the others.
            Ok(None) | Err(LogError::Corrupt { .. } | LogError::Gap { .. }) => None,
            Ok(Some((_, stored))) => {
                stored.and_then(|stored| event::decode_attributes(&stored.attributes, stored.data).ok())
            }
            Err(error) => return Err(DeliveryError::Log(error)),
        };
        let view = self.shared.view.load();
        let bus = view.route(RouteId(id.route)).map(|names| names.bus.as_str());
        Ok(DeadLetter {
            id,
            bus: bus.unwrap_or_default().to_owned(),
            rule: obituary.rule,
            target: obituary.target,
            sequence: id.sequence,
            event,
            code: obituary.code,
            reason: obituary.reason,
            attempts: obituary.attempts,
            first_at_ms: obituary.first_at_ms,
            last_at_ms: obituary.last_at_ms,
        })
    }
}

/// A dead letter without its event.
struct Obituary {
    rule: String,
    target: String,
    code: String,
    reason: String,
    attempts: Vec<Attempt>,
    first_at_ms: i64,
    last_at_ms: i64,
}

impl DeadLetter {
    /// About how many bytes it takes.
    fn len(&self) -> usize {
        let event = self.event.as_ref().map_or(0, |event| event.data().bytes().len());
        let response = |attempt: &Attempt| attempt.response.as_ref().map_or(0, String::len);
        let attempts = self
            .attempts
            .iter()
            .map(|attempt| ATTEMPT_LEN + response(attempt));
        LETTER_LEN + event + self.reason.len() + attempts.sum::<usize>()
    }
}

impl DeadLetterFilter {
    fn admits(&self, letter: &Obituary) -> bool {
        self.code.as_ref().is_none_or(|code| *code == letter.code)
            && self.since_ms.is_none_or(|since_ms| letter.last_at_ms >= since_ms)
    }
}
