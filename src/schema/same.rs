//! When two documents say the same: equal as JSON, numbers by value, members in any order.

use serde_json::Number;
use serde_json::Value;

use super::number::exact;

/// Whether both are the same JSON: the order of members does not count, and `1` equals `1.0`.
///
/// Recursion is as deep as the shallower value; both come from a reader that bounds the depth.
#[must_use]
pub fn same_content(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_content(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same_content(a, b)))
        }
        (a, b) => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    match (exact(a), exact(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => a == b,
        _ => false,
    }
}
