//! Every path that any rule names, as one tree to walk along an event.

use std::collections::HashMap;

/// A path that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PathId(usize);

/// The named paths.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    root: Node,
    named: usize,
}

/// A step of some named path.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Set if a rule names the path that ends here.
    pub(super) path: Option<PathId>,
    children: HashMap<Box<str>, Node>,
}

impl Trie {
    /// Names a path of dotted steps; the same path always has the same id.
    pub(super) fn insert(&mut self, path: &str) -> PathId {
        let mut node = &mut self.root;
        for step in path.split('.') {
            node = node.children.entry(step.into()).or_default();
        }
        *node.path.get_or_insert_with(|| {
            self.named += 1;
            PathId(self.named)
        })
    }

    /// Where the attribute, or `data`, of that name begins.
    pub(super) fn start(&self, name: &str) -> Option<&Node> {
        self.root.descend(name)
    }
}

impl Node {
    /// Where a member of that name leads; a dotted name takes several steps at once.
    pub(super) fn descend(&self, key: &str) -> Option<&Self> {
        key.split('.')
            .try_fold(self, |node, step| node.children.get(step))
    }

    /// Whether named paths go on below.
    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}
