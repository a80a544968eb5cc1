//! Event types and their schemas as an `AsyncAPI` 3 document.

mod circles;
mod data;
mod document;
mod hoist;
mod names;
#[cfg(test)]
mod tests;

pub use document::Info;
pub use document::MessageInfo;
pub use document::PayloadSchema;
pub use document::document;
pub use document::schema_format;
pub use hoist::HoistError;
