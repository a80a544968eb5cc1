//! Many patterns compiled into one immutable structure.

use std::collections::HashMap;
use std::sync::Arc;

use super::condition::Condition;
use super::consistency::Located;
use super::consistency::hold;
use super::filter::Filter;
use super::filter::Residual;
use super::occurrences::Occurrences;
use super::parse::Branch;
use super::parse::Clause;
use super::trie::Trie;
use super::view::EventView;
use super::view::Scalar;

/// Rules by what an event must at least have to match them.
///
/// A rule that lists exact types is looked at only for events of those types; failing that, one
/// that lists exact sources only for events of those. What is left is verified for every event.
/// A set does not change; share it and replace it whole.
#[derive(Debug, Clone)]
pub struct RuleSet<K> {
    trie: Trie,
    rules: Vec<Rule<K>>,
    by_type: HashMap<String, Vec<usize>>,
    by_source: HashMap<String, Vec<usize>>,
    rest: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Rule<K> {
    key: K,
    branches: Vec<Vec<Located>>,
    residual: Option<Arc<dyn Residual>>,
}

impl<K: Clone> RuleSet<K> {
    /// Compiles rules. A key given twice is reported once for each pattern that matches.
    pub fn compile(rules: impl IntoIterator<Item = (K, impl Into<Filter>)>) -> Self {
        let mut set = Self {
            trie: Trie::default(),
            rules: Vec::new(),
            by_type: HashMap::new(),
            by_source: HashMap::new(),
            rest: Vec::new(),
        };
        for (key, filter) in rules {
            let Filter { branches, residual } = filter.into();
            let index = set.rules.len();
            for branch in &branches {
                if let Some(types) = exact_strings(branch, "type") {
                    file(&mut set.by_type, types, index);
                } else if let Some(sources) = exact_strings(branch, "source") {
                    file(&mut set.by_source, sources, index);
                } else {
                    set.rest.push(index);
                }
            }
            let mut located = Vec::with_capacity(branches.len());
            for branch in branches {
                located.push(locate(&mut set.trie, branch.clauses));
            }
            set.rules.push(Rule {
                key,
                branches: located,
                residual,
            });
        }
        set
    }

    /// The keys of the rules that match, in the order in which they were compiled.
    ///
    /// The event's data is read at most once, and not at all when its attributes already leave no
    /// rule to try.
    #[must_use]
    pub fn matching(&self, event: &EventView<'_>) -> Vec<K> {
        let mut candidates = self.rest.clone();
        for (name, value) in event.attributes {
            let index = match *name {
                "type" => &self.by_type,
                "source" => &self.by_source,
                _ => continue,
            };
            if let Scalar::String(value) = value {
                candidates.extend(index.get(*value).into_iter().flatten());
            }
        }
        if candidates.is_empty() {
            return Vec::new();
        }
        candidates.sort_unstable();
        candidates.dedup();
        let found = Occurrences::collect(&self.trie, event);
        candidates
            .into_iter()
            .filter_map(|index| self.rules.get(index))
            .filter(|rule| rule.branches.iter().any(|clauses| hold(clauses, &found)))
            .filter(|rule| {
                rule.residual
                    .as_ref()
                    .is_none_or(|residual| residual.passes(event))
            })
            .map(|rule| rule.key.clone())
            .collect()
    }
}

/// Names the paths of a pattern in a trie.
pub(super) fn locate(trie: &mut Trie, clauses: Vec<Clause>) -> Vec<Located> {
    let located = |clause: Clause| Located {
        path: trie.insert(&clause.path),
        clause,
    };
    clauses.into_iter().map(located).collect()
}

/// The strings of which a field must be one, if nothing else will do.
fn exact_strings(branch: &Branch, path: &str) -> Option<Vec<String>> {
    let clause = branch.clauses.iter().find(|clause| clause.path == path)?;
    let exact = |condition: &Condition| match condition {
        Condition::String(text) => Some(text.clone()),
        _ => None,
    };
    clause.alternatives.iter().map(exact).collect()
}

fn file(index: &mut HashMap<String, Vec<usize>>, values: Vec<String>, rule: usize) {
    for value in values {
        index.entry(value).or_default().push(rule);
    }
}
