//! Why a pattern does not match an event.

use super::check::Check;
use super::check::CheckId;
use super::check::Plan;
use super::condition::Leaf;
use super::condition::list;
use super::consistency::holds;
use super::elements::ElementId;
use super::occurrences::Occurrences;
use super::parse::Branch;
use super::parse::Clause;
use super::parse::Pattern;
use super::view::EventView;
use super::words::Words;

/// Values of an event shown at most; the reader needs an idea, not the payload.
const MAX_SHOWN: usize = 3;

/// Characters of an event's values shown at most.
const MAX_SHOWN_CHARS: usize = 120;

/// How a pattern fared with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The conditions of the pattern: one for each field it names and each `$not`; of a pattern
    /// with alternatives, those of the one that came nearest.
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

/// Compares one pattern with one event: attributes first, then the data, in the order of paths.
///
/// Compiles the pattern first, so this is for people who ask, not for the way of every event.
#[must_use]
pub fn explain(pattern: &Pattern, event: &EventView<'_>) -> Explanation {
    let mut words = Words::default();
    let compiled = Compiled::new(&mut words, pattern);
    let found = read(&words, event);
    compiled.explain(&found)
}

/// A rule that an event nearly matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<K> {
    /// The rule.
    pub rule: K,
    /// How many of its conditions do not hold.
    pub open: usize,
    /// The first of them.
    pub failed: FailedCondition,
}

/// The rules that do not match but came nearest, nearest first, in the order given among equals.
///
/// Reads the event once for all rules, and compares it with each.
pub fn nearest_misses<'p, K>(
    rules: impl IntoIterator<Item = (K, &'p Pattern)>,
    event: &EventView<'_>,
    limit: usize,
) -> Vec<NearMiss<K>> {
    let mut words = Words::default();
    let compile = |(key, pattern)| (key, Compiled::new(&mut words, pattern));
    let rules: Vec<_> = rules.into_iter().map(compile).collect();
    let found = read(&words, event);
    let mut misses: Vec<(usize, K, Compiled<'_>)> = Vec::new();
    for (key, compiled) in rules {
        let (nearest, first) = compiled.nearest(&found);
        if first.is_some() {
            misses.push((nearest.open(&found), key, compiled));
        }
    }
    misses.sort_by_key(|(open, ..)| *open);
    misses.truncate(limit);
    let told = misses.into_iter().filter_map(|(open, rule, compiled)| {
        let failed = compiled.explain(&found).failed?;
        Some(NearMiss { rule, open, failed })
    });
    told.collect()
}

fn read<'e>(words: &Words, event: &EventView<'e>) -> Occurrences<'e> {
    let mut found = Occurrences::default();
    found.read_attributes(words, event);
    found.read_data(words, event);
    found
}

/// The branches of a pattern, each with the checks that it compiles to.
struct Compiled<'p> {
    branches: Vec<CompiledBranch<'p>>,
}

struct CompiledBranch<'p> {
    /// What was written.
    branch: &'p Branch,
    checks: Vec<Check>,
    plan: Plan,
    /// The clause of each check of the plan itself, in its order.
    clauses: Vec<&'p Clause>,
}

impl<'p> Compiled<'p> {
    fn new(words: &mut Words, pattern: &'p Pattern) -> Self {
        let compile = |branch: &'p Branch| {
            let mut checks = Vec::new();
            let plan = Plan::new(words, branch.clone(), &mut |check| {
                checks.push(check);
                CheckId(u32::try_from(checks.len() - 1).unwrap_or(u32::MAX))
            });
            let is_data = |clause: &&Clause| clause.path == "data" || clause.path.starts_with("data.");
            let (fields, mut clauses): (Vec<_>, Vec<_>) = branch.clauses.iter().partition(is_data);
            clauses.extend(fields);
            CompiledBranch {
                branch,
                checks,
                plan,
                clauses,
            }
        };
        Self {
            branches: pattern.branches.iter().map(compile).collect(),
        }
    }

    /// The branch with the fewest open conditions, and the place of the first of them.
    fn nearest(&self, found: &Occurrences<'_>) -> (&CompiledBranch<'p>, Option<usize>) {
        let mut nearest: Option<(usize, &CompiledBranch<'p>, Option<usize>)> = None;
        for branch in &self.branches {
            let first = branch.first_failing(found);
            let open = first.map_or(0, |_| branch.open(found));
            if nearest.is_none_or(|(least, ..)| open < least) {
                nearest = Some((open, branch, first));
            }
        }
        #[expect(clippy::expect_used, reason = "a pattern has a branch")]
        let (_, branch, first) = nearest.expect("a pattern has a branch");
        (branch, first)
    }

    fn explain(&self, found: &Occurrences<'_>) -> Explanation {
        let (branch, first) = self.nearest(found);
        let conditions = branch.conditions();
        Explanation {
            conditions,
            held: conditions - first.map_or(0, |_| branch.open(found)),
            failed: first.map(|place| branch.describe(place, found)),
        }
    }
}

impl CompiledBranch<'_> {
    fn conditions(&self) -> usize {
        self.clauses.len() + self.plan.nots.len()
    }

    /// The place of the first condition that does not hold beside those before it.
    fn first_failing(&self, found: &Occurrences<'_>) -> Option<usize> {
        (0..self.conditions()).find(|&last| {
            let checks = self.plan.checks.iter().take(last + 1).copied();
            let nots = (last + 1).saturating_sub(self.clauses.len());
            let beginning = Plan {
                checks: checks.collect(),
                nots: self.plan.nots.iter().take(nots).cloned().collect(),
            };
            !holds(&beginning, &self.checks, found)
        })
    }

    /// How many conditions do not hold: those that cannot, and the first that fails.
    fn open(&self, found: &Occurrences<'_>) -> usize {
        let first = self.first_failing(found);
        let is_open = |place: &usize| first == Some(*place) || !self.may_hold(*place, found);
        (0..self.conditions()).filter(is_open).count()
    }

    /// Whether a condition holds with no other beside it, or may yet, once elements are chosen.
    fn may_hold(&self, place: usize, found: &Occurrences<'_>) -> bool {
        let Some(check) = self.checks_at(place) else {
            let not = self.plan.nots.get(place - self.clauses.len());
            return not.is_none_or(|not| !holds(not, &self.checks, found));
        };
        let absent = check.absence.is_some_and(|absence| {
            found
                .at(check.path)
                .filter(|one| absence.is_spoilt_by(&one.leaf))
                .all(|one| one.element != ElementId::OUTSIDE)
        });
        absent || found.at(check.path).any(|one| check.accepts(one))
    }

    fn checks_at(&self, place: usize) -> Option<&Check> {
        let id = self.plan.checks.get(place)?;
        self.checks.get(id.0 as usize)
    }

    fn describe(&self, place: usize, found: &Occurrences<'_>) -> FailedCondition {
        if let (Some(clause), Some(check)) = (self.clauses.get(place), self.checks_at(place)) {
            let mut expected = list(&clause.alternatives, " or ");
            if self.may_hold(place, found) {
                expected.push_str(", in the array element that meets the conditions before it");
            }
            return FailedCondition {
                path: clause.path.clone(),
                expected,
                found: show(check, found),
                pointer: clause.pointer.clone(),
            };
        }
        // What must not hold is told by its first field, as every event reader knows that one.
        let place = place - self.clauses.len();
        let not = self.branch.nots.get(place);
        let plan = self.plan.nots.get(place);
        let clause = not.and_then(|not| not.clauses.first());
        let check = plan
            .and_then(|plan| plan.checks.first())
            .and_then(|id| self.checks.get(id.0 as usize));
        let wanted = not.map(in_words).unwrap_or_default();
        FailedCondition {
            path: clause.map(|clause| clause.path.clone()).unwrap_or_default(),
            expected: format!("not ({wanted})"),
            found: check.map_or_else(|| "a match".to_owned(), |check| show(check, found)),
            pointer: clause.map(|clause| clause.pointer.clone()).unwrap_or_default(),
        }
    }
}

fn in_words(branch: &Branch) -> String {
    let fields = branch
        .clauses
        .iter()
        .map(|clause| format!("{} is {}", clause.path, list(&clause.alternatives, " or ")));
    let nots = branch.nots.iter().map(|not| format!("not ({})", in_words(not)));
    fields.chain(nots).collect::<Vec<_>>().join(", and ")
}

fn show(check: &Check, found: &Occurrences<'_>) -> String {
    let mut leaves: Vec<_> = found
        .at(check.path)
        .map(|one| &one.leaf)
        .take(MAX_SHOWN + 2)
        .collect();
    if leaves.is_empty() {
        return "no value".to_owned();
    }
    // That there is a list says nothing beside its values.
    if leaves.iter().any(|leaf| **leaf != Leaf::Nested) {
        leaves.retain(|leaf| **leaf != Leaf::Nested);
    }
    let text = list(leaves.get(..MAX_SHOWN).unwrap_or(&leaves), ", ");
    let cut = text.chars().count() > MAX_SHOWN_CHARS;
    let mut text: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if cut || leaves.len() > MAX_SHOWN {
        text.push_str(", …");
    }
    text
}
