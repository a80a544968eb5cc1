//! What a pattern costs at most, in points, as the documentation of rules lists them.

use super::condition::Condition;
use super::parse::Clause;

/// The points of a field with its alternatives.
pub(super) fn of_clause(clause: &Clause) -> u64 {
    clause
        .alternatives
        .iter()
        .map(of_condition)
        .fold(1, u64::saturating_add)
}

fn of_condition(condition: &Condition) -> u64 {
    match condition {
        Condition::Null
        | Condition::Bool(_)
        | Condition::Number(_)
        | Condition::Exists
        | Condition::Absent
        | Condition::Present
        | Condition::Missing => 1,
        Condition::String(text) | Condition::Address(text, _) => 1 + length(text),
        Condition::Prefix(text)
        | Condition::Suffix(text)
        | Condition::EqualsIgnoreCase(text)
        | Condition::PrefixIgnoreCase(text)
        | Condition::SuffixIgnoreCase(text) => 2 + length(text),
        Condition::Cidr(_) | Condition::Numeric(_) => 2,
        Condition::Wildcard(glob) => 2 + 2 * count(glob.stars()) + length(glob.source()),
        // The machine of an expression can be thousands of times its text.
        Condition::Regex(expression) => 50 + count(expression.source().len()),
        Condition::AnythingBut(excluded) => excluded.iter().map(of_condition).fold(1, u64::saturating_add),
    }
}

/// A point for each 64 bytes: what is compared in one go.
fn length(text: &str) -> u64 {
    count(text.len() / 64)
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
