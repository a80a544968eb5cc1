//! What goes over the line under `/confluent`, in the words of Confluent's Schema Registry.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// An error.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorReply {
    /// The status and, where there is one, the number of the case behind it.
    pub error_code: u32,
    /// What happened and how to mend it.
    pub message: String,
}

/// A schema that is to be registered, looked up or checked.
#[derive(Debug, Default, Deserialize)]
pub struct SchemaRequest {
    /// The schema as a text.
    pub schema: Option<String>,
    /// The language of the schema; AVRO when it is left out.
    #[serde(rename = "schemaType")]
    pub kind: Option<String>,
    /// Other versions that the schema names.
    pub references: Option<Vec<Reference>>,
    /// What is said about the schema beside it.
    pub metadata: Option<Value>,
    /// What clients do with data.
    #[serde(rename = "ruleSet")]
    pub rule_set: Option<Value>,
    /// The id that the schema must have.
    pub id: Option<i64>,
    /// The number that the version must have.
    pub version: Option<i64>,
}

/// Another version that a schema names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What the schema names it by.
    pub name: String,
    /// Whose version it is.
    pub subject: String,
    /// Its number; -1 is the latest.
    pub version: i64,
}

/// A version that is registered.
#[derive(Debug, Serialize, Deserialize)]
pub struct RegisteredReply {
    /// Its number among all versions of all subjects.
    pub id: u64,
    /// Its number among the versions of the subject.
    pub version: u32,
    /// The same for the same text on every server.
    pub guid: String,
}

/// A version with its schema.
#[derive(Debug, Serialize, Deserialize)]
pub struct VersionReply {
    /// Whose version it is.
    pub subject: String,
    /// Its number among the versions of the subject.
    pub version: u32,
    /// Its number among all versions of all subjects.
    pub id: u64,
    /// The same for the same text on every server.
    pub guid: String,
    /// Always `JSON`.
    #[serde(rename = "schemaType")]
    pub kind: String,
    /// Other versions that the schema names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The schema as a text.
    pub schema: String,
    /// The highest id of all, for those who asked.
    #[serde(default, rename = "maxId", skip_serializing_if = "Option::is_none")]
    pub max_id: Option<u64>,
}

/// Where a schema is registered.
#[derive(Debug, Serialize, Deserialize)]
pub struct SubjectVersion {
    /// Whose version it is.
    pub subject: String,
    /// Its number among the versions of the subject.
    pub version: u32,
}

/// Whether a schema may follow.
#[derive(Debug, Serialize, Deserialize)]
pub struct CompatibilityReply {
    /// Whether it is proved that it may.
    pub is_compatible: bool,
    /// Why it may not, for those who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<String>>,
}

/// The compatibility level in force.
#[derive(Debug, Serialize, Deserialize)]
pub struct LevelReply {
    /// Such as `BACKWARD`.
    #[serde(rename = "compatibilityLevel")]
    pub level: String,
}

/// The compatibility level that was set.
#[derive(Debug, Serialize, Deserialize)]
pub struct LevelSet {
    /// Such as `BACKWARD`.
    #[serde(rename = "compatibility")]
    pub level: String,
}

/// A compatibility level to set.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelRequest {
    /// Such as `BACKWARD`.
    pub compatibility: Option<String>,
    /// The same by another name.
    pub compatibility_level: Option<String>,
    /// Another subject that stands for this one.
    pub alias: Option<Value>,
    /// The member of the metadata that divides versions into groups.
    pub compatibility_group: Option<Value>,
    /// Metadata for versions that have none.
    pub default_metadata: Option<Value>,
    /// Metadata for all versions.
    pub override_metadata: Option<Value>,
    /// Rules for versions that have none.
    pub default_rule_set: Option<Value>,
    /// Rules for all versions.
    pub override_rule_set: Option<Value>,
}

/// Whether the registry takes schemas.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mode {
    /// Always `READWRITE`.
    pub mode: String,
}
