//! Makes up the members of an object.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use super::Outcome;
use super::Solver;
use super::object_query::ObjectQuery;
use super::objects::Admission;
use super::objects::MAX_PATTERNS;
use super::objects::Members;
use crate::schema::compat::node::Kind;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Node;
use crate::schema::compat::node::Scalar;

/// Most members that are made up to fill an object.
const MAX_FILLED: u64 = 2_000;

/// Whether an object could be filled.
enum Filled {
    Enough,
    /// There is no other member that may be there.
    Full,
    Unknown,
}

impl Solver<'_, '_> {
    /// A name that is written out nowhere, and matches the patterns in one way.
    pub(super) fn fresh_name(
        &mut self,
        query: &ObjectQuery,
        members: &Members,
        way: &[(usize, bool)],
        literals: &[Literal],
    ) -> Outcome {
        let mut all = literals.to_vec();
        all.push(Literal::yes(self.world.forest.kinds(&[Kind::String])));
        for (pattern, holds) in way {
            let id = self.world.forest.add(Node::Pattern(*pattern));
            all.push(Literal { id, holds: *holds });
        }
        let taken: BTreeSet<&String> = query.known.iter().chain(members.keys()).collect();
        let taken = taken.into_iter().cloned().map(Scalar::String).collect();
        all.push(Literal::no(self.world.forest.add(Node::Values(taken))));
        self.solve(all)
    }

    /// A name like the one offered if all names are alike, else one that is found.
    fn fresh_name_or(
        &mut self,
        is_plain: bool,
        plain: String,
        query: &ObjectQuery,
        taken: &Members,
        way: &[(usize, bool)],
    ) -> Outcome {
        if !self.budget.spend(1) {
            return Outcome::Open(None);
        }
        if is_plain {
            Outcome::Found(Value::String(plain))
        } else {
            self.fresh_name(query, taken, way, &query.names)
        }
    }

    /// The object with as many members as it must have.
    pub(super) fn filled_object(&mut self, query: &ObjectQuery, members: &Members) -> Outcome {
        let mut object = Map::new();
        let mut is_open = false;
        for (name, literals) in members {
            match self.solve(literals.iter().copied()) {
                Outcome::Empty => return Outcome::Empty,
                Outcome::Found(value) => {
                    object.insert(name.clone(), value);
                }
                Outcome::Open(value) => {
                    is_open = true;
                    object.insert(name.clone(), value.unwrap_or(Value::Null));
                }
            }
        }
        if query.max.is_some_and(|max| max < query.min) {
            return Outcome::Empty;
        }
        let missing = query.min.saturating_sub(object.len() as u64);
        let filled = if missing == 0 {
            Filled::Enough
        } else {
            self.fill(query, members, &mut object, missing)
        };
        match filled {
            Filled::Enough if is_open => Outcome::Open(Some(Value::Object(object))),
            Filled::Enough => Outcome::Found(Value::Object(object)),
            // All names that may be there are; a choice of other members for the statements adds none.
            Filled::Full => Outcome::Empty,
            Filled::Unknown => Outcome::Open(None),
        }
    }

    /// Adds members of any kind until there are enough.
    fn fill(
        &mut self,
        query: &ObjectQuery,
        members: &Members,
        object: &mut Map<String, Value>,
        mut missing: u64,
    ) -> Filled {
        if missing > MAX_FILLED || query.patterns.len() > MAX_PATTERNS {
            return Filled::Unknown;
        }
        let mut is_unknown = false;
        let mut taken = members.clone();
        let is_plain = query.patterns.is_empty() && query.names.is_empty();
        for name in &query.known {
            if missing == 0 {
                return Filled::Enough;
            }
            if object.contains_key(name) {
                continue;
            }
            match self.member(query, name) {
                Outcome::Found(value) => {
                    object.insert(name.clone(), value);
                    missing -= 1;
                }
                Outcome::Open(_) => is_unknown = true,
                Outcome::Empty => {}
            }
        }
        for way in ways(&query.patterns) {
            for number in 1_u64.. {
                if missing == 0 {
                    break;
                }
                let plain = format!("p{number}");
                if is_plain && (query.known.contains(&plain) || taken.contains_key(&plain)) {
                    continue;
                }
                let name = match self.fresh_name_or(is_plain, plain, query, &taken, &way) {
                    Outcome::Found(Value::String(name)) => name,
                    Outcome::Empty => break,
                    _ => {
                        is_unknown = true;
                        break;
                    }
                };
                match self.member(query, &name) {
                    Outcome::Found(value) => {
                        object.insert(name.clone(), value);
                        taken.insert(name, BTreeSet::new());
                        missing -= 1;
                    }
                    // All names of this way are under the same statements.
                    Outcome::Empty => break,
                    Outcome::Open(_) => {
                        is_unknown = true;
                        break;
                    }
                }
            }
        }
        match missing {
            0 => Filled::Enough,
            _ if is_unknown => Filled::Unknown,
            _ => Filled::Full,
        }
    }

    /// A value for a member that nothing asks for.
    fn member(&mut self, query: &ObjectQuery, name: &str) -> Outcome {
        self.member_with(query, name, None)
    }

    /// A value for a member, with one more literal.
    pub(super) fn member_with(&mut self, query: &ObjectQuery, name: &str, value: Option<Literal>) -> Outcome {
        match self.admission(query, name) {
            Admission::Never => Outcome::Empty,
            Admission::Unknown => Outcome::Open(None),
            Admission::If(literals) => self.solve(literals.into_iter().chain(value)),
        }
    }
}

/// Every way in which a name may match some of the patterns and not the others.
pub(super) fn ways(patterns: &BTreeSet<usize>) -> Vec<Vec<(usize, bool)>> {
    let mut ways = vec![Vec::new()];
    for pattern in patterns {
        ways = ways
            .into_iter()
            .flat_map(|way| {
                [false, true].map(|holds| {
                    let mut way = way.clone();
                    way.push((*pattern, holds));
                    way
                })
            })
            .collect();
    }
    ways
}
