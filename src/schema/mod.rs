//! JSON Schema: documents, validators, whether one version may follow another and what it breaks, schemas
//! proposed from events, and their export. Pure; imports nothing of ours.

pub mod asyncapi;
pub mod compat;
mod cost;
mod document;
mod error;
pub mod infer;
mod number;
pub mod paths;
mod references;
mod same;
mod validator;

pub use document::MAX_DEPTH;
pub use document::MAX_LEN;
pub use document::SchemaDocument;
pub use error::SchemaError;
pub use references::NoReferences;
pub use references::References;
pub use same::same_content;
pub use validator::BREAKDOWN;
pub use validator::MAX_VIOLATIONS;
pub use validator::Validator;
pub use validator::Violation;

#[cfg(test)]
mod tests;
