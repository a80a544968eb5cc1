//! Reading one alternative of a field: a literal, or an object with one operator.

use serde_json::Value;

use super::condition::Condition;
use super::error::PatternError;
use super::error::child;
use super::number::Bound;
use super::number::Comparison;
use super::number::Number;

/// The operators a pattern may use.
const AVAILABLE: [&str; 5] = ["prefix", "suffix", "anything-but", "numeric", "exists"];

/// Operators of the language that this engine does not have: named apart from misspellings.
const UNAVAILABLE: [&str; 6] = [
    "equals-ignore-case",
    "wildcard",
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
        Value::String(text) => Ok(Condition::String(text.clone())),
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

/// The error of an operator that the engine does not have.
pub(super) fn unavailable(name: &str, pointer: &str) -> PatternError {
    PatternError::new(
        pointer,
        "unsupported-operator",
        format!("operator {name} is not available"),
    )
    .corrected(available())
}

fn available() -> String {
    format!("the operators are {}", AVAILABLE.join(", "))
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
        "prefix" => text(name, operand, pointer).map(Condition::Prefix),
        "suffix" => text(name, operand, pointer).map(Condition::Suffix),
        "numeric" => numeric(operand, pointer).map(Condition::Numeric),
        "anything-but" => anything_but(operand, pointer).map(Condition::AnythingBut),
        "exists" => match operand {
            Value::Bool(true) => Ok(Condition::Exists),
            Value::Bool(false) => Ok(Condition::Absent),
            _ => Err(invalid(pointer, "exists takes true or false")),
        },
        _ if UNAVAILABLE.contains(&name) => Err(unavailable(name, pointer)),
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
    AVAILABLE
        .into_iter()
        .filter(|known| likeness(known) >= ALIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

fn invalid(pointer: &str, detail: impl Into<String>) -> PatternError {
    PatternError::new(pointer, "invalid-operand", detail)
}

/// The operand of `prefix` or `suffix` standing alone.
fn text(name: &str, operand: &Value, pointer: &str) -> Result<String, PatternError> {
    match operand {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => Err(invalid(pointer, format!("{name} takes one string"))
            .corrected(format!("write one {name} object for each string"))),
        Value::Object(inner) if inner.contains_key("equals-ignore-case") => Err(unavailable(
            "equals-ignore-case",
            &child(pointer, "equals-ignore-case"),
        )),
        _ => Err(invalid(pointer, format!("{name} takes a string"))),
    }
}

fn anything_but(operand: &Value, pointer: &str) -> Result<Vec<Condition>, PatternError> {
    let alternatives = match operand {
        Value::Object(_) => {
            let (name, operand) = single(operand, pointer)?;
            return affixes(name, operand, &child(pointer, name));
        }
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let strings = !alternatives.is_empty() && alternatives.iter().all(Value::is_string);
    let numbers = !alternatives.is_empty() && alternatives.iter().all(Value::is_number);
    if !strings && !numbers {
        return Err(invalid(
            pointer,
            "anything-but takes a string, a number, a list of strings, a list of numbers, or a prefix or suffix",
        ));
    }
    alternatives
        .iter()
        .map(|value| condition(value, pointer))
        .collect()
}

/// The inside of `anything-but: {prefix | suffix: text or texts}`, where an empty text would leave
/// no string at all.
fn affixes(name: &str, operand: &Value, pointer: &str) -> Result<Vec<Condition>, PatternError> {
    let affix = match name {
        "prefix" => Condition::Prefix,
        "suffix" => Condition::Suffix,
        _ if UNAVAILABLE.contains(&name) => return Err(unavailable(name, pointer)),
        _ => {
            return Err(invalid(
                pointer,
                format!("{name} cannot stand inside anything-but"),
            ));
        }
    };
    let texts = match operand {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let usable = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
    if texts.is_empty() || !texts.iter().all(usable) {
        return Err(invalid(
            pointer,
            format!("{name} inside anything-but takes non-empty strings"),
        ));
    }
    Ok(texts
        .iter()
        .filter_map(Value::as_str)
        .map(|text| affix(text.to_owned()))
        .collect())
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
