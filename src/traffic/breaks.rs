//! What a new version of a schema breaks of the rules that use it.

use serde_json::Value;

use crate::catalog::BusName;
use crate::catalog::RuleName;
use crate::catalog::Use;
use crate::catalog::View;
use crate::schema::paths;
use crate::schema::paths::BreakReason;
use crate::schema::paths::UsedPath;

/// Most breaks that are told.
const MAX_BREAKS: usize = 1_000;

/// A path of a rule that a new version breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleBreak {
    /// The bus of the rule.
    pub bus: BusName,
    /// The rule.
    pub rule: RuleName,
    /// JSON pointer into the rule, to what uses the path.
    pub place: String,
    /// The path from the event, such as `$.data.items[*].sku`.
    pub path: String,
    /// How it is broken.
    pub reason: BreakReason,
    /// The same in a sentence.
    pub detail: String,
}

/// What the step from the newest version of a type to `new` breaks of the rules of all buses.
///
/// Takes time for each rule that may match the type.
#[must_use]
pub fn breaks(view: &View, kind: &str, new: &Value) -> Vec<RuleBreak> {
    let latest = view.schema(kind).and_then(|entry| entry.latest());
    let Some(Ok(old)) = latest.map(|version| version.compiled()) else {
        return Vec::new();
    };
    let rules = view
        .buses()
        .flat_map(|bus| bus.rules.values().map(move |live| (&bus.name, &live.rule)));
    let mut found = Vec::new();
    for (bus, rule) in rules {
        let uses = rule.uses(kind);
        if uses.is_empty() {
            continue;
        }
        let asked: Vec<UsedPath> = uses.iter().map(|one| one.path.clone()).collect();
        for broken in paths::breaks(old.document.value(), new, &asked) {
            let place = uses.get(broken.used).filter(|one| !is_borne(one, broken.reason));
            let Some(Use { place, .. }) = place else {
                continue;
            };
            found.push(RuleBreak {
                bus: bus.clone(),
                rule: rule.name.clone(),
                place: place.clone(),
                path: from_event(&broken.path),
                reason: broken.reason,
                detail: broken.detail,
            });
        }
        if found.len() >= MAX_BREAKS {
            found.truncate(MAX_BREAKS);
            break;
        }
    }
    found
}

/// Whether the rule says itself what becomes of it.
fn is_borne(used: &Use, reason: BreakReason) -> bool {
    used.has_default && reason == BreakReason::MayBeMissing
}

/// The path from the data as a path from the event.
pub(super) fn from_event(path: &str) -> String {
    format!("$.data{}", path.strip_prefix('$').unwrap_or(path))
}
