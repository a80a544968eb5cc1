//! Why an expression lets an event not pass.

use super::ast::Kind;
use super::ast::Node;
use super::ast::Operator;
use super::evaluate::Evaluation;
use super::expression::Expression;
use super::value::Value;
use crate::pattern::Scalar;

/// Characters of an attribute's value shown at most; the reader needs an idea.
const MAX_SHOWN: usize = 120;

/// The part of an expression that decided against an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// The attribute that it is about, if it names one.
    pub attribute: Option<String>,
    /// The text of the part.
    pub part: String,
    /// What the event has, or what went wrong.
    pub found: String,
}

impl Expression {
    /// The decisive part for an event; none if the event passes.
    #[must_use]
    pub fn explain(&self, attributes: &[(&str, Scalar<'_>)]) -> Option<Miss> {
        match Evaluation::in_words(attributes).of(&self.root) {
            Ok(Value::Boolean(true)) => None,
            Ok(Value::Boolean(false)) => {
                let part = decisive(&self.root, attributes);
                Some(self.miss(part, found(part, attributes)))
            }
            Ok(other) => {
                let found = format!("the value is {other}, {}, not a Boolean", other.kind());
                Some(self.miss(&self.root, found))
            }
            Err(failure) => {
                let span = failure.fault.span;
                let mut part = &self.root;
                self.root.walk(&mut |node| {
                    if node.span == span {
                        part = node;
                    }
                });
                let mut miss = self.miss(part, failure.fault.to_string());
                self.text
                    .get(span.start..span.end)
                    .unwrap_or_default()
                    .clone_into(&mut miss.part);
                Some(miss)
            }
        }
    }

    /// The conditions that the outermost `AND`s join, and how many of them an event meets.
    #[must_use]
    pub fn conditions(&self, attributes: &[(&str, Scalar<'_>)]) -> (usize, usize) {
        let joined: Vec<&Node> = match &self.root.kind {
            Kind::Chain { first, rest } if rest.iter().all(|(operator, _)| *operator == Operator::And) => {
                let rest = rest.iter().map(|(_, node)| node);
                std::iter::once(first.as_ref()).chain(rest).collect()
            }
            _ => vec![&self.root],
        };
        let holds = |node: &&&Node| {
            let value = Evaluation::new(attributes).of(node);
            value.is_ok_and(|value| value.boolean() == Some(true))
        };
        (joined.len(), joined.iter().filter(holds).count())
    }

    /// The names of the attributes that it looks at, each once.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        names(&self.root)
    }

    fn miss(&self, node: &Node, found: String) -> Miss {
        let text = self.text.get(node.span.start..node.span.end);
        Miss {
            attribute: names(node).first().map(|name| (*name).to_owned()),
            part: text.unwrap_or_default().to_owned(),
            found,
        }
    }
}

/// The smallest part whose being false makes the whole false.
fn decisive<'n>(node: &'n Node, attributes: &[(&str, Scalar<'_>)]) -> &'n Node {
    let Kind::Chain { first, rest } = &node.kind else {
        return node;
    };
    let is_false = |node: &Node| {
        let value = Evaluation::new(attributes).of(node);
        value.is_ok_and(|value| value.boolean() == Some(false))
    };
    // Behind the last OR or XOR every operand must hold; before it they stand for one another.
    let behind = rest
        .iter()
        .rev()
        .take_while(|(operator, _)| *operator == Operator::And)
        .count();
    let operands = rest.iter().skip(rest.len() - behind).map(|(_, node)| node);
    let first = (behind == rest.len()).then_some(first.as_ref());
    let failed = first.into_iter().chain(operands).find(|node| is_false(node));
    failed.map_or(node, |failed| decisive(failed, attributes))
}

/// The attributes that a part names and what they are.
fn found(node: &Node, attributes: &[(&str, Scalar<'_>)]) -> String {
    let shown = names(node).into_iter().map(|name| {
        let value = attributes.iter().find(|(own, _)| *own == name);
        match value {
            None => format!("no {name}"),
            Some((_, value)) => {
                let text = Value::from(*value).to_string();
                let cut = text.chars().count() > MAX_SHOWN;
                let text: String = text.chars().take(MAX_SHOWN).collect();
                format!("{name} = {text}{}", if cut { "…" } else { "" })
            }
        }
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() {
        return "false for every event".to_owned();
    }
    shown.join(", ")
}

/// The attributes that a part names, each once.
fn names(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    node.walk(&mut |node| {
        if let Kind::Attribute(name) | Kind::Exists(name) = &node.kind
            && !names.contains(&name.as_str())
        {
            names.push(name.as_str());
        }
    });
    names
}
