//! Paths through schemas, as consumers see them.

mod breaks;
mod drafts;
mod fields;
mod hostile;

use serde_json::Value;

use super::Step;
use super::UsedPath;

/// A path such as `a.b[*]..c`.
fn used(text: &str) -> UsedPath {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            steps.push(Step::AnyElement);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Descend);
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(Step::Member(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    UsedPath {
        steps,
        flatten: false,
        wants: None,
    }
}

/// How the step from one schema to the other breaks a path; `""` for not at all.
fn broken(old: &Value, new: &Value, path: &UsedPath) -> &'static str {
    let found = super::breaks(old, new, std::slice::from_ref(path));
    match found.as_slice() {
        [] => "",
        [one] => match one.reason {
            super::BreakReason::Removed => "removed",
            super::BreakReason::Retyped => "retyped",
            super::BreakReason::MayBeMissing => "may-be-missing",
        },
        several => panic!("{several:?}"),
    }
}
