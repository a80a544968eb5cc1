//! How many of the newest events of a type violate a schema.

use serde_json::Value;

use super::event;
use super::evidence::Masks;
use super::inference::Wanted;
use super::inference::newest_places;
use super::record::RECENT;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::View;
use crate::log::LogError;
use crate::schema::Validator;
use crate::schema::Violation;

/// Events that are shown with what is wrong with them.
const SAMPLES: usize = 5;
/// Violations shown of each.
const SHOWN: usize = 10;

/// How many of the newest events of a type violate a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// Events that were judged.
    pub checked: u64,
    /// Those that violate it.
    pub failed: u64,
    /// The newest of those.
    pub samples: Vec<Failing>,
}

/// An event that violates a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Its bus.
    pub bus: BusName,
    /// Its number there.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
}

/// Judges the last 1,000 events of a type. Blocking; reads each of them from the log.
///
/// # Errors
/// The log cannot be read.
pub fn violations(
    traffic: &Traffic,
    view: &View,
    kind: &str,
    validator: &Validator,
) -> Result<Violations, LogError> {
    let wanted = Wanted {
        sample: RECENT,
        ..Wanted::default()
    };
    let (places, _) = newest_places(traffic, view, kind, &wanted)?;
    let masks = Masks::of(view, kind);
    let mut found = Violations::default();
    for (bus, sequence) in places {
        let Some(read) = event::read(traffic.log(), view, &bus, sequence)? else {
            continue;
        };
        found.checked += 1;
        let violations = judge(validator, event::data(&read).as_ref());
        if violations.is_empty() {
            continue;
        }
        found.failed += 1;
        if found.samples.len() < SAMPLES {
            found.samples.push(Failing {
                bus,
                sequence,
                id: read.id().to_owned(),
                violations: violations
                    .into_iter()
                    .take(SHOWN)
                    .map(|one| shown(one, &masks))
                    .collect(),
            });
        }
    }
    Ok(found)
}

/// A violation without the words that may quote what some rule masks.
fn shown(violation: Violation, masks: &Masks) -> Violation {
    if !masks.touch(&violation.pointer) {
        return violation;
    }
    let detail = format!("violates `{}`; the value is masked", violation.keyword);
    Violation { detail, ..violation }
}

fn judge(validator: &Validator, data: Option<&Value>) -> Vec<Violation> {
    match data {
        Some(data) if validator.is_valid(data) => Vec::new(),
        Some(data) => validator.validate(data).err().unwrap_or_default(),
        None => vec![Violation {
            pointer: String::new(),
            schema_pointer: String::new(),
            keyword: "not-json".to_owned(),
            detail: "the event has no JSON data".to_owned(),
        }],
    }
}
