//! What a new version means for what lives on the buses, as it is shown.

use std::sync::Arc;

use super::shown::violation;
use crate::api::BreakReply;
use crate::api::FailingEvent;
use crate::api::ViolationsReply;
use crate::catalog::EventType;
use crate::http::blocking::blocking;
use crate::http::state::Services;
use crate::problem::Problem;
use crate::routing::Judged;
use crate::schema::paths::BreakReason;
use crate::traffic;
use crate::traffic::RuleBreak;
use crate::traffic::Violations;

/// What a document means for what lives on the buses.
pub(super) struct Impact {
    /// What the step from the newest version breaks.
    pub(super) breaks: Vec<BreakReply>,
    /// Which events violate it.
    pub(super) violations: ViolationsReply,
}

impl Impact {
    /// Of a document that was judged.
    pub(super) async fn of(services: &Services, kind: &EventType, judged: Judged) -> Result<Self, Problem> {
        let (traffic, kind) = (Arc::clone(&services.traffic), kind.clone());
        blocking(move || {
            let Judged {
                view,
                document,
                validator,
                ..
            } = judged;
            let breaks = traffic::breaks(&view, kind.as_str(), document.value());
            let violations = traffic::violations(&traffic, &view, kind.as_str(), &validator)?;
            Ok(Self {
                breaks: breaks.into_iter().map(of_break).collect(),
                violations: of_violations(violations),
            })
        })
        .await
    }
}

fn of_break(found: RuleBreak) -> BreakReply {
    let reason = match found.reason {
        BreakReason::Removed => "removed",
        BreakReason::Retyped => "retyped",
        BreakReason::MayBeMissing => "may-be-missing",
    };
    BreakReply {
        bus: found.bus.to_string(),
        rule: found.rule.to_string(),
        place: found.place,
        path: found.path,
        reason: reason.to_owned(),
        detail: found.detail,
    }
}

fn of_violations(found: Violations) -> ViolationsReply {
    let samples = found.samples.into_iter().map(|failing| FailingEvent {
        bus: failing.bus.to_string(),
        sequence: failing.sequence,
        id: failing.id,
        errors: failing.violations.into_iter().map(violation).collect(),
    });
    ViolationsReply {
        checked: found.checked,
        failed: found.failed,
        samples: samples.collect(),
    }
}
