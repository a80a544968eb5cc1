//! What a branch asks of a list.

use super::Solver;
use super::arrays::MAX_ITEMS;
use super::branch::Branch;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::Step;

/// Most items that `minContains` may ask for.
const MAX_WANTED: u64 = 16;

/// What a list must be.
#[derive(Debug, Default)]
pub(super) struct ListQuery {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    /// For the items from the first index up to, not with, the second.
    pub(super) every: Vec<(u64, Option<u64>, Literal)>,
    /// For one item each.
    pub(super) some: Vec<Wanted>,
    /// At most so many items.
    pub(super) at_most: Vec<(u64, Literal)>,
    pub(super) declared: Vec<usize>,
    pub(super) is_unique: bool,
    pub(super) has_repeated: bool,
    /// From here on all items are under the same statements.
    pub(super) uniform: u64,
}

/// A statement about some item.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) from: u64,
    pub(super) to: Option<u64>,
    pub(super) literal: Literal,
    /// Statements of one group are met by different items.
    pub(super) group: usize,
}

impl Solver<'_, '_> {
    /// The statements of a branch; none if they contradict each other.
    pub(super) fn list_query(&mut self, branch: &Branch) -> Option<ListQuery> {
        let mut query = ListQuery::default();
        for literal in &branch.asserted {
            let holds = literal.holds;
            match self.world.forest.node(literal.id) {
                Node::MinItems(min) if holds => query.min = query.min.max(*min),
                Node::MinItems(min) => query.limit(min.checked_sub(1)?),
                Node::MaxItems(max) if holds => query.limit(*max),
                Node::MaxItems(max) => query.min = query.min.max(max.checked_add(1)?),
                Node::ItemAt(index, schema) => {
                    query.item(*index, Some(index + 1), literal.onto(*schema));
                }
                Node::ItemsFrom(first, schema) => {
                    query.item(*first, None, literal.onto(*schema));
                }
                Node::AtLeast(count, schema) => query.count(*count, *schema, holds)?,
                Node::UniqueItems if holds => query.is_unique = true,
                Node::UniqueItems => query.has_repeated = true,
                Node::Declared(set) => query.declared.push(*set),
                _ => {}
            }
        }
        let every = query.every.iter().map(|(from, to, _)| to.unwrap_or(*from));
        let some = query.some.iter().map(|wanted| wanted.to.unwrap_or(wanted.from));
        let mut uniform = every.chain(some).max().unwrap_or(0);
        for child in query.declared.iter().flat_map(|set| self.world.children_of(*set)) {
            match child.step {
                Step::ItemAt(index) => uniform = uniform.max(index + 1),
                Step::ItemsFrom(first) => uniform = uniform.max(first),
                _ => {}
            }
        }
        query.uniform = uniform;
        Some(query)
    }
}

impl ListQuery {
    pub(super) fn limit(&mut self, max: u64) {
        self.max = Some(self.max.map_or(max, |own| own.min(max)));
    }

    /// A statement about items; negated, about some item.
    pub(super) fn item(&mut self, from: u64, to: Option<u64>, literal: Literal) {
        if literal.holds {
            self.every.push((from, to, literal));
        } else {
            let group = self.some.len();
            self.some.push(Wanted {
                from,
                to,
                literal,
                group,
            });
        }
    }

    /// At least so many items meet the schema, or not so many; none if that cannot be.
    pub(super) fn count(&mut self, count: u64, schema: Id, holds: bool) -> Option<()> {
        let group = self.some.len();
        let literal = Literal::yes(schema);
        match (holds, count) {
            (true, count) if count <= MAX_WANTED => {
                self.min = self.min.max(count);
                self.some.extend((0..count).map(|_| Wanted {
                    from: 0,
                    to: None,
                    literal,
                    group,
                }));
            }
            // Lists of this length are not made up.
            (true, count) => self.min = self.min.max(count).max(MAX_ITEMS + 1),
            (false, count) => match count.checked_sub(1)? {
                0 => self.every.push((0, None, Literal::no(schema))),
                most => self.at_most.push((most, literal)),
            },
        }
        Some(())
    }
}
