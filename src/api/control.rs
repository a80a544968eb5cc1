//! Buses, rules and plans.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::ToSchema;

/// A bus.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BusReply {
    /// Its name.
    pub name: String,
    /// Number of its ruleset; goes up with every change of its rules.
    pub generation: u64,
    /// How many rules it has.
    pub rules: usize,
    /// Sequence of its newest event, 0 when there is none.
    pub last_sequence: u64,
}

/// All buses, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BusList {
    /// The buses by name.
    pub items: Vec<BusReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// A rule as it was written, and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuleReply {
    /// Its bus.
    pub bus: String,
    /// Number of this revision of the rule, from 1; also its `ETag`.
    pub revision: u64,
    /// Generation of the bus since which this revision is in force.
    pub generation: u64,
    /// The file that owns the rule, if one does.
    pub owner: Option<String>,
    /// The rule itself: `name`, `description`, `match`, `transform`, `targets`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rule: Map<String, Value>,
}

/// The rules of a bus, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleList {
    /// The rules by name.
    pub items: Vec<RuleReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// What an apply did, or would do. Rules are named alone when all are on one bus, else `bus/rule`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanReply {
    /// Rules that are new.
    pub add: Vec<String>,
    /// Rules that change.
    pub change: Vec<String>,
    /// Rules that go.
    pub remove: Vec<String>,
    /// Rules that stay as they are.
    pub unchanged: Vec<String>,
    /// Buses that are created.
    pub buses: Vec<String>,
    /// Whether nothing was done.
    pub dry_run: bool,
}
