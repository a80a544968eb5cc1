//! Which branches are worth a look for what an event holds.

mod affixes;
mod build;
mod literals;
mod networks;
mod ranges;
mod slots;

pub(super) use build::build;
pub(super) use slots::Buffers;
pub(super) use slots::PathIndex;

use super::trie::PathId;
use super::words::Map;
use super::words::ValueId;

/// A branch of one layer, by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BranchId(pub(super) u32);

/// Where a value leads: to one branch, or to a node that tells several apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// One branch.
    Branch(BranchId),
    /// The place of a node.
    Node(u32),
}

/// Branches, told apart by what an event holds.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Branches to look at whatever the event holds.
    pub(super) here: Box<[BranchId]>,
    /// Branches by a literal.
    pub(super) exact: Map<(PathId, ValueId), Target>,
    /// The paths of those literals, ascending.
    pub(super) exact_paths: Box<[PathId]>,
    /// Branches by everything else, in ascending order of paths.
    pub(super) indexes: Box<[PathIndex]>,
}
