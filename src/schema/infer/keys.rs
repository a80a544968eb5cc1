//! Which objects are maps: their member names are keys, such as ids, and not the names of fields.

use super::node::Members;
use super::node::Node;

/// Different names without which no object is taken for a map.
const MIN_NAMES: usize = 20;
/// The largest share of the objects that may hold one of the names, as one in so many.
const RAREST: u64 = 2;
/// The same for the names on average.
const RARE: u64 = 4;

/// The same with the names of maps forgotten, at every depth.
pub(super) fn with_maps(mut node: Node) -> Node {
    if is_map(&node) {
        node.forget_names();
    }
    node.elements = node.elements.map(|node| Box::new(with_maps(*node)));
    node.members = match node.members {
        Members::Named(nodes, more) => {
            let nodes = nodes.into_iter();
            Members::Named(nodes.map(|(name, node)| (name, with_maps(node))).collect(), more)
        }
        Members::Keyed(node) => Members::Keyed(Box::new(with_maps(*node))),
    };
    node
}

/// Whether there are many names, none of them is held by most objects, and what they name is alike.
fn is_map(node: &Node) -> bool {
    let Members::Named(nodes, _) = &node.members else {
        return false;
    };
    let held: u64 = nodes.values().map(|node| node.holders).sum();
    let mut kinds = nodes.values().filter_map(kind);
    let first = kinds.next();
    nodes.len() >= MIN_NAMES
        && nodes
            .values()
            .all(|inner| inner.holders.saturating_mul(RAREST) <= node.objects)
        && held.saturating_mul(RARE) <= node.objects.saturating_mul(nodes.len() as u64)
        && kinds.all(|kind| Some(kind) == first)
}

/// The types of the values, `null` and the difference between numbers aside; none for only `null`.
fn kind(node: &Node) -> Option<[bool; 5]> {
    let numbers = node.numbers.whole + node.numbers.fractions;
    let counts = [
        node.booleans,
        numbers,
        node.strings.count,
        node.arrays,
        node.objects,
    ];
    let kind = counts.map(|count| count > 0);
    kind.contains(&true).then_some(kind)
}
