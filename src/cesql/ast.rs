//! The tree of an expression.
//!
//! Operators that stand in a row are one node with a list, so that the height of a tree, and with it
//! the recursion over it, is bounded by the nesting that its author wrote.

use super::function::Function;
use super::like::Like;
use super::value::Literal;

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A sub-expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Nodes on the longest way down, this one included.
    pub(super) height: usize,
}

/// What a sub-expression is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Literal(Literal),
    Attribute(String),
    Exists(String),
    Not(Box<Node>),
    Minus(Box<Node>),
    Like {
        operand: Box<Node>,
        pattern: Like,
        negated: bool,
    },
    In {
        operand: Box<Node>,
        set: Vec<Node>,
        negated: bool,
    },
    /// Operators of one level, from left to right.
    Chain {
        first: Box<Node>,
        rest: Vec<(Operator, Node)>,
    },
    Call {
        name: String,
        /// None if there is no such function with so many arguments.
        function: Option<Function>,
        arguments: Vec<Node>,
    },
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
}

/// How tightly an operator binds, from loose to tight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Logic,
    Comparison,
    Additive,
    Multiplicative,
}

impl Operator {
    /// How tightly it binds.
    pub(super) const fn level(self) -> Level {
        match self {
            Self::Multiply | Self::Divide | Self::Modulo => Level::Multiplicative,
            Self::Add | Self::Subtract => Level::Additive,
            Self::And | Self::Or | Self::Xor => Level::Logic,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => Level::Comparison,
        }
    }
}

impl Level {
    /// The next tighter one; none above the tightest.
    pub(super) const fn tighter(self) -> Option<Self> {
        match self {
            Self::Logic => Some(Self::Comparison),
            Self::Comparison => Some(Self::Additive),
            Self::Additive => Some(Self::Multiplicative),
            Self::Multiplicative => None,
        }
    }
}

impl Kind {
    /// The sub-expressions directly below.
    pub(super) fn children(&self) -> Vec<&Node> {
        match self {
            Self::Literal(_) | Self::Attribute(_) | Self::Exists(_) => Vec::new(),
            Self::Not(operand) | Self::Minus(operand) | Self::Like { operand, .. } => vec![operand],
            Self::In { operand, set, .. } => std::iter::once(operand.as_ref()).chain(set).collect(),
            Self::Chain { first, rest } => std::iter::once(first.as_ref())
                .chain(rest.iter().map(|(_, node)| node))
                .collect(),
            Self::Call { arguments, .. } => arguments.iter().collect(),
        }
    }
}

impl Node {
    /// A node over its children.
    pub(super) fn new(kind: Kind, span: Span) -> Self {
        let below = kind.children().iter().map(|child| child.height).max();
        Self {
            height: below.unwrap_or(0) + 1,
            kind,
            span,
        }
    }

    /// This sub-expression and all below it, from left to right.
    pub(super) fn walk<'n>(&'n self, visit: &mut impl FnMut(&'n Self)) {
        visit(self);
        for child in self.kind.children() {
            child.walk(visit);
        }
    }
}
