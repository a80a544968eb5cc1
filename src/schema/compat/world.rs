//! What one comparison knows: the nodes, expressions and schema objects of both documents.

use std::collections::BTreeSet;
use std::collections::HashMap;

use serde_json::Value;

use super::node::Forest;
use super::node::Id;
use super::node::Literal;
use super::node::Names;
use super::node::Node;
use super::patterns::Patterns;

/// How a subschema is applied by the schema that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// To the same value.
    Here,
    /// To the member of this name.
    Member(String),
    /// To the members whose names match.
    Matching(usize),
    /// To the members that these names leave.
    Others(Names),
    /// To the members or items that nothing else has looked at.
    Unevaluated,
    /// To the item at this index.
    ItemAt(u64),
    /// To the items from this index on.
    ItemsFrom(u64),
    /// To some items.
    SomeItems,
    /// To the names of members.
    Names,
}

/// A subschema.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) step: Step,
    /// Number of the schema object.
    pub(super) schema: usize,
    /// From the schema that holds it to the subschema, such as `/anyOf/0`.
    pub(super) suffix: String,
}

impl Child {
    /// The keyword that applies the subschema.
    pub(super) fn keyword(&self) -> &str {
        self.suffix.split('/').nth(1).unwrap_or_default()
    }
}

/// One keyword of a schema object, or one member of a keyword that holds several.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) keyword: &'static str,
    /// From the schema object to the part, such as `/properties/a`.
    pub(super) suffix: String,
    /// What it demands.
    pub(super) id: Id,
    /// The subschema in which the reason of a violation may be looked for.
    pub(super) child: Option<Child>,
}

/// One schema object (or boolean) of one of the documents.
#[derive(Debug, Clone)]
pub(super) struct SchemaInfo<'d> {
    /// Pointer inside its document; with the URL in front if the document is another one.
    pub(super) pointer: String,
    pub(super) value: &'d Value,
    /// All parts together; none until it is read.
    pub(super) id: Option<Id>,
    pub(super) parts: Vec<Part>,
    pub(super) children: Vec<Child>,
}

/// A checker of strings that the comparison cannot look into.
#[derive(Debug)]
pub(super) struct Opaque {
    pub(super) validator: jsonschema::Validator,
}

/// Everything that both documents brought in.
#[derive(Default)]
pub(super) struct World<'d> {
    pub(super) forest: Forest,
    pub(super) patterns: Patterns,
    pub(super) schemas: Vec<SchemaInfo<'d>>,
    pub(super) late: Vec<Id>,
    /// Pairs of branches of `oneOf` that were set against each other.
    pub(super) branch_pairs: usize,
    pub(super) opaques: Vec<Opaque>,
    pub(super) opaque_numbers: HashMap<(&'static str, String, u8), usize>,
    /// Sets of schema objects, by number, for [`Node::Declared`].
    pub(super) sets: Vec<BTreeSet<usize>>,
    pub(super) set_numbers: HashMap<BTreeSet<usize>, usize>,
}

impl<'d> World<'d> {
    /// The schema object of a number.
    pub(super) fn schema(&self, number: usize) -> Option<&SchemaInfo<'d>> {
        self.schemas.get(number)
    }

    /// The literal with references followed and negations taken in.
    pub(super) fn plain(&self, mut literal: Literal) -> Literal {
        // Chains of references end: documents with endless ones are refused.
        for _ in 0..=self.schemas.len() + self.late.len() {
            literal = match self.forest.node(literal.id) {
                Node::Not(inner) => literal.onto(*inner).negated(),
                Node::Schema(number) => match self.schema(*number).and_then(|schema| schema.id) {
                    Some(id) => literal.onto(id),
                    None => return literal,
                },
                Node::Late(number) => match self.late.get(*number) {
                    Some(id) => literal.onto(*id),
                    None => return literal,
                },
                _ => return literal,
            };
        }
        literal
    }

    /// The schema objects of the set and all that they apply to the same value.
    pub(super) fn in_place(&self, set: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut waiting: Vec<usize> = set.iter().copied().collect();
        let mut all = BTreeSet::new();
        while let Some(number) = waiting.pop() {
            if !all.insert(number) {
                continue;
            }
            let children = self
                .schema(number)
                .map(|schema| schema.children.as_slice())
                .unwrap_or_default();
            waiting.extend(
                children
                    .iter()
                    .filter(|child| child.step == Step::Here)
                    .map(|child| child.schema),
            );
        }
        all
    }

    /// The number of a set of schema objects, taken with all that they apply in place.
    pub(super) fn set(&mut self, set: &BTreeSet<usize>) -> usize {
        let set = self.in_place(set);
        if let Some(number) = self.set_numbers.get(&set) {
            return *number;
        }
        self.sets.push(set.clone());
        self.set_numbers.insert(set, self.sets.len() - 1);
        self.sets.len() - 1
    }
}
