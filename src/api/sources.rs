//! Sources.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::ToSchema;

/// A registered source.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SourceReply {
    /// Its bus.
    pub bus: String,
    /// Its name.
    pub name: String,
    /// Number of this version of it, never used again; also its `ETag`.
    pub revision: u64,
    /// The source itself: `source`, `types`, `owner`, `description`, `contact`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub source: Map<String, Value>,
}

/// The sources of a bus, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SourceList {
    /// The sources by name.
    pub items: Vec<SourceReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}
