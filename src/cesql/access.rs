//! What an event must at least have for an expression to let it pass.

use super::ast::Kind;
use super::ast::Node;
use super::ast::Operator;
use super::expression::Expression;
use super::like::Like;
use super::value::Literal;
use super::value::Value;
use crate::pattern::Access;

impl Expression {
    /// Conditions that every event meets which passes; the reverse need not be.
    #[must_use]
    pub fn access(&self) -> Access {
        of_truth(&self.root)
    }
}

/// The conditions of a node that must be true.
fn of_truth(node: &Node) -> Access {
    if let Some((name, texts)) = texts_of(node) {
        return Access::text_in(name, texts);
    }
    match &node.kind {
        Kind::Exists(name) => Access::present(name),
        Kind::Like {
            operand,
            pattern,
            negated: false,
        } => match &operand.kind {
            Kind::Attribute(name) => of_like(name, pattern),
            _ => of_evaluation(node),
        },
        Kind::Chain { first, rest } if rest.iter().any(|(operator, _)| is_logic(*operator)) => {
            of_logic(first, rest)
        }
        _ => of_evaluation(node),
    }
}

fn of_like(name: &str, pattern: &Like) -> Access {
    let (prefix, suffix) = (pattern.prefix(), pattern.suffix());
    match (prefix.as_str(), suffix) {
        ("", "") => Access::present(name),
        ("", suffix) => Access::text_suffix(name, suffix),
        (prefix, _) => Access::text_prefix(name, prefix),
    }
}

fn of_logic(first: &Node, rest: &[(Operator, Node)]) -> Access {
    let mut truth = of_truth(first);
    let mut so_far = of_evaluation(first);
    for (operator, right) in rest {
        match operator {
            Operator::And => truth = truth.and(of_truth(right)),
            Operator::Or => truth = truth.or(of_truth(right)),
            // Both sides are evaluated, and which of them is true nobody knows.
            _ => {
                so_far = so_far.and(of_evaluation(right));
                truth = so_far.clone();
            }
        }
    }
    truth
}

/// The attribute that a true node compares with texts only, and these.
fn texts_of(node: &Node) -> Option<(&str, Vec<String>)> {
    match &node.kind {
        Kind::Like {
            operand,
            pattern,
            negated: false,
        } => Some((attribute(operand)?, vec![pattern.only()?.to_owned()])),
        Kind::In {
            operand,
            set,
            negated: false,
        } => {
            let texts: Option<Vec<_>> = set.iter().map(text).collect();
            Some((
                attribute(operand)?,
                texts?.into_iter().flat_map(spellings).collect(),
            ))
        }
        Kind::Chain { first, rest } => match rest.as_slice() {
            [(Operator::Equal, right)] => match (attribute(first), text(right)) {
                (Some(name), Some(text)) => Some((name, vec![text.to_owned()])),
                _ => Some((attribute(right)?, spellings(text(first)?))),
            },
            // Alternatives of one attribute are one list, however many there are.
            alternatives if alternatives.iter().all(|(operator, _)| *operator == Operator::Or) => {
                let (name, mut texts) = texts_of(first)?;
                for (_, alternative) in alternatives {
                    let (other, more) = texts_of(alternative)?;
                    if other != name {
                        return None;
                    }
                    texts.extend(more);
                }
                Some((name, texts))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The conditions of a node that is evaluated, whatever it yields: a missing attribute is a fault.
fn of_evaluation(node: &Node) -> Access {
    let mut names = Vec::new();
    evaluated(node, &mut names);
    names.sort_unstable();
    names.dedup();
    let present = names.into_iter().map(Access::present);
    present.reduce(Access::and).unwrap_or_else(Access::always)
}

/// The attributes that are looked at in any case when a node is evaluated.
fn evaluated<'n>(node: &'n Node, names: &mut Vec<&'n str>) {
    match &node.kind {
        Kind::Literal(_) | Kind::Exists(_) => {}
        Kind::Attribute(name) => names.push(name),
        // Of a set, the first element that is equal leaves the others unevaluated.
        Kind::Not(operand) | Kind::Minus(operand) | Kind::Like { operand, .. } | Kind::In { operand, .. } => {
            evaluated(operand, names);
        }
        Kind::Chain { first, rest } => {
            evaluated(first, names);
            for (operator, right) in rest {
                if !matches!(operator, Operator::And | Operator::Or) {
                    evaluated(right, names);
                }
            }
        }
        Kind::Call { arguments, .. } => {
            for argument in arguments {
                evaluated(argument, names);
            }
        }
    }
}

const fn is_logic(operator: Operator) -> bool {
    matches!(operator, Operator::And | Operator::Or | Operator::Xor)
}

fn attribute(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Attribute(name) => Some(name),
        _ => None,
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}

/// A text, and the values that equal it once it is cast to their type, as texts.
fn spellings(text: &str) -> Vec<String> {
    let value = Value::String(text.into());
    let mut spellings = vec![text.to_owned()];
    spellings.extend(value.integer().map(|number| number.to_string()));
    spellings.extend(value.boolean().map(|truth| truth.to_string()));
    spellings
}
