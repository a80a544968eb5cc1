//! Event patterns: which events a rule wants, and the engine that finds the rules of an event.
//!
//! A pattern is a JSON object. Its top level names `CloudEvents` attributes; `data` holds the
//! payload. Every leaf is a non-empty list of alternatives of which one must hold; all leaves
//! must hold:
//!
//! ```json
//! { "type": ["order.created"], "data": { "total": [{ "numeric": [">", 100] }] } }
//! ```
//!
//! * A dotted key is a nested one, in patterns and in events: `{"a.b": [1]}` is `{"a": {"b": [1]}}`.
//! * An array gives its scalar elements to its own path. Fields inside one array of objects must
//!   be met by the *same* element (`consistency.rs` says it exactly).
//! * Numbers are compared as IEEE doubles when a double can hold what was written, else by
//!   spelling (`number.rs`).
//! * `{"exists": false}` sees only the array elements chosen by fields whose path sorts before its
//!   own.
//! * A key that an event repeats offers both its values, unless reading ended before.
//! * `$or`, `$and` and `$not` combine patterns (`combine.rs`).
//!
//! Rules of other languages share the set: see [`Filter`].
//!
//! [`Pattern::parse`] reads a pattern, [`RuleSet`] matches many of them at once, [`explain()`] says
//! why one does not match, and [`naive`] is the obvious interpreter that the fast one must equal.

mod address;
mod check;
mod combine;
mod complexity;
mod condition;
mod consistency;
mod elements;
mod error;
mod explain;
mod expression;
mod filter;
mod fold;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod glob;
mod index;
mod layer;
pub mod naive;
mod number;
mod occurrences;
mod operators;
mod parse;
mod payload;
mod ruleset;
mod scan;
mod search;
mod skip;
#[cfg(test)]
mod tests;
mod trie;
mod view;
mod words;

pub use error::PatternError;
pub use explain::Explanation;
pub use explain::FailedCondition;
pub use explain::NearMiss;
pub use explain::explain;
pub use explain::nearest_misses;
pub use filter::Access;
pub use filter::Filter;
pub use filter::Residual;
pub use parse::MAX_COMPLEXITY;
pub use parse::Pattern;
pub use payload::PayloadField;
pub use ruleset::RuleSet;
pub use view::EventView;
pub use view::Scalar;
