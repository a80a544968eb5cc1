//! Rules compiled together.

use std::sync::Arc;

use super::check::Check;
use super::check::CheckId;
use super::check::Plan;
use super::filter::Filter;
use super::filter::Residual;
use super::index::Node;
use super::index::build;
use super::words::Map;
use super::words::Words;

/// Rules in the form that is matched; does not change.
#[derive(Debug)]
pub(super) struct Layer<K> {
    /// The paths and literals that the rules name.
    pub(super) words: Arc<Words>,
    /// The rules in the order in which they were given.
    pub(super) rules: Box<[Rule<K>]>,
    /// The branches of all rules.
    pub(super) branches: Box<[Branch]>,
    /// The checks of all branches, equal ones once.
    pub(super) checks: Box<[Check]>,
    /// Where branches are found; the first node is the root.
    pub(super) nodes: Box<[Node]>,
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule<K> {
    /// What is reported when it matches.
    pub(super) key: K,
    /// Asked when a branch holds.
    pub(super) residual: Option<Arc<dyn Residual>>,
}

/// A branch of a rule.
#[derive(Debug)]
pub(super) struct Branch {
    /// The place of the rule.
    pub(super) rule: u32,
    /// What must hold.
    pub(super) plan: Plan,
}

impl<K> Layer<K> {
    /// Compiles rules over words that are there already.
    #[expect(
        clippy::mutable_key_type,
        reason = "an expression is hashed and compared by its source alone"
    )]
    pub(super) fn compile(mut words: Words, given: impl IntoIterator<Item = (K, Filter)>) -> Self {
        let mut rules = Vec::new();
        let mut branches = Vec::new();
        let mut places: Map<Check, CheckId> = Map::default();
        for (
            key,
            Filter {
                branches: all,
                residual,
            },
        ) in given
        {
            let rule = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            for branch in all {
                let plan = Plan::new(&mut words, branch, &mut |check| {
                    let next = CheckId(u32::try_from(places.len()).unwrap_or(u32::MAX));
                    *places.entry(check).or_insert(next)
                });
                branches.push(Branch { rule, plan });
            }
            rules.push(Rule { key, residual });
        }
        let mut checks: Vec<_> = places.into_iter().collect();
        checks.sort_unstable_by_key(|(_, id)| *id);
        let checks: Box<[Check]> = checks.into_iter().map(|(check, _)| check).collect();
        let nodes = build(&checks, branches.iter().map(|branch| &branch.plan));
        Self {
            words: Arc::new(words),
            rules: rules.into(),
            branches: branches.into(),
            checks,
            nodes: nodes.into(),
        }
    }
}
