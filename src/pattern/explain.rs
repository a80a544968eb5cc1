//! Why a pattern does not match an event.

use super::condition::list;
use super::consistency::Located;
use super::consistency::hold;
use super::occurrences::Occurrences;
use super::parse::Pattern;
use super::ruleset::locate;
use super::trie::Trie;
use super::view::EventView;

/// Values of an event shown at most; the reader needs an idea, not the payload.
const MAX_SHOWN: usize = 3;

/// Characters of an event's values shown at most.
const MAX_SHOWN_CHARS: usize = 120;

/// How a pattern fared with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The conditions of the pattern: one for each field it names.
    pub conditions: usize,
    /// How many of them hold; the higher, the nearer the miss.
    pub held: usize,
    /// The first condition that does not; `None` if the pattern matches.
    pub failed: Option<FailedCondition>,
}

impl Explanation {
    /// Whether the pattern matches.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.failed.is_none()
    }
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCondition {
    /// The field, as dotted steps from the event's top.
    pub path: String,
    /// What the pattern wants, in words.
    pub expected: String,
    /// What the event has, as JSON text, or in words if it has nothing.
    pub found: String,
    /// JSON pointer to the condition inside the pattern.
    pub pointer: String,
}

/// Compares one pattern with one event, in the order of the pattern's paths.
///
/// Compiles the pattern first, so this is for people who ask, not for the way of every event.
#[must_use]
pub fn explain(pattern: &Pattern, event: &EventView<'_>) -> Explanation {
    let mut trie = Trie::default();
    let branch = pattern.branches.first().cloned().unwrap_or_default();
    let clauses = locate(&mut trie, branch.clauses);
    let found = Occurrences::collect(&trie, event);
    // A condition that holds by itself can still contradict those before it.
    let first = (1..=clauses.len()).find(|&len| !hold(clauses.get(..len).unwrap_or_default(), &found));
    let failed = first.and_then(|len| clauses.get(len - 1));
    let holds = |located: &&Located| {
        failed.is_none_or(|failed| failed.path != located.path) && located.may_hold(&found)
    };
    Explanation {
        conditions: clauses.len(),
        held: clauses.iter().filter(holds).count(),
        failed: failed.map(|located| describe(located, &found)),
    }
}

fn describe(located: &Located, found: &Occurrences<'_>) -> FailedCondition {
    let clause = &located.clause;
    let mut expected = list(&clause.alternatives, " or ");
    if located.may_hold(found) {
        expected.push_str(", in the array element that meets the conditions before it");
    }
    FailedCondition {
        path: clause.path.clone(),
        expected,
        found: show(located, found),
        pointer: clause.pointer.clone(),
    }
}

fn show(located: &Located, found: &Occurrences<'_>) -> String {
    let all = found.at(located.path);
    if all.is_empty() {
        return "no value".to_owned();
    }
    let shown: Vec<_> = all
        .iter()
        .take(MAX_SHOWN)
        .map(|occurrence| &occurrence.leaf)
        .collect();
    let text = list(&shown, ", ");
    let cut = text.chars().count() > MAX_SHOWN_CHARS;
    let mut text: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if cut || all.len() > MAX_SHOWN {
        text.push_str(", …");
    }
    text
}
