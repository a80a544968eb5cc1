//! Connections.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::ToSchema;

/// A connection as it was written, with `{"set": true}` in place of every secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConnectionReply {
    /// Its name.
    pub name: String,
    /// Number of this version of it, never used again; also its `ETag`.
    pub revision: u64,
    /// Rules that name it, as `bus/rule`, at most 100.
    pub used_by: Vec<String>,
    /// The connection itself: `description`, `basic` or another way to prove who calls, `mtls`, `headers`, `query`, `body`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub connection: Map<String, Value>,
}

/// The connections, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectionList {
    /// The connections by name.
    pub items: Vec<ConnectionReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}
