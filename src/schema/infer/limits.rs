//! The limits that a schema sets to numbers and to the lengths of strings.

use std::cmp::Ordering;

use serde_json::Number;
use serde_json::Value;

use super::numbers::compare;
use super::statistics::Field;

/// What a field exceeds, each in a sentence; all these schemas apply to it.
pub(super) fn exceeded(field: &Field, schemas: &[&Value]) -> Vec<String> {
    let mut found = Vec::new();
    let path = &field.path;
    if let (Some(limit), Some(min)) = (limit(schemas, Side::Low), &field.min)
        && limit.excludes(min, Ordering::Less)
    {
        found.push(format!(
            "field `{path}` goes down to {min}; the schema says {} {}",
            if limit.is_exclusive {
                "more than"
            } else {
                "at least"
            },
            limit.number
        ));
    }
    if let (Some(limit), Some(max)) = (limit(schemas, Side::High), &field.max)
        && limit.excludes(max, Ordering::Greater)
    {
        found.push(format!(
            "field `{path}` goes up to {max}; the schema says {} {}",
            if limit.is_exclusive {
                "less than"
            } else {
                "at most"
            },
            limit.number
        ));
    }
    let lengths = |keyword: &'static str| {
        schemas
            .iter()
            .filter_map(move |schema| whole(schema.get(keyword)?))
    };
    if let (Some(limit), Some(len)) = (lengths("minLength").max(), field.min_length)
        && len < limit
    {
        found.push(format!(
            "field `{path}` has strings of {len} characters; the schema says at least {limit}"
        ));
    }
    if let (Some(limit), Some(len)) = (lengths("maxLength").min(), field.max_length)
        && len > limit
    {
        found.push(format!(
            "field `{path}` has strings of {len} characters; the schema says at most {limit}"
        ));
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

struct Limit<'a> {
    number: &'a Number,
    is_exclusive: bool,
}

impl Limit<'_> {
    fn excludes(&self, number: &Number, outside: Ordering) -> bool {
        let order = compare(number, self.number);
        order == outside || (order == Ordering::Equal && self.is_exclusive)
    }
}

/// The tightest limit on this side.
fn limit<'a>(schemas: &[&'a Value], side: Side) -> Option<Limit<'a>> {
    let (plain, exclusive) = match side {
        Side::Low => ("minimum", "exclusiveMinimum"),
        Side::High => ("maximum", "exclusiveMaximum"),
    };
    let mut found: Option<Limit<'a>> = None;
    for schema in schemas {
        let own = |keyword: &str, is_exclusive| match schema.get(keyword) {
            Some(Value::Number(number)) => Some(Limit { number, is_exclusive }),
            _ => None,
        };
        // Draft 4 says beside the limit whether it is exclusive.
        let is_exclusive = schema.get(exclusive) == Some(&Value::Bool(true));
        for limit in [own(plain, is_exclusive), own(exclusive, true)]
            .into_iter()
            .flatten()
        {
            let is_tighter = found.as_ref().is_none_or(|found| {
                let order = compare(limit.number, found.number);
                let order = if side == Side::Low { order } else { order.reverse() };
                order.is_gt() || (order.is_eq() && limit.is_exclusive)
            });
            if is_tighter {
                found = Some(limit);
            }
        }
    }
    found
}

/// A length as a number, whatever its spelling.
fn whole(value: &Value) -> Option<u64> {
    if let Some(len) = value.as_u64() {
        return Some(len);
    }
    let len = value
        .as_f64()
        .filter(|len| len.fract() == 0.0 && (0.0..1e15).contains(len))?;
    format!("{len:.0}").parse().ok()
}
