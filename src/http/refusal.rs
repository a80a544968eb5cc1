//! Events that were refused, said over HTTP: of one event every fault, of a batch every entry.

use crate::ingest::Cause;
use crate::ingest::Refusal;
use crate::problem::Fault;
use crate::problem::Problem;
use crate::schema::Violation;

/// Faults of one answer that are described.
const MAX_FAULTS: usize = 100;

/// The problem of refused entries of a batch.
pub(super) fn refused(refusals: &[Refusal]) -> Problem {
    let (code, detail) = match refusals.first() {
        Some(Refusal { index, cause }) => (cause.code(), format!("entry {index}: {cause}")),
        None => ("refused", "the events are refused".to_owned()),
    };
    let faults = refusals
        .iter()
        .flat_map(|refusal| faults_of(&refusal.cause, Some(refusal.index)));
    let faults = faults.take(MAX_FAULTS).collect();
    Problem::new(status(code), code, format!("nothing was stored: {detail}")).with_errors(faults)
}

/// The problem of one event that came alone: nobody counted it.
pub(super) fn refused_alone(refusals: &[Refusal]) -> Problem {
    let Some(Refusal { cause, .. }) = refusals.first() else {
        return refused(&[]);
    };
    let code = cause.code();
    Problem::new(status(code), code, cause.to_string()).with_errors(faults_of(cause, None))
}

/// A refused event as one bad entry of a batch, whose place is looked up.
pub(super) fn entry_fault(refusal: &Refusal, places: &[usize]) -> Fault {
    let pointer = match &refusal.cause {
        Cause::SchemaViolation { violations, .. } => violations.first().map(|first| first.pointer.clone()),
        _ => None,
    };
    Fault {
        index: places.get(refusal.index).copied(),
        pointer,
        code: refusal.cause.code().to_owned(),
        detail: refusal.cause.to_string(),
        ..Fault::default()
    }
}

/// The problem of a batch with bad entries, given in order.
pub(super) fn of_entries(mut faults: Vec<Fault>) -> Problem {
    faults.truncate(MAX_FAULTS);
    let Some(first) = faults.first() else {
        return refused(&[]);
    };
    let (index, detail) = (first.index.unwrap_or(0), &first.detail);
    let detail = format!("nothing was stored: entry {index}: {detail}");
    Problem::new(status(&first.code), first.code.clone(), detail).with_errors(faults)
}

/// The status of a bad entry by its code.
fn status(code: &str) -> u16 {
    match code {
        "event-too-large" => 413,
        "source-not-registered" | "type-not-declared" => 403,
        "schema-violation" | "refused" => 422,
        _ => 400,
    }
}

fn faults_of(cause: &Cause, index: Option<usize>) -> Vec<Fault> {
    match cause {
        Cause::SchemaViolation { violations, .. } => {
            let fault = |violation: &Violation| Fault {
                index,
                pointer: Some(violation.pointer.clone()),
                code: violation.keyword.clone(),
                detail: violation.detail.clone(),
                ..Fault::default()
            };
            violations.iter().map(fault).collect()
        }
        other => vec![Fault {
            index,
            code: other.code().to_owned(),
            detail: other.to_string(),
            ..Fault::default()
        }],
    }
}
