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
    /// Whether it is proved that it may.
    pub compatible: bool,
    /// `compatible`, `incompatible` or `undecided`.
    pub verdict: String,
    /// Why it may not; at least one unless compatible.
    pub reasons: Vec<ReasonReply>,
    /// What on the buses it would break.
    #[schema(value_type = Vec<Object>)]
    pub breaks: Vec<Value>,
    /// How recent events of the type violate it.
    #[schema(value_type = Object)]
    pub violations: Map<String, Value>,
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
