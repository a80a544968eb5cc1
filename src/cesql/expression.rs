//! An expression as its users see it.

use std::str::FromStr;

use super::ast::Kind;
use super::ast::Node;
use super::ast::Operator;
use super::error::Fault;
use super::error::ParseError;
use super::error::Problem;
use super::evaluate::Evaluation;
use super::function::Function;
use super::parse::parse;
use super::suggest::nearest;
use super::value::Type;
use super::value::Value;
use crate::pattern::Scalar;

/// An expression, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub(super) text: String,
    pub(super) root: Node,
}

/// What an expression yields for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The value, besides a fault too.
    pub value: Value<'a>,
    /// The first thing that went wrong.
    pub fault: Option<Fault>,
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match parse(text) {
            Ok(root) => Ok(Self {
                text: text.to_owned(),
                root,
            }),
            Err(problem) => Err(problem.within(text)),
        }
    }
}

impl Expression {
    /// Reads an expression that is to filter, and refuses one that no event can pass by its form.
    ///
    /// # Errors
    /// Beside those of syntax: `unknown-function`, and `not-a-predicate` if the value is never a
    /// Boolean.
    pub fn predicate(text: &str) -> Result<Self, ParseError> {
        let expression: Self = text.parse()?;
        match expression.objection() {
            Some(problem) => Err(problem.within(text)),
            None => Ok(expression),
        }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value for an event's attributes.
    #[must_use]
    pub fn evaluate<'a>(&'a self, attributes: &'a [(&'a str, Scalar<'a>)]) -> Outcome<'a> {
        let (value, fault) = match Evaluation::in_words(attributes).of(&self.root) {
            Ok(value) => (value, None),
            Err(failure) => (failure.value, Some(failure.fault)),
        };
        Outcome { value, fault }
    }

    /// Whether an event with these attributes passes: the value is true, and nothing went wrong.
    #[must_use]
    pub fn passes<'a>(&'a self, attributes: &'a [(&'a str, Scalar<'a>)]) -> bool {
        let value = Evaluation::new(attributes).of(&self.root);
        matches!(value, Ok(Value::Boolean(true)))
    }

    /// What evaluating it costs at most, in points: one for each part of it, and two for each `%` of a
    /// `LIKE`.
    #[must_use]
    pub fn complexity(&self) -> u64 {
        let mut points = 0_u64;
        self.root.walk(&mut |node| {
            points += 1;
            if let Kind::Like { pattern, .. } = &node.kind {
                points += 2 * u64::try_from(pattern.runs()).unwrap_or(u64::MAX / 4);
            }
        });
        points
    }

    /// Why it can be no filter.
    fn objection(&self) -> Option<Problem> {
        let mut unknown = None;
        self.root.walk(&mut |node| {
            if let Kind::Call {
                name, function: None, ..
            } = &node.kind
            {
                unknown = unknown.or(Some((node, name)));
            }
        });
        if let Some((node, name)) = unknown {
            return Some(unknown_function(name, node.span.start));
        }
        let kind = always(&self.root).filter(|kind| *kind != Type::Boolean)?;
        let detail = format!("the value is {kind}, and only a Boolean lets events pass");
        Some(
            Problem::new(self.root.span.start, "not-a-predicate", detail)
                .corrected("compare it with a value"),
        )
    }
}

fn unknown_function(name: &str, at: usize) -> Problem {
    let problem = |detail| Problem::new(at, "unknown-function", detail);
    if let Some(arity) = Function::arity(name) {
        return problem(format!("{} takes {arity}", name.to_ascii_uppercase()));
    }
    let list = || {
        let names: Vec<_> = Function::names().collect();
        format!("the functions are {}", names.join(", "))
    };
    problem(format!("{name} is not a function"))
        .corrected(nearest(name, Function::names()).unwrap_or_else(list))
}

/// The type of a value, if it is the same for all events.
fn always(node: &Node) -> Option<Type> {
    match &node.kind {
        Kind::Literal(literal) => Some(literal.kind()),
        Kind::Attribute(_) => None,
        Kind::Minus(_) => Some(Type::Integer),
        Kind::Exists(_) | Kind::Not(_) | Kind::Like { .. } | Kind::In { .. } => Some(Type::Boolean),
        Kind::Chain { rest, .. } => rest.last().map(|(operator, _)| operator.result()),
        Kind::Call { function, .. } => function.map(Function::result),
    }
}

impl Operator {
    /// The type of what it yields.
    pub(super) const fn result(self) -> Type {
        match self {
            Self::Multiply | Self::Divide | Self::Modulo | Self::Add | Self::Subtract => Type::Integer,
            _ => Type::Boolean,
        }
    }
}
