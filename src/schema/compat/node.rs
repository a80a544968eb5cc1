//! The form in which schemas are compared: small statements about one value, joined by and, or, not.
//!
//! A statement about one type of value (`MinLength`) holds for every value of another type, and its
//! negation holds for none of them, exactly like the keywords of JSON Schema.

use std::collections::BTreeSet;
use std::collections::HashMap;

use num_rational::BigRational;

/// The number of a node in the [`Forest`].
pub(super) type Id = u32;

/// A node, or its negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Literal {
    pub(super) id: Id,
    pub(super) holds: bool,
}

impl Literal {
    pub(super) fn yes(id: Id) -> Self {
        Self { id, holds: true }
    }

    pub(super) fn no(id: Id) -> Self {
        Self { id, holds: false }
    }

    pub(super) fn negated(self) -> Self {
        Self {
            holds: !self.holds,
            ..self
        }
    }

    /// This literal's sense for another node.
    pub(super) fn onto(self, id: Id) -> Self {
        Self { id, ..self }
    }
}

/// A type of JSON value; numbers are one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// Every kind, those with the shortest examples last.
    pub(super) const ALL: [Self; 6] = [
        Self::Object,
        Self::Array,
        Self::String,
        Self::Number,
        Self::Boolean,
        Self::Null,
    ];

    pub(super) fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A value without members, by value: `1` and `1.0` are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Scalar {
    Null,
    Boolean(bool),
    Number(BigRational),
    String(String),
}

impl Scalar {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Boolean(_) => Kind::Boolean,
            Self::Number(_) => Kind::Number,
            Self::String(_) => Kind::String,
        }
    }
}

/// Names that a schema object speaks of: those written out, and those that a pattern matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Names {
    pub(super) names: BTreeSet<String>,
    pub(super) patterns: BTreeSet<usize>,
}

/// One statement about a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    True,
    /// What cannot be told, with its number.
    Unknown(usize),
    /// The schema object of this number, perhaps not read yet.
    Schema(usize),
    /// The node that is put in later under this number.
    Late(usize),
    And(Vec<Id>),
    Or(Vec<Id>),
    Not(Id),
    /// Set of [`Kind::bit`].
    Kinds(u8),
    Values(Vec<Scalar>),
    Minimum {
        limit: BigRational,
        open: bool,
    },
    Maximum {
        limit: BigRational,
        open: bool,
    },
    MultipleOf(BigRational),
    /// Written without a decimal point: the `integer` of draft 4.
    WrittenWhole,
    MinLength(u64),
    MaxLength(u64),
    Pattern(usize),
    /// A property of strings that only its checker knows, such as a format.
    Opaque(usize),
    MinItems(u64),
    MaxItems(u64),
    /// The item at this index, if there is one, meets the schema.
    ItemAt(u64, Id),
    /// Every item from this index on meets the schema.
    ItemsFrom(u64, Id),
    /// At least so many items meet the schema.
    AtLeast(u64, Id),
    UniqueItems,
    MinProperties(u64),
    MaxProperties(u64),
    Required(String),
    /// The member of this name, if there is one, meets the schema.
    Property(String, Id),
    PatternProperty(usize, Id),
    /// Every member whose name is not among these meets the schema.
    Additional(Names, Id),
    PropertyNames(Id),
    /// Objects hold only what the schema objects of this set declare, at every depth.
    Declared(usize),
}

impl Node {
    /// The type of value of which the node says something; none if of several.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Minimum { .. } | Self::Maximum { .. } | Self::MultipleOf(_) | Self::WrittenWhole => {
                Some(Kind::Number)
            }
            Self::MinLength(_) | Self::MaxLength(_) | Self::Pattern(_) | Self::Opaque(_) => {
                Some(Kind::String)
            }
            Self::MinItems(_)
            | Self::MaxItems(_)
            | Self::ItemAt(..)
            | Self::ItemsFrom(..)
            | Self::AtLeast(..)
            | Self::UniqueItems => Some(Kind::Array),
            Self::MinProperties(_)
            | Self::MaxProperties(_)
            | Self::Required(_)
            | Self::Property(..)
            | Self::PatternProperty(..)
            | Self::Additional(..)
            | Self::PropertyNames(_) => Some(Kind::Object),
            _ => None,
        }
    }
}

/// All nodes of one comparison; equal nodes have one number.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    numbers: HashMap<Node, Id>,
    unknowns: usize,
}

impl Forest {
    /// The number of a node.
    pub(super) fn add(&mut self, node: Node) -> Id {
        if let Some(id) = self.numbers.get(&node) {
            return *id;
        }
        let id = Id::try_from(self.nodes.len()).unwrap_or(Id::MAX);
        self.numbers.insert(node.clone(), id);
        self.nodes.push(node);
        id
    }

    /// The node of a number.
    pub(super) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&Node::Unknown(usize::MAX))
    }

    pub(super) fn yes(&mut self) -> Id {
        self.add(Node::True)
    }

    pub(super) fn never(&mut self) -> Id {
        let yes = self.yes();
        self.not(yes)
    }

    pub(super) fn unknown(&mut self) -> Id {
        self.unknowns += 1;
        self.add(Node::Unknown(self.unknowns))
    }

    pub(super) fn not(&mut self, id: Id) -> Id {
        match self.node(id) {
            Node::Not(inner) => *inner,
            _ => self.add(Node::Not(id)),
        }
    }

    pub(super) fn and(&mut self, mut ids: Vec<Id>) -> Id {
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| *self.node(*id) != Node::True);
        match ids.as_slice() {
            [] => self.yes(),
            [only] => *only,
            _ => self.add(Node::And(ids)),
        }
    }

    pub(super) fn or(&mut self, mut ids: Vec<Id>) -> Id {
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [] => self.never(),
            [only] => *only,
            _ if ids.iter().any(|id| *self.node(*id) == Node::True) => self.yes(),
            _ => self.add(Node::Or(ids)),
        }
    }

    pub(super) fn kinds(&mut self, kinds: &[Kind]) -> Id {
        let bits = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        self.add(Node::Kinds(bits))
    }
}
