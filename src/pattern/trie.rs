//! Every path that any rule names, as one tree to walk along an event.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// A path that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PathId(u32);

impl PathId {
    /// Set in paths that lead into the data.
    const DATA: u32 = 1 << 31;

    /// Whether the path leads into the data; otherwise it is an attribute.
    pub(super) fn is_data(self) -> bool {
        self.0 & Self::DATA != 0
    }

    /// Its place in tables that hold something for each path.
    pub(super) fn index(self) -> usize {
        (self.0 & !Self::DATA) as usize
    }
}

/// What the rules ask of the values at one path, beside their conditions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Interest {
    /// Some rule compares with a literal.
    pub(super) exact: bool,
    /// Some rule asks whether anything is there, so objects and lists count.
    pub(super) presence: bool,
}

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// The named paths.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    interests: Vec<Interest>,
    data_paths: usize,
    /// Some path leads deeper than to a member of the data.
    is_deep: bool,
}

/// A step of some named path.
#[derive(Debug, Clone, Default)]
struct Node {
    path: Option<PathId>,
    /// Which marks the names of children have: most names that no rule names are told by theirs.
    marks: u64,
    children: HashMap<Box<[u8]>, NodeId, RandomState>,
}

/// One bit for a name, by its length and its first and last letters.
fn mark(name: &[u8]) -> u64 {
    let end = |letter: Option<&u8>| letter.map_or(0, |&letter| usize::from(letter));
    1 << ((name.len() + end(name.first()) * 7 + end(name.last()) * 3) % 64)
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            interests: Vec::new(),
            data_paths: 0,
            is_deep: false,
        }
    }
}

impl Trie {
    const ROOT: NodeId = NodeId(0);

    /// The id of a path of dotted steps, if it is named.
    pub(super) fn find(&self, path: &str) -> Option<PathId> {
        self.path(self.start(path)?)
    }

    /// Names a path of dotted steps; the same path always has the same id.
    pub(super) fn insert(&mut self, path: &str) -> PathId {
        let mut at = Self::ROOT;
        for step in path.split('.') {
            let next = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
            let Some(node) = self.nodes.get_mut(at.0 as usize) else {
                break;
            };
            node.marks |= mark(step.as_bytes());
            at = *node.children.entry(step.as_bytes().into()).or_insert(next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(known) = self.path(at) {
            return known;
        }
        let is_data = path == "data" || path.starts_with("data.");
        let index = u32::try_from(self.interests.len()).unwrap_or(u32::MAX);
        let id = PathId(if is_data { index | PathId::DATA } else { index });
        self.interests.push(Interest::default());
        self.data_paths += usize::from(is_data);
        self.is_deep |= is_data && path.split('.').count() > 2;
        if let Some(node) = self.nodes.get_mut(at.0 as usize) {
            node.path = Some(id);
        }
        id
    }

    /// What rules ask of a path.
    pub(super) fn interest(&self, path: PathId) -> Interest {
        self.interests.get(path.index()).copied().unwrap_or_default()
    }

    /// Notes what one more rule asks of a path.
    pub(super) fn interest_mut(&mut self, path: PathId) -> Option<&mut Interest> {
        self.interests.get_mut(path.index())
    }

    /// How many paths there are.
    pub(super) fn len(&self) -> usize {
        self.interests.len()
    }

    /// How many fields of the data are named, if all are direct members of it.
    ///
    /// Only those are known to come but once: what lies deeper may also come by a dotted name.
    pub(super) fn data_members(&self) -> Option<usize> {
        (!self.is_deep).then_some(self.data_paths)
    }

    /// Where the attribute, or `data`, of that name begins.
    pub(super) fn start(&self, name: &str) -> Option<NodeId> {
        name.split('.')
            .try_fold(Self::ROOT, |node, step| self.step(node, step.as_bytes()))
    }

    /// One step down.
    pub(super) fn step(&self, node: NodeId, step: &[u8]) -> Option<NodeId> {
        let node = self.node(node)?;
        let may_be = node.marks & mark(step) != 0;
        may_be.then(|| node.children.get(step)).flatten().copied()
    }

    /// The path that ends here, if a rule names it.
    pub(super) fn path(&self, node: NodeId) -> Option<PathId> {
        self.node(node)?.path
    }

    /// Whether named paths go on below.
    pub(super) fn has_children(&self, node: NodeId) -> bool {
        self.node(node).is_some_and(|node| !node.children.is_empty())
    }

    fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node.0 as usize)
    }
}
