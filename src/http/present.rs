//! From the things inside to the shapes of the API.

use serde_json::value::RawValue;

use crate::api::AttemptReply;
use crate::api::EventEntry;
use crate::api::JobReply;
use crate::api::PhasesReply;
use crate::catalog::View;
use crate::clock::rfc3339;
use crate::delivery::Attempt;
use crate::delivery::Job;
use crate::delivery::JobState;
use crate::event;
use crate::event::Event;
use crate::log::StoredEvent;
use crate::problem::Problem;
use crate::target::Phases;

/// Rules named in an answer about one event.
const MAX_NAMED: usize = 100;

/// An event in the CloudEvents JSON format, its JSON data verbatim.
pub(super) fn event_json(event: &Event) -> Result<Box<RawValue>, Problem> {
    let mut out = Vec::with_capacity(event.data().bytes().len() + 512);
    event::write_json(event, &mut out);
    String::from_utf8(out)
        .map_err(|error| super::problem::internal(&error))
        .and_then(|text| RawValue::from_string(text).map_err(|error| super::problem::internal(&error)))
}

/// The event of a record of the log.
pub(super) fn stored_event(stored: &StoredEvent) -> Result<Event, Problem> {
    event::decode_attributes(&stored.attributes, stored.data.clone())
        .map_err(|error| super::problem::internal(&error))
}

/// A stored event with the rules it matched when it was accepted.
pub(super) fn entry(stored: &StoredEvent, event: &Event, view: &View) -> Result<EventEntry, Problem> {
    Ok(EventEntry {
        sequence: stored.sequence,
        event: event_json(event)?,
        matched: named(matched(stored, view)),
    })
}

/// Names of the rules that the event matched when it was accepted.
pub(super) fn matched(stored: &StoredEvent, view: &View) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for route in &stored.routes {
        let Some(route) = view.route(*route) else { continue };
        if !names.iter().any(|name| name == route.rule.as_str()) {
            names.push(route.rule.as_str().to_owned());
        }
    }
    names
}

/// The first of the matched rules.
pub(super) fn named(mut names: Vec<String>) -> Vec<String> {
    names.truncate(MAX_NAMED);
    names
}

pub(super) fn attempt(attempt: Attempt) -> AttemptReply {
    AttemptReply {
        n: attempt.n,
        at: rfc3339(attempt.at_ms),
        class: attempt.class,
        status: attempt.status,
        ms: attempt.ms,
        phases: (!attempt.phases.is_empty()).then(|| phases(attempt.phases)),
        headers: attempt.headers.into_iter().collect(),
        response: attempt.response,
        next_at: attempt.next_at_ms.map(rfc3339),
    }
}

fn phases(phases: Phases) -> PhasesReply {
    PhasesReply {
        dns: phases.dns,
        connect: phases.connect,
        tls: phases.tls,
        first_byte: phases.first_byte,
    }
}

pub(super) fn job(job: Job) -> JobReply {
    let state = match job.state {
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
        JobState::Failed => "failed",
    };
    JobReply {
        id: job.id,
        kind: job.work.kind().to_owned(),
        state: state.to_owned(),
        total: job.total,
        done: job.done,
        failed: job.failed,
        at: Some(rfc3339(job.at_ms)),
        reason: job.reason,
    }
}
