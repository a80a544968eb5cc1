//! JSON with holes.

use serde_json::Value;

use super::error::Reason;
use super::error::TransformError;
use super::error::child;
use super::expression::Expression;
use super::limits::Budget;
use super::path::Quotes;
use super::scope::Scope;

/// A JSON value with expressions in its strings, parsed.
///
/// What an expression yields is placed into the value, never parsed again, so that no event can
/// break the JSON around it.
#[derive(Debug, Clone)]
pub(super) enum Template {
    /// A value without expressions.
    Constant(Value),
    /// A string that is one expression: the value with its type.
    Value(Expression),
    /// A string with expressions in it.
    Text(Vec<Piece>),
    /// A list with expressions somewhere inside.
    List(Vec<Template>),
    /// An object with expressions somewhere inside.
    Object(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text as it is.
    Literal(String),
    /// A value to be written out.
    Hole(Expression),
}

impl Template {
    /// Reads a template; problems are added to `errors`. Nesting must be bounded by the caller.
    pub(super) fn parse(value: &Value, pointer: &str, errors: &mut Vec<TransformError>) -> Self {
        match value {
            Value::String(text) => match pieces(text, pointer) {
                Ok(pieces) => Self::of_pieces(pieces),
                Err(error) => {
                    errors.push(error);
                    Self::Constant(Value::Null)
                }
            },
            Value::Array(elements) => Self::List(
                elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| Self::parse(element, &format!("{pointer}/{index}"), errors))
                    .collect(),
            ),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.clone(), Self::parse(member, &child(pointer, key), errors)))
                    .collect(),
            ),
            scalar => Self::Constant(scalar.clone()),
        }
    }

    fn of_pieces(mut pieces: Vec<Piece>) -> Self {
        match (pieces.pop(), pieces.is_empty()) {
            (None, _) => Self::Constant(Value::from("")),
            (Some(Piece::Literal(text)), true) => Self::Constant(text.into()),
            (Some(Piece::Hole(expression)), true) => Self::Value(expression),
            (Some(last), false) => {
                pieces.push(last);
                Self::Text(pieces)
            }
        }
    }

    /// A string of these pieces, even if it is one expression alone.
    pub(super) fn of_text(pieces: Vec<Piece>) -> Self {
        Self::Text(pieces)
    }

    /// How many expressions the template holds.
    pub(super) fn expressions(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Value(_) => 1,
            Self::Text(pieces) => pieces
                .iter()
                .filter(|piece| matches!(piece, Piece::Hole(_)))
                .count(),
            Self::List(elements) => elements.iter().map(Self::expressions).sum(),
            Self::Object(members) => members.iter().map(|(_, member)| member.expressions()).sum(),
        }
    }

    /// Fills in the values of an event.
    ///
    /// # Errors
    /// The reason, if the values are larger than the budget.
    pub(super) fn render(&self, scope: &Scope<'_>, budget: &mut Budget) -> Result<Value, Reason> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Value(expression) => expression.evaluate(scope, budget),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Hole(expression) => match expression.evaluate(scope, budget)? {
                            Value::String(value) => text.push_str(&value),
                            value => text.push_str(&value.to_string()),
                        },
                    }
                }
                Ok(text.into())
            }
            Self::List(elements) => elements
                .iter()
                .map(|element| element.render(scope, budget))
                .collect(),
            Self::Object(members) => members
                .iter()
                .map(|(key, member)| Ok((key.clone(), member.render(scope, budget)?)))
                .collect(),
        }
    }
}

/// Takes a string of a template apart.
fn pieces(text: &str, pointer: &str) -> Result<Vec<Piece>, TransformError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            literal.push_str(before);
            literal.push_str("${");
            rest = after;
            continue;
        }
        literal.push_str(before);
        let (inside, after) = close(after).ok_or_else(|| {
            TransformError::new(
                pointer,
                "unclosed-expression",
                format!("${{{after} lacks its closing brace"),
            )
            .corrected("write $${ for a literal ${")
        })?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Hole(Expression::parse(inside, pointer)?));
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// Splits at the brace that closes an expression, which may hold braces of its own.
fn close(text: &str) -> Option<(&str, &str)> {
    let mut quotes = Quotes::default();
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            _ if quotes.inside(c) => {}
            '{' => open += 1,
            '}' if open == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}
