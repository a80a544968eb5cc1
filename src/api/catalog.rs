//! The types of events as consumers look for them.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::ToSchema;

/// A type of events: seen, registered or declared.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogEntry {
    /// The event type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The buses on which it was seen, or declared by a source.
    pub buses: Vec<String>,
    /// The owner of the first source that has one.
    pub owner: Option<String>,
    /// The owners of all sources.
    pub owners: Vec<String>,
    /// What its schema says about it.
    pub description: Option<String>,
    /// Its schema.
    pub schema: Option<CatalogSchema>,
    /// The fields that the schema declares.
    pub fields: Vec<CatalogField>,
    /// A real event.
    pub example: Option<CatalogExample>,
    /// Who emits it.
    pub sources: Vec<CatalogSource>,
    /// Rules that may match it, at most 100.
    pub rules: Vec<CatalogRule>,
    /// Events seen by this server: those of its newest 100,000 on each bus when it started, and all since.
    pub count: u64,
    /// Events per second over the last minute.
    pub rate: f64,
    /// When the first of them was accepted.
    pub first_seen: Option<String>,
    /// When the last one was.
    pub last_seen: Option<String>,
}

/// The schema of a type.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogSchema {
    /// Number of its newest version; null when it has none.
    pub version: Option<u32>,
    /// Path of that document.
    pub url: Option<String>,
    /// How it is kept and used: `compatibility`, `policy`, `validation`, `description`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// A field that a schema declares.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogField {
    /// Where it is in the event, such as `$.data.items[*].sku`.
    pub path: String,
    /// The types that its values may have.
    pub types: Vec<String>,
    /// Whether every object that may hold it must hold it.
    pub required: bool,
    /// What the schema says about it in words.
    pub description: Option<String>,
}

/// Data of a real event, without what some rule masks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogExample {
    /// The event's bus.
    pub bus: String,
    /// Its number there.
    pub sequence: u64,
    /// Its data.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A source of a type.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogSource {
    /// Its bus.
    pub bus: String,
    /// The `source` of its events, or how it begins followed by `*`.
    pub source: String,
    /// Its name, if it is registered.
    pub name: Option<String>,
    /// Its owner, if it is registered with one.
    pub owner: Option<String>,
    /// Events seen.
    pub count: u64,
}

/// A rule that may match a type.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CatalogRule {
    /// Its bus.
    pub bus: String,
    /// Its name.
    pub rule: String,
    /// The paths of the event that it uses.
    pub paths: Vec<String>,
}

/// The types of events, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogList {
    /// The types, ascending.
    pub items: Vec<CatalogEntry>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}
