//! What is known of jobs: a fold over their steps, in the order of the log.

use std::collections::BTreeMap;

use bytes::Buf as _;
use bytes::BufMut as _;
use bytes::Bytes;
use roaring::RoaringTreemap;

use super::Job;
use super::JobState;
use super::step::JobStep;
use super::step::Set;
use super::step::Step;
use crate::log::RouteId;

/// Jobs that have ended and are remembered; older ones are forgotten.
const KEPT: usize = 1_000;
/// Letters in one record: at worst some 80 KiB.
const PART: usize = 4_096;

/// Letters by route.
pub(in crate::delivery) type Letters = BTreeMap<RouteId, RoaringTreemap>;

/// All jobs that are remembered.
#[derive(Debug, Default, PartialEq)]
pub(in crate::delivery) struct JobStates(BTreeMap<String, Known>);

/// One job with what it has still to do.
#[derive(Debug, PartialEq)]
struct Known {
    job: Job,
    /// The letters it is not through with.
    left: Letters,
    /// Records with letters that are still to come.
    missing_parts: u64,
}

/// The steps that accept a job with these letters.
pub(super) fn accepting(job: &Job, letters: &Letters) -> Vec<JobStep> {
    let parts = parts(letters);
    let accepted = Step::Accepted {
        work: job.work.clone(),
        at_ms: job.at_ms,
        total: job.total,
        parts: parts.len() as u64,
    };
    let steps = std::iter::once(accepted).chain(parts);
    let of_job = |step| JobStep {
        job: job.id.clone(),
        step,
    };
    steps.map(of_job).collect()
}

fn parts(letters: &Letters) -> Vec<Step> {
    let mut parts = Vec::new();
    for (route, set) in letters {
        let mut sequences = set.iter().peekable();
        while sequences.peek().is_some() {
            let mut part: RoaringTreemap = sequences.by_ref().take(PART).collect();
            part.optimize();
            let (route, set) = (route.0, Set(part));
            parts.push(Step::Letters { route, set });
        }
    }
    parts
}

impl JobStates {
    /// Takes in the next step.
    pub(in crate::delivery) fn apply(&mut self, JobStep { job: id, step }: JobStep) {
        if let Step::Accepted {
            work,
            at_ms,
            total,
            parts,
        } = step
        {
            let job = Job {
                id: id.clone(),
                work,
                at_ms,
                state: JobState::Running,
                total,
                done: 0,
                failed: 0,
                reason: None,
            };
            let known = Known {
                job,
                left: Letters::new(),
                missing_parts: parts,
            };
            self.0.insert(id, known);
            return;
        }
        let Some(known) = self.0.get_mut(&id) else { return };
        match step {
            Step::Accepted { .. } => {}
            Step::Letters { route, set: Set(set) } => {
                *known.left.entry(RouteId(route)).or_default() |= set;
                known.missing_parts = known.missing_parts.saturating_sub(1);
            }
            Step::Advanced {
                route,
                sequence,
                done,
                failed,
            } => {
                known.pass(RouteId(route), sequence);
                (known.job.done, known.job.failed) = (done, failed);
            }
            Step::Ended { state, reason } => {
                (known.job.state, known.job.reason) = (state, reason);
                known.left.clear();
                self.forget_the_oldest();
            }
        }
    }

    /// Takes in the payload of a record; one that cannot be read is passed over.
    pub(in crate::delivery) fn apply_payload(&mut self, payload: &[u8]) {
        match serde_json::from_slice(payload) {
            Ok(step) => self.apply(step),
            Err(error) => tracing::error!(%error, "a step of a job cannot be read"),
        }
    }

    fn forget_the_oldest(&mut self) {
        let ended = || {
            self.0
                .values()
                .filter(|known| known.job.state != JobState::Running)
        };
        if ended().count() > KEPT {
            let oldest = ended().min_by(|a, b| (a.job.at_ms, &a.job.id).cmp(&(b.job.at_ms, &b.job.id)));
            if let Some(id) = oldest.map(|known| known.job.id.clone()) {
                self.0.remove(&id);
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<&Job> {
        self.0.get(id).map(|known| &known.job)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Job> {
        self.0.values().map(|known| &known.job)
    }

    /// The jobs that go on, and whether each has all its letters.
    pub(super) fn running(&self) -> impl Iterator<Item = (&Job, bool)> {
        let running = self
            .0
            .values()
            .filter(|known| known.job.state == JobState::Running);
        running.map(|known| (&known.job, known.missing_parts == 0))
    }

    /// The routes that a job has letters of, behind this one first and then from the beginning.
    pub(super) fn routes_left(&self, id: &str, behind: RouteId) -> Vec<RouteId> {
        let Some(known) = self.0.get(id) else {
            return Vec::new();
        };
        let (before, after): (Vec<_>, Vec<_>) = known.left.keys().partition(|route| **route <= behind);
        after.into_iter().chain(before).collect()
    }

    /// The next letters of a job on one route, at most `n`, and whether these are its last of all.
    pub(super) fn next(&self, id: &str, route: RouteId, n: usize) -> (Vec<u64>, bool) {
        let Some(known) = self.0.get(id) else {
            return (Vec::new(), true);
        };
        let set = known.left.get(&route);
        let next: Vec<u64> = set.into_iter().flatten().take(n).collect();
        let is_last = known.left.len() == 1 && set.is_some_and(|set| set.len() == next.len() as u64);
        (next, is_last)
    }

    pub(in crate::delivery) fn encode(&self, out: &mut Vec<u8>) {
        let steps: Vec<Bytes> = self
            .0
            .values()
            .flat_map(Known::steps)
            .map(|step| step.payload())
            .collect();
        out.put_u64_le(steps.len() as u64);
        for step in steps {
            out.put_u64_le(step.len() as u64);
            out.put_slice(&step);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(in crate::delivery) fn decode(input: &mut &[u8]) -> Option<Self> {
        let mut states = Self::default();
        for _ in 0..input.try_get_u64_le().ok()? {
            let len = usize::try_from(input.try_get_u64_le().ok()?).ok()?;
            let (step, rest) = input.split_at_checked(len)?;
            *input = rest;
            states.apply(serde_json::from_slice(step).ok()?);
        }
        Some(states)
    }
}

impl Known {
    fn pass(&mut self, route: RouteId, sequence: u64) {
        if let Some(set) = self.left.get_mut(&route) {
            set.remove_range(..=sequence);
            if set.is_empty() {
                self.left.remove(&route);
            }
        }
    }

    /// Steps that lead to this state.
    fn steps(&self) -> Vec<JobStep> {
        let job = &self.job;
        let mut steps = accepting(job, &self.left);
        let of_job = |step| JobStep {
            job: job.id.clone(),
            step,
        };
        if let Some(JobStep {
            step: Step::Accepted { parts, .. },
            ..
        }) = steps.first_mut()
        {
            *parts += self.missing_parts;
        }
        // Of a route that has no letters: only the counts.
        steps.push(of_job(Step::Advanced {
            route: 0,
            sequence: 0,
            done: job.done,
            failed: job.failed,
        }));
        if job.state != JobState::Running {
            steps.push(of_job(Step::Ended {
                state: job.state,
                reason: job.reason.clone(),
            }));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::jobs::Work;

    fn job(id: &str, at_ms: i64, total: u64) -> Job {
        Job {
            id: id.to_owned(),
            work: Work::Discard {
                reason: "why".to_owned(),
            },
            at_ms,
            state: JobState::Running,
            total,
            done: 0,
            failed: 0,
            reason: None,
        }
    }

    fn letters(count: u64) -> Letters {
        Letters::from([
            (RouteId(1), (1..=count).collect()),
            (RouteId(5), (1..=count).map(|n| n * 1_000).collect()),
        ])
    }

    fn apply_all(states: &mut JobStates, steps: Vec<JobStep>) {
        for step in steps {
            states.apply(step);
        }
    }

    fn ended(job: &Job) -> JobStep {
        JobStep {
            job: job.id.clone(),
            step: Step::Ended {
                state: JobState::Done,
                reason: None,
            },
        }
    }

    #[test]
    fn a_job_comes_out_of_a_snapshot_as_it_went_in() {
        let mut states = JobStates::default();
        let (going, over) = (job("a", 1, 20_000), job("b", 2, 1));
        apply_all(&mut states, accepting(&going, &letters(10_000)));
        states.apply(JobStep {
            job: "a".to_owned(),
            step: Step::Advanced {
                route: 1,
                sequence: 6_000,
                done: 5_999,
                failed: 1,
            },
        });
        apply_all(&mut states, accepting(&over, &letters(1)));
        states.apply(ended(&over));
        let mut out = Vec::new();
        states.encode(&mut out);
        let read = JobStates::decode(&mut out.as_slice()).unwrap();
        assert_eq!(read, states);
        assert_eq!(read.next("a", RouteId(1), 2), (vec![6_001, 6_002], false));
        assert_eq!(read.find("a").map(|job| (job.done, job.failed)), Some((5_999, 1)));
    }

    #[test]
    fn a_job_that_was_cut_off_while_it_was_accepted_is_known_as_such() {
        let mut states = JobStates::default();
        let mut steps = accepting(&job("a", 1, 20_000), &letters(10_000));
        steps.pop();
        apply_all(&mut states, steps);
        let mut out = Vec::new();
        states.encode(&mut out);
        for states in [states, JobStates::decode(&mut out.as_slice()).unwrap()] {
            let running: Vec<_> = states
                .running()
                .map(|(job, is_whole)| (job.id.as_str(), is_whole))
                .collect();
            assert_eq!(running, [("a", false)]);
        }
    }

    #[test]
    fn the_oldest_of_too_many_ended_jobs_is_forgotten_and_no_running_one() {
        let mut states = JobStates::default();
        apply_all(&mut states, accepting(&job("running", 0, 1), &letters(1)));
        for n in 0..KEPT + 2 {
            let job = job(&format!("{n}"), i64::try_from(n).unwrap(), 0);
            apply_all(&mut states, accepting(&job, &Letters::new()));
            states.apply(ended(&job));
        }
        assert_eq!(states.all().count(), KEPT + 1);
        assert!(states.find("running").is_some() && states.find("1").is_none() && states.find("2").is_some());
    }
}
