//! Who publishes and what it looks like: schemas of event types, sources of buses, what buses refuse.

mod bus_settings;
mod entry;
mod references;
mod settings;
mod source;
mod url;

pub use bus_settings::BusSettings;
pub use entry::SchemaEntry;
pub use entry::SchemaVersion;
pub use entry::Versions;
pub use entry::parse_document;
pub use references::refer_by_url;
pub use references::references;
pub use settings::SchemaSettings;
pub use settings::Validation;
pub use source::RegisteredSource;
pub use url::Origins;
pub use url::version_path;

#[cfg(test)]
mod tests;
