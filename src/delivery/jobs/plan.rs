//! What is to be done with one part of a job's letters, as records and as changes in memory.

use std::sync::Arc;

use super::Redrive;
use super::Work;
use crate::delivery::again::Again;
use crate::delivery::engine::DeliveryError;
use crate::delivery::engine::Engine;
use crate::delivery::engine::Shared;
use crate::delivery::record;
use crate::delivery::record::Ending;
use crate::delivery::recorder;
use crate::delivery::route::Route;
use crate::delivery::timeline::DeliveryState;
use crate::log::LogError;
use crate::log::RouteId;
use crate::log::StateRecord;
use crate::log::StoredEvent;

/// Letters of one route, and what becomes of them.
#[derive(Default)]
pub(super) struct Plan {
    /// How many letters it does something with; the others stay as they are.
    pub(super) done: u64,
    /// Letters that end, and why.
    ending: Option<(Arc<Route>, Vec<u64>, Ending)>,
    /// Deliveries that go over a route once more.
    again: Vec<(Arc<Route>, Vec<u64>, Again)>,
}

/// What another route makes of the letters that are given to it.
#[derive(Default)]
struct Redirected {
    /// It did not take these events when they were accepted.
    guests: Vec<u64>,
    /// It did, and they have been on their way over it.
    known: Vec<u64>,
    /// It did, and will come to them by itself.
    pending: Vec<u64>,
    /// Events that the bus no longer has.
    copies: Vec<StoredEvent>,
}

impl Plan {
    pub(super) fn records(&self) -> Vec<StateRecord> {
        let ending = self.ending.iter();
        let ending = ending
            .map(|(route, letters, ending)| record::dropped((route.id, route.bus), letters.clone(), ending));
        let again = self.again.iter();
        let again = again.map(|(route, letters, again)| record::redriven(route.id, letters.clone(), again));
        ending.chain(again).collect()
    }
}

impl Shared {
    /// Plans what to do with letters of a route. What it makes durable on the way is of no
    /// consequence if the plan is not carried out.
    pub(super) async fn plan(
        self: &Arc<Self>,
        work: &Work,
        id: RouteId,
        mut letters: Vec<u64>,
    ) -> Result<Plan, DeliveryError> {
        let Some(route) = self.routes.read().get(&id).cloned() else {
            return Ok(Plan::default());
        };
        {
            // Somebody else may have done something with them meanwhile.
            let queue = route.queue.lock();
            letters.retain(|letter| queue.dead().contains(*letter));
        }
        match work {
            Work::Discard { reason } => Ok(Plan {
                done: letters.len() as u64,
                ending: Some((route, letters, Ending::new("discarded", reason.clone()))),
                again: Vec::new(),
            }),
            Work::Redrive(how) => match how.to.map(RouteId).filter(|to| *to != id) {
                None => Ok(self.plan_return(how, &route, letters)),
                Some(to) => self.plan_redirection(route, to, letters).await,
            },
        }
    }

    /// Letters go back to their own route, if that is open.
    fn plan_return(&self, how: &Redrive, route: &Arc<Route>, letters: Vec<u64>) -> Plan {
        let Some(present) = self.present_generation(route.id) else {
            return Plan::default();
        };
        let done = letters.len() as u64;
        let (present_ones, own): (Vec<u64>, Vec<u64>) = {
            let queue = route.queue.lock();
            // A rule that did not accept an event has no transform of its generation.
            let is_present = |letter: &u64| how.retransform || queue.is_guest(*letter);
            letters.into_iter().partition(is_present)
        };
        let with_present = Again {
            generation: Some(present),
            ..Again::default()
        };
        let both = [(own, Again::default()), (present_ones, with_present)];
        let again = both.into_iter().filter(|(letters, _)| !letters.is_empty());
        Plan {
            done,
            ending: None,
            again: again
                .map(|(letters, again)| (Arc::clone(route), letters, again))
                .collect(),
        }
    }

    /// Letters go to another route of their bus, if that is open.
    async fn plan_redirection(
        self: &Arc<Self>,
        from: Arc<Route>,
        to: RouteId,
        letters: Vec<u64>,
    ) -> Result<Plan, DeliveryError> {
        let target = self.routes.read().get(&to).cloned();
        let present = self.present_generation(to);
        let (Some(target), Some(present)) = (target.filter(|target| target.bus == from.bus), present) else {
            return Ok(Plan::default());
        };
        let (engine, a, b) = (
            Engine {
                shared: Arc::clone(self),
            },
            Arc::clone(&from),
            Arc::clone(&target),
        );
        let looking = tokio::task::spawn_blocking(move || engine.look_at(&a, &b, letters));
        let found = looking.await.map_err(|_| DeliveryError::Stopping)??;
        for event in &found.copies {
            let keep = || self.letters.keep_for(to, target.bus, event);
            recorder::patiently(&self.stop, keep)
                .await
                .map_err(DeliveryError::Append)?;
        }
        for letter in found.known.iter().chain(&found.guests) {
            // The end of an attempt before must not settle what begins here.
            let recorded = self.progress.recorded(to, *letter);
            let recorded = self.stop.run_until_cancelled(recorded).await;
            recorded.ok_or(DeliveryError::Stopping)?;
        }
        let again = |is_guest| Again {
            generation: Some(present),
            replay: None,
            is_guest,
        };
        let ended = [&found.guests, &found.known, &found.pending]
            .map(Vec::as_slice)
            .concat();
        let both = [(found.guests, again(true)), (found.known, again(false))];
        let both = both.into_iter().filter(|(letters, _)| !letters.is_empty());
        let view = self.view.load();
        let names = view
            .route(to)
            .map(|names| format!("{}/{}", names.rule, names.target));
        let words = format!("given to the route {}", names.unwrap_or_default());
        Ok(Plan {
            done: ended.len() as u64,
            ending: Some((from, ended, Ending::new("redriven-elsewhere", words))),
            again: both
                .map(|(letters, again)| (Arc::clone(&target), letters, again))
                .collect(),
        })
    }

    /// The generation in force on the bus of an open route.
    pub(in crate::delivery) fn present_generation(&self, id: RouteId) -> Option<u64> {
        let view = self.view.load();
        view.target(id)?;
        let names = view.route(id)?;
        Some(view.bus(names.bus.as_str())?.generation)
    }

    /// Does in memory what was recorded.
    pub(super) fn follow_plan(self: &Arc<Self>, plan: &Plan) {
        if let Some((route, letters, _)) = &plan.ending {
            let mut queue = route.queue.lock();
            for letter in letters {
                queue.forget_dead(*letter);
            }
        }
        let now = self.clock.moment();
        for (route, letters, again) in &plan.again {
            self.change(route, |queue| {
                for letter in letters {
                    queue.send_again(*letter, now, again);
                }
            });
        }
    }
}

impl Engine {
    /// What another route is to do with letters: looks at each event. Blocking.
    fn look_at(&self, from: &Route, to: &Route, letters: Vec<u64>) -> Result<Redirected, DeliveryError> {
        let mut found = Redirected::default();
        for letter in letters {
            let on_bus = match self.shared.log.event(from.bus, letter) {
                Ok(event) => event,
                // Damaged or lost on the bus: the letter has a copy.
                Err(LogError::Corrupt { .. } | LogError::Gap { .. }) => None,
                Err(error) => return Err(DeliveryError::Log(error)),
            };
            let Some(event) = on_bus else {
                let kept = self.shared.letters.event(from.id, letter);
                if let Some(event) = kept.map_err(DeliveryError::Log)? {
                    found.copies.push(event);
                    found.guests.push(letter);
                }
                continue;
            };
            if !event.routes.contains(&to.id) {
                found.guests.push(letter);
            } else if self.on_route(to.id, letter)?.state == DeliveryState::Pending {
                found.pending.push(letter);
            } else {
                found.known.push(letter);
            }
        }
        Ok(found)
    }
}
