//! The functions of the language.

use std::borrow::Cow;

use super::budget::Budget;
use super::error::FaultKind;
use super::value::Type;
use super::value::Value;

/// A function with its arguments' number settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Length,
    Concat,
    ConcatWs,
    Lower,
    Upper,
    Trim,
    Left,
    Right,
    Substring,
    Abs,
    Int,
    Bool,
    String,
}

/// Name, and how many arguments it takes at least and at most.
const FUNCTIONS: [(&str, Function, usize, usize); 13] = [
    ("ABS", Function::Abs, 1, 1),
    ("BOOL", Function::Bool, 1, 1),
    ("CONCAT", Function::Concat, 0, usize::MAX),
    ("CONCAT_WS", Function::ConcatWs, 1, usize::MAX),
    ("INT", Function::Int, 1, 1),
    ("LEFT", Function::Left, 2, 2),
    ("LENGTH", Function::Length, 1, 1),
    ("LOWER", Function::Lower, 1, 1),
    ("RIGHT", Function::Right, 2, 2),
    ("STRING", Function::String, 1, 1),
    ("SUBSTRING", Function::Substring, 2, 3),
    ("TRIM", Function::Trim, 1, 1),
    ("UPPER", Function::Upper, 1, 1),
];

/// What a call could not do, with the value that it yields all the same.
pub(super) struct Failed<'a> {
    pub(super) kind: FaultKind,
    pub(super) detail: &'static str,
    pub(super) value: Value<'a>,
}

impl Function {
    /// The function of this name, in any case, that takes so many arguments.
    pub(super) fn find(name: &str, arguments: usize) -> Option<Self> {
        FUNCTIONS
            .into_iter()
            .find(|(own, _, least, most)| {
                own.eq_ignore_ascii_case(name) && (*least..=*most).contains(&arguments)
            })
            .map(|(_, function, ..)| function)
    }

    /// The names of all functions.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.into_iter().map(|(name, ..)| name)
    }

    /// How many arguments the function of this name takes, in words; none if there is no such name.
    pub(super) fn arity(name: &str) -> Option<String> {
        let (_, _, least, most) = FUNCTIONS
            .into_iter()
            .find(|(own, ..)| own.eq_ignore_ascii_case(name))?;
        let plural = if least == 1 { "" } else { "s" };
        Some(match most {
            usize::MAX => format!("at least {least} argument{plural}"),
            _ if most == least => format!("{least} argument{plural}"),
            _ => format!("{least} to {most} arguments"),
        })
    }

    /// The type of what it yields.
    pub(super) const fn result(self) -> Type {
        match self {
            Self::Length | Self::Abs | Self::Int => Type::Integer,
            Self::Bool => Type::Boolean,
            _ => Type::String,
        }
    }

    /// The type that an argument is cast to; none if any will do.
    pub(super) const fn parameter(self, index: usize) -> Option<Type> {
        match (self, index) {
            (Self::Int | Self::Bool | Self::String, _) => None,
            (Self::Abs, _) | (Self::Left | Self::Right | Self::Substring, 1..) => Some(Type::Integer),
            _ => Some(Type::String),
        }
    }

    /// Calls it with arguments that are of the parameters' types.
    pub(super) fn call<'a>(
        self,
        arguments: Vec<Value<'a>>,
        budget: &mut Budget,
    ) -> Result<Value<'a>, Failed<'a>> {
        for argument in &arguments {
            if let Value::String(text) = argument {
                budget.spend(text.len()).map_err(|_| self.exhausted())?;
            }
        }
        let mut arguments = arguments.into_iter();
        if matches!(self, Self::Concat | Self::ConcatWs) {
            return self.concat(arguments, budget).map(Value::String);
        }
        let Some(first) = arguments.next() else {
            return Ok(self.result().zero());
        };
        let mut numbers = arguments.filter_map(|value| value.integer());
        match self {
            Self::Int => first.integer().map(Value::Integer).ok_or(Failed {
                kind: FaultKind::Cast,
                detail: "the text is not an integer of 32 bits",
                value: Value::Integer(0),
            }),
            Self::Bool => first.boolean().map(Value::Boolean).ok_or(Failed {
                kind: FaultKind::Cast,
                detail: "the text is neither true nor false",
                value: Value::Boolean(false),
            }),
            Self::Abs => absolute(first.integer().unwrap_or_default()),
            Self::String => Ok(Value::String(first.into_text())),
            Self::Length => {
                let length = first.into_text().chars().count();
                Ok(Value::Integer(i32::try_from(length).unwrap_or(i32::MAX)))
            }
            Self::Lower => Ok(Value::String(first.into_text().to_lowercase().into())),
            Self::Upper => Ok(Value::String(first.into_text().to_uppercase().into())),
            Self::Trim => Ok(Value::String(map(first.into_text(), |text| {
                let trimmed = text.trim();
                let start = text.len() - text.trim_start().len();
                (start, start + trimmed.len())
            }))),
            Self::Left | Self::Right => self.end(first.into_text(), numbers.next().unwrap_or_default()),
            Self::Substring => {
                let position = numbers.next().unwrap_or_default();
                substring(first.into_text(), position, numbers.next())
            }
            Self::Concat | Self::ConcatWs => Ok(self.result().zero()),
        }
    }

    fn concat<'a>(
        self,
        arguments: impl Iterator<Item = Value<'a>>,
        budget: &mut Budget,
    ) -> Result<Cow<'a, str>, Failed<'a>> {
        let mut texts = arguments.map(Value::into_text);
        let delimiter = match self {
            Self::ConcatWs => texts.next().unwrap_or_default(),
            _ => Cow::Borrowed(""),
        };
        let texts: Vec<_> = texts.collect();
        let delimiters = delimiter.len().saturating_mul(texts.len());
        budget.spend(delimiters).map_err(|_| self.exhausted())?;
        Ok(texts.join(&delimiter).into())
    }

    /// `LEFT` and `RIGHT`.
    fn end(self, text: Cow<'_, str>, length: i32) -> Result<Value<'_>, Failed<'_>> {
        let Ok(length) = usize::try_from(length) else {
            return Err(Failed {
                kind: FaultKind::FunctionEvaluation,
                detail: "the length is negative",
                value: Value::String(text),
            });
        };
        Ok(Value::String(map(text, |text| {
            let end = text.len();
            match self {
                Self::Left => (0, text.char_indices().nth(length).map_or(end, |(at, _)| at)),
                _ if length == 0 => (end, end),
                _ => {
                    let start = text.char_indices().rev().nth(length - 1);
                    (start.map_or(0, |(at, _)| at), end)
                }
            }
        })))
    }

    fn exhausted<'a>(self) -> Failed<'a> {
        Failed {
            kind: FaultKind::Generic,
            detail: "the texts are too large to work on",
            value: self.result().zero(),
        }
    }
}

fn absolute<'a>(number: i32) -> Result<Value<'a>, Failed<'a>> {
    number.checked_abs().map(Value::Integer).ok_or(Failed {
        kind: FaultKind::Math,
        detail: "the result does not fit into 32 bits",
        value: Value::Integer(i32::MAX),
    })
}

/// Characters from a position, which counts from 1, or from the end if it is negative.
fn substring(text: Cow<'_, str>, position: i32, length: Option<i32>) -> Result<Value<'_>, Failed<'_>> {
    let failed = |detail| {
        Err(Failed {
            kind: FaultKind::FunctionEvaluation,
            detail,
            value: Type::String.zero(),
        })
    };
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let position = i64::from(position);
    if position > count || position < -count {
        return failed("the position is beyond the text");
    }
    let Ok(length) = length.map_or(Ok(usize::MAX), usize::try_from) else {
        return failed("the length is negative");
    };
    if position == 0 {
        return Ok(Type::String.zero());
    }
    let skipped = if position > 0 {
        position - 1
    } else {
        count + position
    };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    Ok(Value::String(map(text, |text| {
        let at = |text: &str, index| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
        let start = at(text, skipped);
        let end = start + at(text.get(start..).unwrap_or_default(), length);
        (start, end)
    })))
}

/// A part of a text, borrowed where the text is.
fn map(text: Cow<'_, str>, part: impl FnOnce(&str) -> (usize, usize)) -> Cow<'_, str> {
    let (start, end) = part(&text);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..end).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(start..end).unwrap_or_default().to_owned()),
    }
}
