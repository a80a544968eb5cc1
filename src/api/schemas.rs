//! Schemas and their versions, and verdicts on documents and data.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The schema of an event type.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaReply {
    /// The event type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Number of this state of it, never used again; also its `ETag`. A new version changes it too.
    pub revision: u64,
    /// Number of its newest version; null when it has none.
    pub latest: Option<u32>,
    /// Its versions, ascending; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Vec<VersionReply>>,
    /// How it is kept and used: `compatibility`, `policy`, `validation`, `description`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// The schemas, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SchemaList {
    /// The schemas by event type.
    pub items: Vec<SchemaReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// A version of a schema, without its document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VersionReply {
    /// The event type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its number among the versions of the type.
    pub version: u32,
    /// Its number among all versions of all types.
    pub id: u64,
    /// Path of the document, with which events (`dataschema`) and other schemas (`$ref`) may name it.
    pub url: String,
}

/// The versions of a schema, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// The versions, ascending.
    pub items: Vec<VersionReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// Whether a document may follow the versions of a schema.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckReply {
    /// Whether it is proved that it may, or undecided and `accept_undecided` was said.
    pub compatible: bool,
    /// `compatible`, `incompatible` or `undecided`.
    pub verdict: String,
    /// Why it may not; at least one unless compatible.
    pub reasons: Vec<ReasonReply>,
    /// What of the rules on all buses it would break.
    pub breaks: Vec<BreakReply>,
    /// How many of the last 1,000 events of the type violate it.
    pub violations: ViolationsReply,
}

/// A version just registered, or one that says the same.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisteredReply {
    /// The version.
    #[serde(flatten)]
    pub version: VersionReply,
    /// What of the rules on all buses it breaks.
    pub breaks: Vec<BreakReply>,
    /// How many of the last 1,000 events of the type violate it.
    pub violations: ViolationsReply,
}

/// A path of a rule that a new version breaks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BreakReply {
    /// The bus of the rule.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// JSON pointer into the rule, to what uses the path.
    pub place: String,
    /// The path from the event, such as `$.data.items[*].sku`.
    pub path: String,
    /// `removed`, `retyped` or `may-be-missing`.
    pub reason: String,
    /// The same in a sentence.
    pub detail: String,
}

/// How many of the newest events of a type violate a schema.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ViolationsReply {
    /// Events that were judged.
    pub checked: u64,
    /// Those that violate it.
    pub failed: u64,
    /// The newest of those, at most 5.
    pub samples: Vec<FailingEvent>,
}

/// An event that violates a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FailingEvent {
    /// Its bus.
    pub bus: String,
    /// Its number there.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// What is wrong with it, at most 10.
    pub errors: Vec<SchemaViolation>,
}

/// Which events to propose a schema from.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InferRequest {
    /// Events of one bus; by default of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus: Option<String>,
    /// The first one: a time (RFC 3339), a sequence (of `bus`, else of `default`), or `earliest`; by default the
    /// newest are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<Value>,
    /// Those before this time or sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Value>,
    /// How many, from 1 to 100,000; by default 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<usize>,
}

/// A schema proposed from real events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InferReply {
    /// A JSON Schema that accepts all of them.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// Events that were looked at.
    pub events: u64,
    /// Whether these are all that were asked for.
    pub complete: bool,
    /// What was seen of each field.
    #[schema(value_type = Object)]
    pub statistics: Value,
    /// The version that `drift` compares with; null when there is none.
    pub version: Option<u32>,
    /// How the events differ from that version.
    #[schema(value_type = Vec<Object>)]
    pub drift: Vec<Value>,
}

/// Why a document may not follow a version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReasonReply {
    /// `backward`: the new version refuses what the old one accepts; `forward`: the reverse.
    pub direction: String,
    /// The version it was compared with.
    pub version: Option<u32>,
    /// JSON pointer to the keyword in the schema that refuses.
    pub pointer: String,
    /// JSON pointer to the culprit inside data; `*` stands for any member or item.
    pub path: String,
    /// A stable name of what changed, such as `required-added`.
    pub rule: String,
    /// What the old version says there.
    pub old: String,
    /// What the new version says there.
    pub new: String,
    /// The reason as a sentence.
    pub detail: String,
    /// Data that one version accepts and the other refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub counter_example: Option<Value>,
}

/// A document that may not follow the versions of a schema.
#[derive(Debug, Serialize, ToSchema)]
pub struct Incompatible {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: CheckReply,
}

/// A verdict on data.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ValidateReply {
    /// Whether the data is valid.
    pub valid: bool,
    /// The version that said so.
    pub version: u32,
    /// What is wrong with it, at most 100.
    pub errors: Vec<SchemaViolation>,
}

/// One way in which data violates a schema.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchemaViolation {
    /// JSON pointer to the culprit inside the data; empty for the data itself.
    pub pointer: String,
    /// The keyword that it violates, such as `required`; `not-json` for data that is none.
    pub code: String,
    /// The same.
    pub keyword: String,
    /// JSON pointer to the keyword inside the schema, references followed.
    pub schema_pointer: String,
    /// The violation in words.
    pub detail: String,
}
