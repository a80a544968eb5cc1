//! Whether an object meets the statements of a branch.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::MAX_FRAMES;
use super::Outcome;
use super::Solver;
use super::branch::Branch;
use super::filling::ways;
use super::object_query::ObjectQuery;
use super::object_query::SomeMember;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Names;
use crate::schema::compat::node::Node;
use crate::schema::compat::node::Scalar;

/// Most patterns on names for which every way to match or not is looked at.
pub(super) const MAX_PATTERNS: usize = 6;

/// An object in the making: for each member what its value must meet.
pub(super) type Members = BTreeMap<String, BTreeSet<Literal>>;

/// Whether a member may be there.
#[derive(Debug, Clone)]
pub(super) enum Admission {
    /// If its value meets these.
    If(BTreeSet<Literal>),
    Never,
    /// Its name cannot be judged.
    Unknown,
}

impl Solver<'_, '_> {
    pub(super) fn object(&mut self, branch: &Branch) -> Outcome {
        let Some(query) = self.object_query(branch) else {
            return Outcome::Empty;
        };
        let mut members = Members::new();
        let mut is_open = false;
        let forced: BTreeSet<String> = query
            .required
            .iter()
            .chain(query.violating.keys())
            .cloned()
            .collect();
        if forced.iter().any(|name| query.absent.contains(name))
            || query.max.is_some_and(|max| (forced.len() as u64) > max)
        {
            return Outcome::Empty;
        }
        for name in forced {
            match self.admission(&query, &name) {
                Admission::Never => return Outcome::Empty,
                Admission::Unknown => is_open = true,
                Admission::If(mut literals) => {
                    literals.extend(query.violating.get(&name).into_iter().flatten());
                    if self.solve(literals.iter().copied()) == Outcome::Empty {
                        return Outcome::Empty;
                    }
                    members.insert(name, literals);
                }
            }
        }
        let outcome = self.choose(&query, &members, 0);
        if is_open { outcome.opened() } else { outcome }
    }

    /// Whether a member of this name may be there, and what its value must meet.
    pub(super) fn admission(&mut self, query: &ObjectQuery, name: &str) -> Admission {
        if query.absent.contains(name) {
            return Admission::Never;
        }
        let mut literals = BTreeSet::new();
        for set in &query.declared {
            let Some(declaring) = self.world.declared_member(*set, name) else {
                return Admission::Never;
            };
            let below = self.world.set(&declaring);
            literals.insert(Literal::yes(self.world.forest.add(Node::Declared(below))));
        }
        let own = query
            .properties
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, schema)| *schema);
        literals.extend(own.map(Literal::yes));
        let matching = query
            .matching
            .iter()
            .filter(|(pattern, _)| self.world.patterns.matches(*pattern, name));
        literals.extend(matching.map(|(_, schema)| Literal::yes(*schema)));
        let others = query
            .others
            .iter()
            .filter(|(names, _)| self.is_other(names, name));
        literals.extend(others.map(|(_, schema)| Literal::yes(*schema)));
        match self.named(&query.names, name) {
            Outcome::Empty => Admission::Never,
            Outcome::Open(_) => Admission::Unknown,
            Outcome::Found(_) => Admission::If(literals),
        }
    }

    fn is_other(&self, names: &Names, name: &str) -> bool {
        !names.names.contains(name)
            && !names
                .patterns
                .iter()
                .any(|pattern| self.world.patterns.matches(*pattern, name))
    }

    /// Whether a name, as a string, meets these literals.
    fn named(&mut self, literals: &[Literal], name: &str) -> Outcome {
        let value = Node::Values(vec![Scalar::String(name.to_owned())]);
        let mut all = vec![Literal::yes(self.world.forest.add(value))];
        all.extend(literals);
        if all.len() == 1 {
            Outcome::Found(Value::Null)
        } else {
            self.solve(all)
        }
    }

    /// Chooses a member for each statement about some member, from `next` on.
    fn choose(&mut self, query: &ObjectQuery, members: &Members, next: usize) -> Outcome {
        if self.frames >= MAX_FRAMES || !self.budget.spend(1) {
            return Outcome::Open(None);
        }
        let Some(some) = query.some.get(next) else {
            return self.filled_object(query, members);
        };
        let mut answer = Outcome::Empty;
        let candidates: Vec<String> = query
            .known
            .iter()
            .cloned()
            .chain(members.keys().cloned())
            .collect();
        for name in candidates.into_iter().collect::<BTreeSet<String>>() {
            let value = match some {
                SomeMember::Matching(pattern, value) if self.world.patterns.matches(*pattern, &name) => {
                    Some(*value)
                }
                SomeMember::Other(names, value) if self.is_other(names, &name) => Some(*value),
                SomeMember::Name(literal) => match self.named(&[*literal], &name) {
                    Outcome::Empty => continue,
                    Outcome::Found(_) => None,
                    Outcome::Open(_) => {
                        answer = answer.or(Outcome::Open(None));
                        continue;
                    }
                },
                _ => continue,
            };
            let outcome = self.with_member(query, members, &name, value, next);
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                return answer;
            }
        }
        let fresh = self.with_fresh(query, members, some, next);
        answer.or(fresh)
    }

    /// Goes on with a member that is there, and whose value meets one more literal.
    fn with_member(
        &mut self,
        query: &ObjectQuery,
        members: &Members,
        name: &str,
        value: Option<Literal>,
        next: usize,
    ) -> Outcome {
        let mut literals = match members.get(name) {
            Some(literals) => literals.clone(),
            None => match self.admission(query, name) {
                Admission::Never => return Outcome::Empty,
                Admission::Unknown => return Outcome::Open(None),
                Admission::If(literals) => literals,
            },
        };
        literals.extend(value);
        if self.solve(literals.iter().copied()) == Outcome::Empty {
            return Outcome::Empty;
        }
        let mut members = members.clone();
        members.insert(name.to_owned(), literals);
        if query.max.is_some_and(|max| members.len() as u64 > max) {
            // A choice that needs fewer members is gone through as well.
            return Outcome::Empty;
        }
        self.frames += 1;
        let outcome = self.choose(query, &members, next + 1);
        self.frames -= 1;
        outcome
    }

    /// Goes on with a member whose name is written out nowhere.
    fn with_fresh(
        &mut self,
        query: &ObjectQuery,
        members: &Members,
        some: &SomeMember,
        next: usize,
    ) -> Outcome {
        if query.patterns.len() > MAX_PATTERNS {
            return Outcome::Open(None);
        }
        let mut answer = Outcome::Empty;
        for way in ways(&query.patterns) {
            let mut name_literals = query.names.clone();
            let value = match some {
                SomeMember::Matching(pattern, value) if way.contains(&(*pattern, true)) => Some(*value),
                SomeMember::Other(names, value)
                    if !names.patterns.iter().any(|own| way.contains(&(*own, true))) =>
                {
                    Some(*value)
                }
                SomeMember::Name(literal) => {
                    name_literals.push(*literal);
                    None
                }
                _ => continue,
            };
            let outcome = match self.fresh_name(query, members, &way, &name_literals) {
                Outcome::Empty => Outcome::Empty,
                Outcome::Found(Value::String(name)) => match self.member_with(query, &name, value) {
                    Outcome::Empty => Outcome::Empty,
                    // Names of one way are alike, except to a later statement about names.
                    _ if query.speaks_of_names(next + 1) => {
                        self.with_member(query, members, &name, value, next).doubted()
                    }
                    _ => self.with_member(query, members, &name, value, next),
                },
                Outcome::Found(_) | Outcome::Open(_) => Outcome::Open(None),
            };
            answer = answer.or(outcome);
            if matches!(answer, Outcome::Found(_)) {
                break;
            }
        }
        answer
    }
}

impl Outcome {
    /// Not certain any more.
    fn opened(self) -> Self {
        match self {
            Self::Found(value) => Self::Open(Some(value)),
            other => other,
        }
    }
}

impl Outcome {
    /// No proof any more.
    fn doubted(self) -> Self {
        match self {
            Self::Empty => Self::Open(None),
            other => other,
        }
    }
}
