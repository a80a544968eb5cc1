//! The value of an expression for an event.

use super::ast::Kind;
use super::ast::Node;
use super::ast::Operator;
use super::ast::Span;
use super::budget::Budget;
use super::error::Fault;
use super::error::FaultKind;
use super::function::Function;
use super::value::Type;
use super::value::Value;
use crate::pattern::Scalar;

/// One run over the tree of an expression.
pub(super) struct Evaluation<'a> {
    attributes: &'a [(&'a str, Scalar<'a>)],
    budget: Budget,
    /// Whether somebody reads the details of a fault.
    in_words: bool,
}

/// A value that did not come about in the ordinary way.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    pub(super) fault: Fault,
    pub(super) value: Value<'a>,
}

/// A value, or a fault with the value that stands for it.
pub(super) type Evaluated<'a> = Result<Value<'a>, Failure<'a>>;

impl Failure<'_> {
    /// The same fault, seen from an operator that yields its zero.
    fn zero(self, kind: Type) -> Self {
        Self {
            value: kind.zero(),
            ..self
        }
    }
}

impl<'a> Evaluation<'a> {
    /// A run that says no more than which kind of fault there is.
    pub(super) const fn new(attributes: &'a [(&'a str, Scalar<'a>)]) -> Self {
        Self {
            attributes,
            budget: Budget::of_evaluation(),
            in_words: false,
        }
    }

    /// A run for people.
    pub(super) const fn in_words(attributes: &'a [(&'a str, Scalar<'a>)]) -> Self {
        Self {
            in_words: true,
            ..Self::new(attributes)
        }
    }

    /// The value of a node.
    pub(super) fn of(&mut self, node: &'a Node) -> Evaluated<'a> {
        let span = node.span;
        match &node.kind {
            Kind::Literal(literal) => Ok(literal.value()),
            Kind::Attribute(name) => self.find(name).map(Value::from).ok_or_else(|| Failure {
                fault: self.fault(span, FaultKind::MissingAttribute, || {
                    format!("the event has no `{name}`")
                }),
                value: Value::Boolean(false),
            }),
            Kind::Exists(name) => Ok(Value::Boolean(self.find(name).is_some())),
            Kind::Not(operand) => self.not(operand).map(Value::Boolean),
            Kind::Minus(operand) => {
                let number = self.integer(operand)?;
                self.fits(i64::from(number).checked_neg(), span)
            }
            Kind::Like {
                operand,
                pattern,
                negated,
            } => {
                let value = self.of(operand).map_err(|failure| failure.zero(Type::Boolean))?;
                let found = pattern.accepts(&value.into_text(), &mut self.budget);
                match found {
                    Ok(found) => Ok(Value::Boolean(found != *negated)),
                    Err(_) => Err(self.exhausted(span)),
                }
            }
            Kind::In {
                operand,
                set,
                negated,
            } => {
                let found = self.is_in(operand, set);
                found
                    .map(|found| Value::Boolean(found != *negated))
                    .map_err(|failure| failure.zero(Type::Boolean))
            }
            Kind::Chain { first, rest } => self.chain(first, rest),
            Kind::Call {
                name,
                function,
                arguments,
            } => match function {
                Some(function) => self.call(*function, arguments, span),
                None => Err(Failure {
                    fault: self.fault(span, FaultKind::MissingFunction, || {
                        format!("there is no {name} with {} arguments", arguments.len())
                    }),
                    value: Value::Boolean(false),
                }),
            },
        }
    }

    fn find(&self, name: &str) -> Option<Scalar<'a>> {
        let found = self.attributes.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| *value)
    }

    fn fault(&self, span: Span, kind: FaultKind, detail: impl FnOnce() -> String) -> Fault {
        Fault {
            kind,
            detail: if self.in_words { detail() } else { String::new() },
            span,
        }
    }

    fn exhausted(&self, span: Span) -> Failure<'a> {
        Failure {
            fault: self.fault(span, FaultKind::Generic, || {
                "the texts are too large to work on".to_owned()
            }),
            value: Type::Boolean.zero(),
        }
    }

    /// `NOT`: the conformance cases want true besides the fault where the operand is an integer.
    fn not(&mut self, operand: &'a Node) -> Result<bool, Failure<'a>> {
        let value = self.of(operand).map_err(|failure| failure.zero(Type::Boolean))?;
        if let Value::Integer(_) = value {
            let mut failure = self.not_castable(&value, Type::Boolean, operand.span);
            failure.value = Value::Boolean(true);
            return Err(failure);
        }
        self.cast(value, Type::Boolean, operand.span)
            .map(|value| value == Value::Boolean(false))
    }

    /// A value as one of another type; a failure is the zero of that type.
    fn cast(&self, value: Value<'a>, kind: Type, span: Span) -> Evaluated<'a> {
        if value.kind() == kind {
            return Ok(value);
        }
        let shown = if self.in_words { Some(value.clone()) } else { None };
        value.cast(kind).ok_or_else(|| {
            let shown = shown.unwrap_or(kind.zero());
            self.not_castable(&shown, kind, span)
        })
    }

    fn not_castable(&self, value: &Value<'_>, kind: Type, span: Span) -> Failure<'a> {
        Failure {
            fault: self.fault(span, FaultKind::Cast, || format!("{value} cannot be {kind}")),
            value: kind.zero(),
        }
    }

    fn integer(&mut self, node: &'a Node) -> Result<i32, Failure<'a>> {
        let value = self.of(node).map_err(|failure| failure.zero(Type::Integer))?;
        let value = self.cast(value, Type::Integer, node.span)?;
        Ok(value.integer().unwrap_or_default())
    }

    fn boolean(&mut self, node: &'a Node) -> Result<bool, Failure<'a>> {
        let value = self.of(node)?;
        let value = self.cast(value, Type::Boolean, node.span)?;
        Ok(value == Value::Boolean(true))
    }

    /// The integer that a calculation yields, or the nearest one that there is.
    fn fits(&self, result: Option<i64>, span: Span) -> Evaluated<'a> {
        let result = result.unwrap_or(i64::MAX);
        i32::try_from(result).map(Value::Integer).map_err(|_| Failure {
            fault: self.fault(span, FaultKind::Math, || {
                format!("{result} is not an integer of 32 bits")
            }),
            value: Value::Integer(if result < 0 { i32::MIN } else { i32::MAX }),
        })
    }

    /// Whether the operand is one of the set, whose elements are cast to the operand's type.
    fn is_in(&mut self, operand: &'a Node, set: &'a [Node]) -> Result<bool, Failure<'a>> {
        let wanted = self.of(operand)?;
        for node in set {
            let element = self.of(node)?;
            if self.cast(element, wanted.kind(), node.span)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn chain(&mut self, first: &'a Node, rest: &'a [(Operator, Node)]) -> Evaluated<'a> {
        let mut left = self.of(first);
        let mut span = first.span;
        for (operator, right) in rest {
            let result = operator.result();
            let value = left.map_err(|failure| failure.zero(result))?;
            left = self.apply(*operator, (value, span), right);
            span.end = right.span.end;
        }
        left
    }

    /// One operator, its left operand known, its right one evaluated if it matters.
    fn apply(
        &mut self,
        operator: Operator,
        (left, left_span): (Value<'a>, Span),
        right: &'a Node,
    ) -> Evaluated<'a> {
        let right_end = right.span.end;
        let zero = |failure: Failure<'a>| failure.zero(operator.result());
        match operator {
            Operator::And | Operator::Or | Operator::Xor => {
                let left = self.cast(left, Type::Boolean, left_span).map_err(zero)?;
                let left = left == Value::Boolean(true);
                let truth = match operator {
                    Operator::And if !left => Ok(false),
                    Operator::Or if left => Ok(true),
                    Operator::And | Operator::Or => self.boolean(right),
                    _ => self.boolean(right).map(|right| left != right),
                };
                truth.map(Value::Boolean).map_err(zero)
            }
            Operator::Equal | Operator::NotEqual => {
                let right = self.of(right).map_err(zero)?;
                let left = self.cast(left, right.kind(), left_span).map_err(zero)?;
                Ok(Value::Boolean((left == right) == (operator == Operator::Equal)))
            }
            _ => {
                let left = self.cast(left, Type::Integer, left_span).map_err(zero)?;
                let left = i64::from(left.integer().unwrap_or_default());
                let right = i64::from(self.integer(right).map_err(zero)?);
                let span = Span {
                    start: left_span.start,
                    end: right_end,
                };
                self.calculate(operator, left, right, span)
            }
        }
    }

    /// Comparison and arithmetic of two integers of 32 bits, for which 64 always suffice.
    fn calculate(&self, operator: Operator, left: i64, right: i64, span: Span) -> Evaluated<'a> {
        let truth = |truth| Ok(Value::Boolean(truth));
        match operator {
            Operator::Less => truth(left < right),
            Operator::LessOrEqual => truth(left <= right),
            Operator::Greater => truth(left > right),
            Operator::GreaterOrEqual => truth(left >= right),
            Operator::Multiply => self.fits(left.checked_mul(right), span),
            Operator::Add => self.fits(left.checked_add(right), span),
            Operator::Subtract => self.fits(left.checked_sub(right), span),
            Operator::Divide | Operator::Modulo if right == 0 => Err(Failure {
                fault: self.fault(span, FaultKind::Math, || "the divisor is 0".to_owned()),
                value: Value::Integer(0),
            }),
            Operator::Divide => self.fits(left.checked_div(right), span),
            _ => self.fits(left.checked_rem(right), span),
        }
    }

    fn call(&mut self, function: Function, nodes: &'a [Node], span: Span) -> Evaluated<'a> {
        let mut arguments = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let value = self.of(node).and_then(|value| match function.parameter(index) {
                Some(kind) => self.cast(value, kind, node.span),
                None => Ok(value),
            });
            arguments.push(value.map_err(|failure| failure.zero(function.result()))?);
        }
        function
            .call(arguments, &mut self.budget)
            .map_err(|failed| Failure {
                fault: self.fault(span, failed.kind, || failed.detail.to_owned()),
                value: failed.value,
            })
    }
}
