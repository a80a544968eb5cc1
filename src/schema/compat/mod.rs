//! Whether documents written with one version of a schema can be read with another.
//!
//! The question is about sets: is every document that is valid under the writer's schema valid under the
//! reader's? Both schemas are read into one form (module `node`); then a document is looked for that meets the one
//! and not the other (module `solve`). If it is proved that there is none, the versions are compatible; if one is
//! found, and both validators agree, they are not; else the answer is that it is undecided. Work is counted
//! in steps and bounded, so that the same question has the same answer everywhere.

mod automaton;
mod bench;
mod budget;
mod check;
mod declared;
mod explain;
mod node;
mod numbers;
mod patterns;
mod read;
mod rules;
mod search;
mod solve;
mod texts;
mod verdict;
mod world;

pub use check::check;
pub use check::check_against_versions;
pub use verdict::Answer;
pub use verdict::Compatibility;
pub use verdict::Direction;
pub use verdict::Policy;
pub use verdict::Reason;
pub use verdict::Verdict;

pub(super) use check::survey;

#[cfg(test)]
mod tests;
