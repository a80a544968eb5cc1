//! CESQL, the `CloudEvents` SQL expression language, version 1.0.
//!
//! ```text
//! type LIKE 'com.example.%' AND EXISTS subject
//! ```
//!
//! An expression sees the context attributes of an event, never its data. It is total: whatever the
//! event, an evaluation ends soon with a value, and maybe a [`Fault`]. As a filter it passes only
//! events for which the value is the Boolean true and there is no fault. What the specification leaves
//! open is decided so:
//!
//! * Evaluation fails fast: the first fault ends it, and every operator around it yields its zero.
//! * `AND`, `OR` and `XOR` bind alike, from left to right: `a OR b AND c` is `(a OR b) AND c`.
//! * `NOT` binds tightest: `NOT a = b` is `(NOT a) = b`.
//! * In a string a backslash that escapes nothing stands for itself; in `LIKE` it escapes `%` and `_`.
//! * Arithmetic that leaves 32 bits yields the nearest integer and a math fault.
//!
//! [`Expression::access`] says what an event must at least have to pass, for a rule set.

mod access;
mod ast;
mod budget;
mod error;
mod evaluate;
mod explain;
mod expression;
mod function;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod like;
mod parse;
mod suggest;
#[cfg(test)]
mod tests;
mod token;
mod value;

pub use error::Fault;
pub use error::FaultKind;
pub use error::ParseError;
pub use explain::Miss;
pub use expression::Expression;
pub use expression::Outcome;
pub use value::Type;
pub use value::Value;
