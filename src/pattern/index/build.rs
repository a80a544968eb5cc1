//! Filing branches where the events they want will come by.
//!
//! Of each branch one check is its access: the one that the fewest events are likely to meet. The
//! branches that share what they are filed under are told apart by their next checks, until so
//! few are left that looking at each is faster.

use super::super::check::Check;
use super::super::check::CheckId;
use super::super::check::Plan;
use super::super::trie::PathId;
use super::super::words::Map;
use super::super::words::ValueId;
use super::BranchId;
use super::Node;
use super::PathIndex;
use super::Target;
use super::slots::Slot;

/// So few branches are looked at one by one.
const FEW: usize = 16;

/// So many checks of a branch are considered as its access.
const CONSIDERED: usize = 64;

/// The nodes of an index over the branches with these plans; the first node is the root.
pub(in super::super) fn build<'p>(checks: &[Check], plans: impl Iterator<Item = &'p Plan>) -> Vec<Node> {
    let plans: Vec<_> = plans.map(|plan| &*plan.checks).collect();
    let mut uses = vec![0_u32; checks.len()];
    for id in plans.iter().copied().flatten() {
        if let Some(count) = uses.get_mut(id.0 as usize) {
            *count += 1;
        }
    }
    let ranks = checks.iter().zip(uses);
    let mut builder = Builder {
        checks,
        ranks: ranks.map(|(check, uses)| Rank::of(check, uses)).collect(),
        plans: &plans,
        nodes: vec![Node::default()],
    };
    let all = (0..).zip(&plans).map(|(place, _)| Filed {
        branch: BranchId(place),
        used: 0,
    });
    let root = builder.node(all.collect());
    if let Some(empty) = builder.nodes.first_mut() {
        *empty = root;
    }
    builder.nodes
}

/// How good an access a check would be; the lowest is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    class: u8,
    /// Who asks for data has it read.
    is_data: bool,
    uses: u32,
}

impl Rank {
    /// `None` if an event may meet the check without having anything at its path.
    fn of(check: &Check, uses: u32) -> Option<Self> {
        if check.absence.is_some() {
            return None;
        }
        let conditions = check.wanted.conditions.iter().map(|one| Slot::of(one).class());
        let excluded = (!check.excluded.is_empty()).then(|| Slot::AnyValue.class());
        let literals = check
            .wanted
            .literals
            .iter()
            .map(|value| u8::from(value.is_common()) * 4);
        Some(Self {
            class: conditions.chain(excluded).chain(literals).max().unwrap_or(0),
            is_data: check.path.is_data(),
            uses,
        })
    }
}

/// A branch, and the checks under which it is filed already.
#[derive(Debug, Clone, Copy)]
struct Filed {
    branch: BranchId,
    used: u64,
}

struct Builder<'a> {
    checks: &'a [Check],
    ranks: Vec<Option<Rank>>,
    plans: &'a [&'a [CheckId]],
    nodes: Vec<Node>,
}

impl Builder<'_> {
    fn node(&mut self, branches: Vec<Filed>) -> Node {
        if branches.len() <= FEW {
            return Node {
                here: branches.iter().map(|filed| filed.branch).collect(),
                ..Node::default()
            };
        }
        let mut here = Vec::new();
        let mut exact: Map<(PathId, ValueId), Vec<Filed>> = Map::default();
        let mut others: Map<PathId, Map<Slot, Vec<Filed>>> = Map::default();
        for filed in branches {
            let Some((check, used)) = self.access(filed) else {
                here.push(filed.branch);
                continue;
            };
            let filed = Filed { used, ..filed };
            for &value in &check.wanted.literals {
                exact.entry((check.path, value)).or_default().push(filed);
            }
            let excluded = (!check.excluded.is_empty()).then_some(Slot::AnyValue);
            for slot in check.wanted.conditions.iter().map(Slot::of).chain(excluded) {
                let slots = others.entry(check.path).or_default();
                let list = slots.entry(slot).or_default();
                // Two alternatives may ask for the same slot.
                if list.last().is_none_or(|last| last.branch != filed.branch) {
                    list.push(filed);
                }
            }
        }
        let mut exact_paths: Vec<_> = exact.keys().map(|(path, _)| *path).collect();
        exact_paths.sort_unstable();
        exact_paths.dedup();
        let mut indexes = Vec::new();
        for (path, slots) in others {
            let slots = slots
                .into_iter()
                .map(|(slot, list)| (slot, self.target(list)))
                .collect();
            indexes.push(PathIndex::new(path, slots));
        }
        indexes.sort_unstable_by_key(|index| index.path);
        Node {
            here: here.into(),
            exact: exact
                .into_iter()
                .map(|(key, list)| (key, self.target(list)))
                .collect(),
            exact_paths: exact_paths.into(),
            indexes: indexes.into(),
        }
    }

    fn target(&mut self, branches: Vec<Filed>) -> Target {
        if let [only] = branches.as_slice() {
            return Target::Branch(only.branch);
        }
        let node = self.node(branches);
        self.nodes.push(node);
        Target::Node(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// The best check of a branch that it is not filed under, and the used ones then.
    fn access(&self, filed: Filed) -> Option<(&Check, u64)> {
        let checks = self.plans.get(filed.branch.0 as usize)?;
        let (place, id, _) = checks
            .iter()
            .take(CONSIDERED)
            .enumerate()
            .filter(|(place, _)| filed.used & (1 << place) == 0)
            .filter_map(|(place, id)| Some((place, id, (*self.ranks.get(id.0 as usize)?)?)))
            .min_by_key(|(_, _, rank)| *rank)?;
        Some((self.checks.get(id.0 as usize)?, filed.used | (1 << place)))
    }
}
