//! Who publishes and what it looks like: schemas of event types, sources of buses, what buses refuse.

mod bus_settings;
mod entry;
mod file;
mod references;
mod settings;
mod source;
mod url;
mod version;

pub use bus_settings::BusSettings;
pub use entry::SchemaEntry;
pub use file::SchemaFile;
pub use file::rules_file_of_schema;
pub use references::refer_by_url;
pub use references::references;
pub use settings::SchemaSettings;
pub use settings::Validation;
pub use source::RegisteredSource;
pub use url::Origins;
pub use url::version_path;
pub use version::CompiledSchema;
pub use version::SchemaVersion;
pub use version::Versions;
pub use version::parse_document;

#[cfg(test)]
mod tests;
