//! Health and status.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether the server takes events, check by check.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReadyReply {
    /// All checks hold.
    pub ready: bool,
    /// The checks by name.
    pub checks: Vec<Check>,
    /// What "accepted" means on this server.
    pub durability: String,
}

/// One condition of readiness.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What this server is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusReply {
    /// Version of the binary.
    pub version: String,
    /// Where the catalog is kept: `sqlite` or `postgres`.
    pub storage: String,
    /// What "accepted" means.
    pub durability: String,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Identity of the log.
    pub log: String,
    /// Bytes appended since the start.
    pub appended_bytes: u64,
    /// Groups synced since the start.
    pub synced_groups: u64,
    /// Segment files of the log.
    pub log_segments: usize,
    /// How far back duplicates are recognised, in seconds: shorter than ten minutes when a bus is
    /// very busy.
    pub dedup_window_seconds: u64,
}
