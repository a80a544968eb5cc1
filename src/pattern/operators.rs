//! Reading one alternative of a field: a literal, or an object with one operator.

use serde_json::Value;

use super::address::Network;
use super::address::address;
use super::condition::Condition;
use super::error::PatternError;
use super::error::child;
use super::expression::Expression;
use super::fold::folded;
use super::glob::Glob;
use super::glob::GlobError;
use super::number::Bound;
use super::number::Comparison;
use super::number::Number;

/// The operators a pattern may use.
pub(super) const OPERATORS: [&str; 11] = [
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
    "exactly",
    "regex",
    "present",
];

/// From this likeness on (Jaro-Winkler, 0 to 1), one word is taken for a misspelling of another.
const ALIKE: f64 = 0.8;

/// Reads an element of a field's list.
pub(super) fn condition(value: &Value, pointer: &str) -> Result<Condition, PatternError> {
    match value {
        Value::Null => Ok(Condition::Null),
        Value::Bool(value) => Ok(Condition::Bool(*value)),
        Value::Number(number) => Ok(Condition::Number(Number::new(number))),
        Value::String(text) => Ok(match address(text) {
            Some(address) => Condition::Address(text.clone(), address),
            None => Condition::String(text.clone()),
        }),
        Value::Array(_) => Err(PatternError::new(
            pointer,
            "nested-list",
            "a list of alternatives cannot hold another list",
        )
        .corrected("write the alternatives in one list")),
        Value::Object(_) => {
            let (name, operand) = single(value, pointer)?;
            operator(name, operand, &child(pointer, name))
        }
    }
}

fn available() -> String {
    format!("the operators are {}", OPERATORS.join(", "))
}

/// The one member of an operator object.
fn single<'v>(value: &'v Value, pointer: &str) -> Result<(&'v str, &'v Value), PatternError> {
    let mut members = value.as_object().into_iter().flatten();
    match (members.next(), members.next()) {
        (Some((name, operand)), None) => Ok((name, operand)),
        (None, _) => {
            Err(PatternError::new(pointer, "empty-object", "an operator is missing").corrected(available()))
        }
        _ => Err(PatternError::new(
            pointer,
            "several-operators",
            "an alternative is one operator, not several",
        )
        .corrected("write one object for each operator")),
    }
}

fn operator(name: &str, operand: &Value, pointer: &str) -> Result<Condition, PatternError> {
    match name {
        "prefix" => affix(
            name,
            operand,
            pointer,
            Condition::Prefix,
            Condition::PrefixIgnoreCase,
        ),
        "suffix" => affix(
            name,
            operand,
            pointer,
            Condition::Suffix,
            Condition::SuffixIgnoreCase,
        ),
        "exactly" => text(name, operand, pointer).map(|text| Condition::String(text.to_owned())),
        "equals-ignore-case" => {
            text(name, operand, pointer).map(|text| Condition::EqualsIgnoreCase(folded(text)))
        }
        "wildcard" => wildcard(text(name, operand, pointer)?, pointer),
        "regex" => Expression::parse(text(name, operand, pointer)?)
            .map(Condition::Regex)
            .map_err(|reason| PatternError::new(pointer, "invalid-regex", reason)),
        "cidr" => Network::parse(text(name, operand, pointer)?)
            .map(Condition::Cidr)
            .ok_or_else(|| {
                invalid(pointer, "cidr takes an address and the length of its network")
                    .corrected(r#"such as "10.0.0.0/8" or "2001:db8::/32""#)
            }),
        "numeric" => numeric(operand, pointer).map(Condition::Numeric),
        "anything-but" => anything_but(operand, pointer).map(Condition::AnythingBut),
        "exists" | "present" => match (name, operand) {
            ("exists", Value::Bool(true)) => Ok(Condition::Exists),
            ("exists", Value::Bool(false)) => Ok(Condition::Absent),
            ("present", Value::Bool(true)) => Ok(Condition::Present),
            ("present", Value::Bool(false)) => Ok(Condition::Missing),
            _ => Err(invalid(pointer, format!("{name} takes true or false"))),
        },
        _ => {
            let error = PatternError::new(
                pointer,
                "unknown-operator",
                format!("{name} is not an operator of patterns"),
            );
            Err(error.corrected(match nearest(name) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => available(),
            }))
        }
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |known: &&str| strsim::jaro_winkler(name, known);
    OPERATORS
        .into_iter()
        .filter(|known| likeness(known) >= ALIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

fn invalid(pointer: &str, detail: impl Into<String>) -> PatternError {
    PatternError::new(pointer, "invalid-operand", detail)
}

/// The operand of an operator that takes one string.
fn text<'v>(name: &str, operand: &'v Value, pointer: &str) -> Result<&'v str, PatternError> {
    match operand {
        Value::String(text) => Ok(text),
        Value::Array(_) => Err(invalid(pointer, format!("{name} takes one string"))
            .corrected(format!("write one {name} object for each string"))),
        _ => Err(invalid(pointer, format!("{name} takes a string"))),
    }
}

/// The operand of `prefix` or `suffix`: a string, or one whose case does not matter.
fn affix(
    name: &str,
    operand: &Value,
    pointer: &str,
    exact: fn(String) -> Condition,
    ignoring_case: fn(String) -> Condition,
) -> Result<Condition, PatternError> {
    if !operand.is_object() {
        return text(name, operand, pointer).map(|text| exact(text.to_owned()));
    }
    match single(operand, pointer)? {
        ("equals-ignore-case", inner) => {
            let pointer = child(pointer, "equals-ignore-case");
            text("equals-ignore-case", inner, &pointer).map(|text| ignoring_case(folded(text)))
        }
        (other, _) => Err(invalid(
            &child(pointer, other),
            format!("{name} takes a string or an equals-ignore-case, not {other}"),
        )),
    }
}

fn wildcard(source: &str, pointer: &str) -> Result<Condition, PatternError> {
    Glob::parse(source).map(Condition::Wildcard).map_err(|error| {
        let (detail, correction) = match error {
            GlobError::Stars => ("two stars in a row mean no more than one", "write one star"),
            GlobError::Escape => (
                "a backslash escapes only a star or a backslash",
                r"write `\\*` for a star and `\\\\` for a backslash",
            ),
        };
        PatternError::new(pointer, "invalid-wildcard", detail).corrected(correction)
    })
}

fn anything_but(operand: &Value, pointer: &str) -> Result<Vec<Condition>, PatternError> {
    let alternatives = match operand {
        Value::Object(_) => {
            let (name, operand) = single(operand, pointer)?;
            return excluded_forms(name, operand, &child(pointer, name));
        }
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let strings = !alternatives.is_empty() && alternatives.iter().all(Value::is_string);
    let numbers = !alternatives.is_empty() && alternatives.iter().all(Value::is_number);
    if !strings && !numbers {
        return Err(invalid(
            pointer,
            "anything-but takes a string, a number, a list of strings, a list of numbers, or a prefix, \
             suffix, equals-ignore-case or wildcard",
        ));
    }
    let literal = |value: &Value| match value {
        Value::String(text) => Ok(Condition::String(text.clone())),
        other => condition(other, pointer),
    };
    alternatives.iter().map(literal).collect()
}

/// The inside of `anything-but: {operator: text or texts}`.
///
/// An empty prefix or suffix would leave no string at all, and is refused.
fn excluded_forms(name: &str, operand: &Value, pointer: &str) -> Result<Vec<Condition>, PatternError> {
    if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
        return Err(invalid(
            pointer,
            format!("{name} cannot stand inside anything-but"),
        ));
    }
    let may_be_empty = !matches!(name, "prefix" | "suffix");
    let texts = match operand {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let usable = |text: &Value| text.as_str().is_some_and(|text| may_be_empty || !text.is_empty());
    if texts.is_empty() || !texts.iter().all(usable) {
        let kind = if may_be_empty {
            "strings"
        } else {
            "non-empty strings"
        };
        return Err(invalid(
            pointer,
            format!("{name} inside anything-but takes {kind}"),
        ));
    }
    texts.iter().map(|text| operator(name, text, pointer)).collect()
}

fn numeric(operand: &Value, pointer: &str) -> Result<Vec<Bound>, PatternError> {
    let malformed = || {
        invalid(pointer, "numeric takes one bound, or a lower and an upper one")
            .corrected(r#"such as [">", 0] or [">=", 0, "<", 10]"#)
    };
    let terms = operand.as_array().ok_or_else(malformed)?;
    let mut bounds = Vec::new();
    for term in terms.chunks(2) {
        let [Value::String(symbol), Value::Number(limit)] = term else {
            return Err(malformed());
        };
        let comparison = Comparison::parse(symbol).ok_or_else(malformed)?;
        bounds.push(Bound {
            comparison,
            limit: Number::new(limit),
        });
    }
    if let Some(bound) = bounds.iter().find(|bound| bound.limit.value().is_none()) {
        let detail = format!("{} is beyond the precision of a double", bound.limit);
        return Err(PatternError::new(pointer, "number-too-precise", detail));
    }
    match bounds.as_slice() {
        [_] => Ok(bounds),
        [lower, upper] => {
            use Comparison::{AtLeast, AtMost, Less, More};
            match (lower.comparison, upper.comparison) {
                (More | AtLeast, Less | AtMost) if lower.limit.value() < upper.limit.value() => Ok(bounds),
                (More | AtLeast, Less | AtMost) => {
                    Err(
                        PatternError::new(pointer, "empty-range", "no number is within these bounds")
                            .corrected("write the lower bound first, or = for a single number"),
                    )
                }
                _ => Err(malformed()),
            }
        }
        _ => Err(malformed()),
    }
}
