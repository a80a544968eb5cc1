//! Paths through the documents of a schema: which fields it declares, and what a new version breaks.
//!
//! Everything here reads a schema that was accepted as a document: of bounded size and depth. Local references
//! are followed as the validator follows them: by pointer, anchor, and `$id`. What depends on values, such as
//! `if`, counts as a choice between what may apply.

mod allowed;
mod breaks;
pub(in crate::schema) mod fields;
pub(in crate::schema) mod inside;
pub(in crate::schema) mod keywords;
mod patterns;
pub(in crate::schema) mod places;
mod pointer;
pub(in crate::schema) mod shape;
pub(in crate::schema) mod shapes;
pub(in crate::schema) mod step;
#[cfg(test)]
mod tests;
mod types;
mod within;

pub use breaks::Break;
pub use breaks::BreakReason;
pub use breaks::UsedPath;
pub use breaks::breaks;
pub use fields::FieldInfo;
pub use fields::MAX_FIELDS;
pub use fields::fields;
pub use step::Step;
pub use step::member;
pub use types::TypeSet;
