//! The `match` of a rule, in one of three languages.
//!
//! | `match` | language |
//! |---|---|
//! | `{sql: "type = 'a'"}`: `sql` is a string | CESQL 1.0 |
//! | `{filters: [{prefix: {type: a}}]}`: a list of objects that name a dialect | filters of the `CloudEvents` Subscriptions API |
//! | anything else | event pattern |
//!
//! Patterns look into the payload; the other two see attributes only. An event without the attribute
//! that a filter names does not meet it, and so meets its `not`; in CESQL a missing attribute is a
//! fault, and with a fault no event passes.

mod error;
mod explain;
mod language;
mod read;
mod subscriptions;
#[cfg(test)]
mod tests;

pub use error::MatchError;
pub use explain::nearest_misses;
pub use language::Match;
pub use subscriptions::Filters;
