//! One attempt: load, transform, send, judge, and record what came of it.

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use futures_util::FutureExt as _;

use super::again::Terms;
use super::engine::Shared;
use super::failpoint;
use super::gate::Heard;
use super::memory::Held;
use super::queue::Due;
use super::queue::Waiting;
use super::record;
use super::record::Attempt;
use super::record::Death;
use super::record::Finished;
use super::record::Retry;
use super::recorder;
use super::render;
use super::render::Rendered;
use super::reply::LOOP_DETECTED;
use super::reply::MAX_HOPS;
use super::route::Route;
use super::route_state::Opening;
use super::route_state::RouteState;
use super::system::SystemEvent;
use super::webhook_id::webhook_id;
use crate::catalog::ConnectionView;
use crate::catalog::Target;
use crate::log::LogError;
use crate::log::StateRecord;
use crate::log::StoredEvent;
use crate::target::Call;
use crate::target::Outcome;
use crate::target::Report;
use crate::target::Until;

/// After trouble of our own a delivery is taken up again after an eighth of its age, within these bounds.
const AGAIN_MS: (i64, i64) = (1_000, 60_000);

/// What a worker wants done with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// One attempt.
    Attempt,
    /// It became too old while nothing could be attempted.
    Expire,
    /// Its route is disabled.
    Refuse,
}

/// Runs one errand and returns when its outcome is durable, or gathered as progress.
pub(super) async fn run(shared: &Shared, route: &Route, due: Due, errand: Errand) {
    let delivery = Delivery {
        shared,
        route,
        due: &due,
    };
    let stored = match delivery.load().await {
        Loaded::Event(stored) => stored,
        Loaded::Unreadable(reason) => {
            let death = Death::unsent("unreadable-event", reason);
            return delivery.bury(None, &death).await;
        }
        Loaded::NotNow => return delivery.put_off(None, "the event could not be read").await,
    };
    if stored.hops > MAX_HOPS {
        let reason = format!("published {} times over: its rules lead in a circle", stored.hops);
        let death = Death::unsent(LOOP_DETECTED, &reason);
        return delivery.bury(Some(&stored), &death).await;
    }
    match errand {
        Errand::Attempt => delivery.attempt(&stored).await,
        Errand::Expire => {
            let reason = "given up: it became too old while its target was left alone";
            let death = Death::unsent("max-age", reason);
            delivery.bury(Some(&stored), &death).await;
        }
        Errand::Refuse => {
            let reason = "the route is disabled, because its target is gone; resume it or change its URL";
            let death = Death::unsent("target_disabled", reason);
            delivery.bury(Some(&stored), &death).await;
        }
    }
}

/// What came of looking for the event.
enum Loaded {
    Event(Source),
    /// It will never be readable.
    Unreadable(&'static str),
    /// The disk or the system said no.
    NotNow,
}

/// An event, wherever it is held.
enum Source {
    InMemory(Arc<Held>),
    Read(StoredEvent),
}

impl Deref for Source {
    type Target = StoredEvent;

    fn deref(&self) -> &StoredEvent {
        match self {
            Self::InMemory(held) => &held.event,
            Self::Read(event) => event,
        }
    }
}

/// One event on its way over one route.
pub(super) struct Delivery<'a> {
    pub(super) shared: &'a Shared,
    pub(super) route: &'a Route,
    pub(super) due: &'a Due,
}

impl Delivery<'_> {
    /// What is special about it.
    pub(super) fn terms(&self) -> Terms {
        self.route.queue.lock().terms(self.due.sequence)
    }

    async fn attempt(&self, stored: &StoredEvent) {
        let view = self.shared.view.load_full();
        let Some((names, target)) = view
            .route(self.route.id)
            .and_then(|names| Some((names, view.target(self.route.id)?)))
        else {
            // Closed while in flight: the record of the closing settles it.
            return self.route.queue.lock().settle(self.due.sequence);
        };
        let generation = self.terms().generation.unwrap_or(stored.generation);
        let rule = view.rule_at(&names.bus, &names.rule, generation);
        // A panic is a failure like another, and the worker goes on.
        let rendered = std::panic::catch_unwind(AssertUnwindSafe(|| {
            render::render(stored, rule.map(AsRef::as_ref), target, names.bus.as_str())
        }));
        let Ok(rendered) = rendered else {
            let (made, report) = self.made(self.shared.clock.now_ms(), Instant::now(), Report::internal());
            return self.conclude(target, stored, made, report).await;
        };
        match rendered {
            Ok(rendered) => {
                let connection = target.connection().and_then(|name| view.connection(name));
                let connection = connection.map(AsRef::as_ref);
                let from = (names.bus.as_str(), stored.hops);
                let (made, report) = self.send((target, connection), &rendered, from).await;
                self.conclude(target, stored, made, report).await;
            }
            Err(error) => {
                let death = Death::unsent(error.code(), &error.to_string());
                self.bury(Some(stored), &death).await;
            }
        }
    }

    async fn send(
        &self,
        (target, connection): (&Target, Option<&ConnectionView>),
        rendered: &Rendered,
        (bus, hops): (&str, u8),
    ) -> (Attempt, Report) {
        let (shared, sequence) = (self.shared, self.due.sequence);
        let at_ms = shared.clock.now_ms();
        let call = Call {
            event: &rendered.event,
            bus,
            address: &rendered.address,
            connection,
            webhook_id: &webhook_id(
                shared.log.uuid(),
                self.route.bus,
                sequence,
                self.route.id,
                self.terms().replay,
            ),
            timestamp: render::unix_seconds(at_ms),
            hops,
            deadline: target.timeout,
        };
        let started = Instant::now();
        let sending = AssertUnwindSafe(pin!(shared.targets.send(target, &call)));
        // A panic is a failure like another, and the worker goes on.
        let report = sending
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Report::internal());
        failpoint::reach("answered", "");
        self.made(at_ms, started, report)
    }

    /// What is kept of an attempt that is over.
    fn made(&self, at_ms: i64, started: Instant, report: Report) -> (Attempt, Report) {
        let took = started.elapsed();
        self.shared.meters.attempt(&report.class, took);
        let made = Attempt {
            n: self.due.attempts + 1,
            at_ms,
            class: report.class.clone(),
            status: report.status,
            ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            phases: report.phases,
            headers: report.headers.clone(),
            response: None,
            next_at_ms: None,
        };
        (made, report)
    }

    async fn conclude(&self, target: &Target, stored: &StoredEvent, made: Attempt, report: Report) {
        match overruled(&report, target) {
            Outcome::Delivered => {
                let changed = self.hear(target, &Heard::Answer);
                match report.reply {
                    None => self.finish(&made).await,
                    Some(reply) => {
                        let made = Attempt {
                            response: report.response,
                            ..made
                        };
                        self.finish_with(target, stored, made, reply).await;
                    }
                }
                if let Some(changed) = changed {
                    self.write(vec![changed]).await;
                }
            }
            Outcome::Unsent => self.put_off(Some(stored), &report.reason).await,
            Outcome::Permanent => {
                let changed = self.hear(target, &Heard::Answer);
                let code = report.class.replace('_', "-");
                self.give_up(stored, (code, report.reason), made, report.response, changed)
                    .await;
            }
            Outcome::Gone => {
                let changed = self.hear(target, &Heard::Gone(target.kind.fingerprint()));
                let of = (report.class, report.reason);
                self.give_up(stored, of, made, report.response, changed).await;
            }
            Outcome::RetryLater => {
                let is_auth = matches!(report.status, Some(401 | 403 | 407));
                let changed = self.hear(target, &Heard::Failure { is_auth });
                self.retry(target, stored, made, report, (None, changed)).await;
            }
            Outcome::PauseRoute(until) => {
                let until_ms = self.bounded(until, target);
                let changed = self.hear(target, &Heard::Silence(until_ms));
                self.retry(target, stored, made, report, (Some(until_ms), changed))
                    .await;
            }
        }
    }

    /// Tells the gate; the record of its change, if it changed.
    fn hear(&self, target: &Target, heard: &Heard) -> Option<StateRecord> {
        let now = self.shared.clock.moment();
        let changed = {
            let mut gate = self.route.gate.lock();
            gate.hear(heard, target.circuit.as_ref(), now)?
        };
        tracing::info!(route = self.route.id.0, state = ?changed, "the state of a route changed");
        self.tell(heard, &changed);
        Some(changed.record(self.route.id))
    }

    /// Tells the bus `system` what the owner of the route may want to mend.
    fn tell(&self, heard: &Heard, changed: &RouteState) {
        let what = match (heard, &changed.disabled, &changed.circuit) {
            (Heard::Gone(_), Some(disabled), _) => SystemEvent::RouteDisabled {
                reason: disabled.reason.clone(),
            },
            (Heard::Failure { .. }, _, Some(Opening { span, times: 1 })) => SystemEvent::CircuitOpened {
                until_ms: span.until_ms,
            },
            _ => return,
        };
        self.shared.emit(self.route.id, what);
    }

    /// Waits for the next attempt, or gives up when there is none left.
    async fn retry(
        &self,
        target: &Target,
        stored: &StoredEvent,
        made: Attempt,
        report: Report,
        (not_before_ms, changed): (Option<i64>, Option<StateRecord>),
    ) {
        if report.max_retries.is_some_and(|most| made.n > most) {
            let of = (report.class.replace('_', "-"), report.reason);
            return self.give_up(stored, of, made, report.response, changed).await;
        }
        let since_ms = self.due.since_ms.unwrap_or(stored.time_ms);
        match next_attempt_ms(self.shared, target, since_ms, &made, not_before_ms) {
            Ok(next_at_ms) => {
                let mut attempt = Attempt {
                    response: report.response,
                    next_at_ms: Some(next_at_ms),
                    ..made
                };
                // The answer is kept for the first failure; later ones are mostly the same.
                if attempt.n > 1 {
                    (attempt.headers, attempt.response) = (Vec::new(), None);
                }
                self.postpone(attempt, since_ms, next_at_ms, changed).await;
            }
            Err((code, why)) => {
                let of = (code.to_owned(), format!("{why}; last: {}", report.reason));
                self.give_up(stored, of, made, report.response, changed).await;
            }
        }
    }

    /// The moment that a target named, not further away than it may push us.
    fn bounded(&self, until: Until, target: &Target) -> i64 {
        let now_ms = self.shared.clock.now_ms();
        let wanted_ms = match until {
            Until::After(wait) => now_ms.saturating_add(millis(wait)),
            Until::At(seconds) => seconds.saturating_mul(1_000),
        };
        wanted_ms.clamp(
            now_ms,
            now_ms.saturating_add(millis(target.retry.retry_after_max)),
        )
    }

    async fn give_up(
        &self,
        stored: &StoredEvent,
        (code, reason): (String, String),
        made: Attempt,
        response: Option<String>,
        changed: Option<StateRecord>,
    ) {
        let last = Some(Attempt { response, ..made });
        let death = Death { code, reason, last };
        self.bury_with(Some(stored), &death, changed).await;
    }

    async fn finish(&self, made: &Attempt) {
        let (route, sequence) = (self.route, self.due.sequence);
        let finished = Finished::of(sequence, made);
        self.shared.progress.push(route.id, finished).await;
        route.delivered.fetch_add(1, Ordering::Relaxed);
        route.queue.lock().settle(sequence);
    }

    async fn postpone(&self, attempt: Attempt, since_ms: i64, next_at_ms: i64, changed: Option<StateRecord>) {
        let (attempts, sequence) = (attempt.n, self.due.sequence);
        let retry = Retry {
            attempt,
            since_ms: Some(since_ms),
            key: self.due.key,
        };
        let now = self.shared.clock.moment();
        let records = [record::retry(self.route.id, sequence, &retry)];
        if self.write(records.into_iter().chain(changed).collect()).await {
            let waiting = Waiting {
                attempts,
                since_ms: Some(since_ms),
                from_ms: now.wall_ms,
                due_ms: next_at_ms,
                key: self.due.key,
            };
            self.route.queue.lock().postpone(sequence, waiting, now);
        }
    }

    /// The letter with its event is durable before the log names it.
    pub(super) async fn bury(&self, event: Option<&StoredEvent>, death: &Death) {
        self.bury_with(event, death, None).await;
    }

    /// The same, with what it changes about the route in one record.
    async fn bury_with(&self, event: Option<&StoredEvent>, death: &Death, changed: Option<StateRecord>) {
        let (shared, sequence) = (self.shared, self.due.sequence);
        let of = (self.route.id, self.route.bus);
        let store = || shared.letters.store(of, sequence, event, death);
        let stored = failpoint::around("letter", recorder::patiently(&shared.stop, store)).await;
        if let Err(error) = stored {
            tracing::error!(%error, "a dead letter could not be stored");
            return;
        }
        let records = [record::dead(self.route.id, sequence, death)];
        if self.write(records.into_iter().chain(changed).collect()).await {
            metrics::counter!("tramline_dead_letters_total", "code" => death.code.clone()).increment(1);
            let letter = SystemEvent::DeadLetters {
                code: death.code.clone(),
                reason: death.reason.clone(),
                sequences: vec![sequence],
            };
            shared.emit(self.route.id, letter);
            self.route.queue.lock().bury(sequence, &death.code);
        }
    }

    /// Makes records durable, all or none, however long the log has no room for them. On failure
    /// the log is closed or the process stops; the delivery stays in flight and is taken up after
    /// the restart.
    async fn write(&self, records: Vec<StateRecord>) -> bool {
        let written = recorder::record(&self.shared.log, &self.shared.stop, records).await;
        if let Err(error) = &written {
            tracing::error!(%error, "an outcome could not be recorded");
        }
        written.is_ok()
    }

    async fn load(&self) -> Loaded {
        if let Some(held) = &self.due.event {
            return Loaded::Event(Source::InMemory(Arc::clone(held)));
        }
        let (log, letters) = (self.shared.log.clone(), self.shared.letters.clone());
        let (route, bus, sequence) = (self.route.id, self.route.bus, self.due.sequence);
        let read = tokio::task::spawn_blocking(move || match log.event(bus, sequence)? {
            Some(event) => Ok(Some(event)),
            // The bus no longer keeps it; a letter that was given back does.
            None => letters.event(route, sequence),
        });
        match read.await {
            Ok(Ok(Some(event))) => Loaded::Event(Source::Read(event)),
            Ok(Ok(None)) => Loaded::Unreadable("the log does not have the event"),
            Ok(Err(error)) => {
                tracing::error!(%error, sequence, "an event to deliver cannot be read");
                match error {
                    LogError::Gap { .. } => {
                        Loaded::Unreadable("the event is lost: it is in a gap of the log")
                    }
                    LogError::Corrupt { .. } => {
                        Loaded::Unreadable("the stored event is damaged; the log of the server says where")
                    }
                    _ => Loaded::NotNow,
                }
            }
            Err(_) => Loaded::NotNow,
        }
    }

    /// Our own trouble charges no attempt, but the age of the delivery runs on.
    async fn put_off(&self, stored: Option<&StoredEvent>, why: &str) {
        let (shared, sequence) = (self.shared, self.due.sequence);
        let now_ms = shared.clock.now_ms();
        let accepted_ms = || match stored {
            Some(stored) => Some(stored.time_ms),
            None => shared.log.time_of(self.route.bus, sequence).ok().flatten(),
        };
        let since_ms = self.due.since_ms.or_else(accepted_ms).unwrap_or(now_ms);
        let (shortest, longest) = AGAIN_MS;
        let wait_ms = (now_ms.saturating_sub(since_ms) / 8).clamp(shortest, longest);
        let next_ms = now_ms.saturating_add(wait_ms);
        let view = shared.view.load_full();
        let target = view.target(self.route.id);
        if let Some(Err(too_late)) = target.map(|target| within_age(target, since_ms, next_ms)) {
            let death = Death::unsent("max-age", &format!("{too_late}; {why}"));
            return self.bury(stored, &death).await;
        }
        let now = shared.clock.moment();
        self.route.queue.lock().put_back(sequence, since_ms, wait_ms, now);
    }
}

/// What an answer means to this target, which may see it differently than others.
fn overruled(report: &Report, target: &Target) -> Outcome {
    let is_in = |statuses: &[u16]| report.status.is_some_and(|status| statuses.contains(&status));
    match report.outcome {
        Outcome::Delivered | Outcome::Unsent => report.outcome,
        Outcome::Permanent | Outcome::Gone if is_in(&target.retry.retry_on) => Outcome::RetryLater,
        _ if is_in(&target.retry.permanent_on) => Outcome::Permanent,
        outcome => outcome,
    }
}

/// When the next attempt is due, or why there is none.
fn next_attempt_ms(
    shared: &Shared,
    target: &Target,
    since_ms: i64,
    made: &Attempt,
    not_before_ms: Option<i64>,
) -> Result<i64, (&'static str, String)> {
    let now_ms = shared.clock.now_ms();
    let Some(delay) = target.retry.delay(made.n, rand::random::<f64>()) else {
        return Err(("max-attempts", format!("given up after {} attempts", made.n)));
    };
    let next_ms = now_ms.saturating_add(millis(delay));
    let next_ms = not_before_ms.map_or(next_ms, |not_before_ms| next_ms.max(not_before_ms));
    within_age(target, since_ms, next_ms).map_err(|why| ("max-age", why))?;
    Ok(next_ms)
}

/// Whether an attempt at `next_ms` comes before the delivery is too old; if not, why it is given up.
fn within_age(target: &Target, since_ms: i64, next_ms: i64) -> Result<(), String> {
    let last_ms = since_ms.saturating_add(millis(target.retry.max_age));
    if next_ms <= last_ms {
        return Ok(());
    }
    let last = render::moment(last_ms);
    Err(format!("given up: the next attempt would be after {last}"))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
