//! Which recursions a document may have.

use std::collections::BTreeSet;

use super::Reader;
use crate::schema::compat::world::Step;
use crate::schema::compat::world::World;
use crate::schema::error::child;

/// Most subschemas through which one value is passed on: with documents nested as deeply as JSON may be,
/// the validator needs a third of a usual stack.
const MAX_IN_PLACE: usize = 100;

impl Reader<'_, '_> {
    /// Refuses schemas that ask themselves about the same value, or pass it on too often.
    pub(super) fn refuse_circles(&mut self, first: usize) {
        let mut walk = Walk::new(self.world, first);
        for start in first..self.world.schemas.len() {
            let (number, code, detail) = match walk.visit(start) {
                Ok(depth) if depth <= MAX_IN_PLACE => continue,
                Ok(_) => (
                    start,
                    "too-deep",
                    "the schema passes one value on through too many subschemas",
                ),
                Err(number) => (
                    number,
                    "endless-reference",
                    "the schema refers to itself for the same value",
                ),
            };
            let pointer = self
                .world
                .schema(number)
                .map_or(String::new(), |info| info.pointer.clone());
            return self.refuse(&pointer, code, detail);
        }
    }

    /// Refuses the one form of recursion over which the validator breaks down when it meets a document:
    /// `unevaluatedProperties` beside a `$ref` to a schema with `patternProperties` that leads back to it.
    pub(super) fn refuse_breakdowns(&mut self, first: usize) {
        let of_keyword = |keyword: &'static str| {
            let schemas = self.world.schemas.iter().enumerate().skip(first);
            let own = schemas
                .filter(move |(_, schema)| schema.children.iter().any(|child| child.keyword() == keyword));
            own.map(|(number, _)| number).collect::<BTreeSet<usize>>()
        };
        let (asking, matching) = (
            of_keyword("unevaluatedProperties"),
            of_keyword("patternProperties"),
        );
        if asking.is_empty() {
            return;
        }
        for holder in matching.into_iter().filter(|holder| self.leads_back(*holder)) {
            let mut asking = asking.iter().filter(|asking| **asking != holder);
            let found =
                asking.find(|asking| self.world.in_place(&BTreeSet::from([**asking])).contains(&holder));
            if let Some(asking) = found {
                let pointer = self
                    .world
                    .schema(*asking)
                    .map_or(String::new(), |schema| schema.pointer.clone());
                let detail =
                    "`unevaluatedProperties` over a schema whose `patternProperties` lead back to it";
                return self.refuse(
                    &child(&pointer, "unevaluatedProperties"),
                    "unsupported-recursion",
                    detail,
                );
            }
        }
    }

    /// Whether the subschemas of a schema's `patternProperties` lead back to it.
    fn leads_back(&self, holder: usize) -> bool {
        let children = |number: usize| {
            self.world
                .schema(number)
                .into_iter()
                .flat_map(|schema| &schema.children)
        };
        let below = children(holder).filter(|child| child.keyword() == "patternProperties");
        let mut waiting: Vec<usize> = below.map(|child| child.schema).collect();
        let mut seen = BTreeSet::new();
        while let Some(number) = waiting.pop() {
            if number == holder {
                return true;
            }
            if seen.insert(number) {
                waiting.extend(children(number).map(|child| child.schema));
            }
        }
        false
    }
}

/// A walk along the subschemas for the same value.
struct Walk {
    /// For each schema object those that it applies in place.
    below: Vec<Vec<usize>>,
    first: usize,
    /// How many schema objects follow one another at most, from each on; none if not known yet.
    depths: Vec<Option<usize>>,
}

impl Walk {
    /// Looks at the schema objects from `first` on.
    fn new(world: &World<'_>, first: usize) -> Self {
        let schemas = world.schemas.iter().skip(first);
        let below: Vec<Vec<usize>> = schemas
            .map(|schema| {
                let here = schema.children.iter().filter(|child| child.step == Step::Here);
                here.filter_map(|child| child.schema.checked_sub(first)).collect()
            })
            .collect();
        let depths = vec![None; below.len()];
        Self { below, first, depths }
    }

    /// The depth from a schema object on.
    ///
    /// # Errors
    /// A schema object that comes again below itself.
    fn visit(&mut self, start: usize) -> Result<usize, usize> {
        let mut path = vec![(start.saturating_sub(self.first), 0)];
        let mut open = BTreeSet::new();
        while let Some((number, next)) = path.pop() {
            let below = self.below.get(number).map(Vec::as_slice).unwrap_or_default();
            if self.depths.get(number).is_some_and(Option::is_some) {
                continue;
            }
            if next == 0 && !open.insert(number) {
                return Err(number + self.first);
            }
            if let Some(child) = below.get(next) {
                path.push((number, next + 1));
                path.push((*child, 0));
                continue;
            }
            let depths = below
                .iter()
                .filter_map(|child| self.depths.get(*child).copied().flatten());
            let depth = 1 + depths.max().unwrap_or(0);
            if let Some(slot) = self.depths.get_mut(number) {
                *slot = Some(depth);
            }
            open.remove(&number);
        }
        let depth = self
            .depths
            .get(start.saturating_sub(self.first))
            .copied()
            .flatten();
        Ok(depth.unwrap_or(0))
    }
}
