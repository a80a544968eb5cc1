//! What a branch asks of an object.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Solver;
use super::branch::Branch;
use crate::schema::compat::node::Id;
use crate::schema::compat::node::Literal;
use crate::schema::compat::node::Names;
use crate::schema::compat::node::Node;
use crate::schema::compat::world::Step;

/// A statement about some member.
#[derive(Debug, Clone)]
pub(super) enum SomeMember {
    /// Its name matches, its value does not meet the schema.
    Matching(usize, Literal),
    /// Its name is not among these, its value does not meet the schema.
    Other(Names, Literal),
    /// Its name does not meet the schema.
    Name(Literal),
}

/// What an object must be.
#[derive(Debug, Default)]
pub(super) struct ObjectQuery {
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    pub(super) required: BTreeSet<String>,
    pub(super) absent: BTreeSet<String>,
    pub(super) properties: Vec<(String, Id)>,
    pub(super) matching: Vec<(usize, Id)>,
    pub(super) others: Vec<(Names, Id)>,
    pub(super) names: Vec<Literal>,
    /// Members that are there and violate these.
    pub(super) violating: BTreeMap<String, BTreeSet<Literal>>,
    pub(super) some: Vec<SomeMember>,
    pub(super) declared: Vec<usize>,
    /// Every name that is written out somewhere.
    pub(super) known: BTreeSet<String>,
    /// Every pattern that sorts names.
    pub(super) patterns: BTreeSet<usize>,
}

impl Solver<'_, '_> {
    /// The statements of a branch; none if they contradict each other.
    pub(super) fn object_query(&mut self, branch: &Branch) -> Option<ObjectQuery> {
        let mut query = ObjectQuery::default();
        for literal in &branch.asserted {
            let holds = literal.holds;
            match self.world.forest.node(literal.id) {
                Node::MinProperties(min) if holds => query.min = query.min.max(*min),
                Node::MinProperties(min) => query.limit(min.checked_sub(1)?),
                Node::MaxProperties(max) if holds => query.limit(*max),
                Node::MaxProperties(max) => query.min = query.min.max(max.checked_add(1)?),
                Node::Required(name) => {
                    if holds {
                        &mut query.required
                    } else {
                        &mut query.absent
                    }
                    .insert(name.clone());
                }
                Node::Property(name, schema) if holds => query.properties.push((name.clone(), *schema)),
                Node::Property(name, schema) => {
                    query
                        .violating
                        .entry(name.clone())
                        .or_default()
                        .insert(literal.onto(*schema));
                }
                Node::PatternProperty(pattern, schema) if holds => query.matching.push((*pattern, *schema)),
                Node::PatternProperty(pattern, schema) => {
                    query
                        .some
                        .push(SomeMember::Matching(*pattern, literal.onto(*schema)));
                }
                Node::Additional(names, schema) if holds => query.others.push((names.clone(), *schema)),
                Node::Additional(names, schema) => {
                    query
                        .some
                        .push(SomeMember::Other(names.clone(), literal.onto(*schema)));
                }
                Node::PropertyNames(schema) if holds => query.names.push(literal.onto(*schema)),
                Node::PropertyNames(schema) => query.some.push(SomeMember::Name(literal.onto(*schema))),
                Node::Declared(set) => query.declared.push(*set),
                _ => {}
            }
        }
        self.gather(&mut query);
        Some(query)
    }

    /// Gathers the names and patterns of which the query speaks.
    pub(super) fn gather(&self, query: &mut ObjectQuery) {
        let mut known: BTreeSet<String> = query.required.union(&query.absent).cloned().collect();
        known.extend(query.violating.keys().cloned());
        known.extend(query.properties.iter().map(|(name, _)| name.clone()));
        let mut patterns: BTreeSet<usize> = query.matching.iter().map(|(pattern, _)| *pattern).collect();
        let some = query.some.iter().filter_map(|some| match some {
            SomeMember::Other(names, _) => Some(names),
            _ => None,
        });
        for names in query.others.iter().map(|(names, _)| names).chain(some) {
            known.extend(names.names.iter().cloned());
            patterns.extend(&names.patterns);
        }
        patterns.extend(query.some.iter().filter_map(|some| match some {
            SomeMember::Matching(pattern, _) => Some(*pattern),
            _ => None,
        }));
        for child in query.declared.iter().flat_map(|set| self.world.children_of(*set)) {
            match &child.step {
                Step::Member(name) => {
                    known.insert(name.clone());
                }
                Step::Matching(pattern) => {
                    patterns.insert(*pattern);
                }
                Step::Others(names) => {
                    known.extend(names.names.iter().cloned());
                    patterns.extend(&names.patterns);
                }
                _ => {}
            }
        }
        query.known = known;
        query.patterns = patterns;
    }
}

impl ObjectQuery {
    pub(super) fn limit(&mut self, max: u64) {
        self.max = Some(self.max.map_or(max, |own| own.min(max)));
    }

    /// Whether a statement about some member, from `first` on, is about its name.
    pub(super) fn speaks_of_names(&self, first: usize) -> bool {
        self.some
            .iter()
            .skip(first)
            .any(|some| matches!(some, SomeMember::Name(_)))
    }
}
