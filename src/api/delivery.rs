//! Deliveries, routes, dead letters and jobs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::schemas::ValidateReply;

/// One attempt to deliver an event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptReply {
    /// Its number, from 1; starts again after a redrive.
    pub n: u32,
    /// When it started, RFC 3339.
    pub at: String,
    /// How it ended: `ok`, `timeout`, `connect_error`, `http_503`, …
    pub class: String,
    /// Status the target answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// How long its phases took, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<PhasesReply>,
    /// Headers of the answer that hold no secrets, with the response.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The start of what the target answered, for the first failure and the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// When the next attempt is due, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<String>,
}

/// The phases of one attempt, milliseconds each; one that did not take place is left out, as are
/// the first three on a connection that was there already.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PhasesReply {
    /// Resolving the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<u32>,
    /// Connecting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<u32>,
    /// Agreeing on TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<u32>,
    /// From the connection to the first byte of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<u32>,
}

/// The fate of one event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveriesReply {
    /// The event's number on its bus.
    pub sequence: u64,
    /// The ruleset that decided; 0 when the event is no longer kept.
    pub generation: u64,
    /// Every route it was accepted for.
    pub routes: Vec<DeliveryReply>,
    /// The ten nearest misses among the present rules.
    pub not_matched: Vec<NotMatched>,
    /// Records of it have been retired.
    pub partial: bool,
    /// What the schema of its type, as it is now, says about its data; left out if there is none or nobody asks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<ValidateReply>,
}

/// One event on one route.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryReply {
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// `pending`, `retrying`, `held`, `delivered`, `dead` or `dropped`.
    pub state: String,
    /// Every attempt so far.
    pub attempts: Vec<AttemptReply>,
    /// Why it is dead or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why it is dead or dropped, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A rule that did not match, and the condition that decided it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NotMatched {
    /// Name of the rule.
    pub rule: String,
    /// The field that was looked at.
    pub path: String,
    /// What is asked of it; of an expression, the part that decided.
    pub expected: String,
    /// What the event has there.
    pub found: String,
}

/// What a route is doing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteReply {
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// `active`, `paused`, `disabled` or `held`.
    pub state: String,
    /// Why it is not active: `rule-paused`, `target-paused`, `throttled`, `gone`, `retries-full`,
    /// `storage-full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The circuit breaker: `closed`, `open` or `half_open`.
    pub circuit: String,
    /// What is known of the broker, if the target has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<RouteBroker>,
    /// Events that wait and were not tried yet.
    pub backlog: u64,
    /// Attempts running now.
    pub in_flight: usize,
    /// Deliveries waiting for their next attempt.
    pub retrying: usize,
    /// Open dead letters.
    pub dead: u64,
    /// Deliveries that succeeded since the server started.
    pub delivered: u64,
    /// How busy it is.
    pub rates: RouteRates,
    /// When the oldest undelivered event was accepted, RFC 3339.
    pub oldest_at: Option<String>,
}

/// What is known of the broker of a route.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteBroker {
    /// `connected`, `idle` or `failed`.
    pub state: String,
    /// Why it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How busy a route is: over the last half minute, a second.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteRates {
    /// Attempts that ended.
    pub attempts: f64,
    /// Those of them that failed.
    pub failures: f64,
}

/// What to test a target with.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteTestRequest {
    /// An event in the CloudEvents JSON format; a plain one of the type `tramline.test` if left out.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub event: Option<Box<RawValue>>,
}

/// How a test of a target ended. What the target answered beside its status is not told.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteTestReply {
    /// How it ended, as of an attempt: `ok`, `timeout`, `egress_blocked`, `http_503`, …
    pub class: String,
    /// Status the target answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// What happened, in a sentence.
    pub reason: String,
}

/// The route to send an event over once more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
}

/// Another route to give dead letters to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveTo {
    /// Name of its bus, `default` if left out; letters of other buses stay as they are and count as failed.
    #[serde(default)]
    pub bus: Option<String>,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
}

/// All open routes, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteList {
    /// The routes by bus, rule and target.
    pub items: Vec<RouteReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// A delivery that ended without success, with its event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterReply {
    /// Its id.
    pub id: String,
    /// Name of the bus.
    pub bus: String,
    /// Name of the rule.
    pub rule: String,
    /// Name of the target.
    pub target: String,
    /// Sequence of the event.
    pub sequence: u64,
    /// The event as it was accepted, in the CloudEvents JSON format.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// Stable code of the reason.
    pub code: String,
    /// The reason in words.
    pub reason: String,
    /// Every attempt that was charged.
    pub attempts: Vec<AttemptReply>,
    /// When the first attempt was made, RFC 3339.
    pub first_at: String,
    /// When the last attempt was made, RFC 3339.
    pub last_at: String,
}

/// Some dead letters.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    /// The letters by route and sequence.
    pub items: Vec<DeadLetterReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}

/// Which dead letters to give back to their routes.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    /// Which letters; all of them when it is empty.
    #[serde(default)]
    pub filter: LetterFilter,
    /// Another route of the same bus, instead of the letters' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<RedriveTo>,
    /// With the present transform of the rule, not with the one that was in force when the event was accepted.
    #[serde(default)]
    pub retransform: bool,
    /// Not faster than this: `100/s`, `60/m` or `10/h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Only say how many there are.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which dead letters to give up, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardRequest {
    /// Which letters; all of them when it is empty.
    pub filter: LetterFilter,
    /// Why, to be read in the timeline of each event; up to 1,000 characters.
    pub reason: String,
    /// Only say how many there are.
    #[serde(default)]
    pub dry_run: bool,
}

/// Names dead letters; a field left out means all.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterFilter {
    /// These letters.
    pub ids: Option<Vec<String>>,
    /// On this bus.
    pub bus: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this target.
    pub target: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// Whose last attempt was at or after, RFC 3339.
    pub since: Option<String>,
    /// Whose last attempt was before, RFC 3339.
    pub until: Option<String>,
}

/// A job: work that goes on after its request was answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JobReply {
    /// Its id; empty for a dry run.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// `running`, `done`, `cancelled` or `failed`.
    pub state: String,
    /// Dead letters it has in all.
    pub total: u64,
    /// Letters that are done.
    pub done: u64,
    /// Letters that could not be done, because their route is gone or somebody else was first.
    pub failed: u64,
    /// When it was accepted, RFC 3339; none for a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why it was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The jobs that are remembered, a page at a time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The newest first.
    pub items: Vec<JobReply>,
    /// Pass it as `cursor` to go on.
    pub next_cursor: Option<String>,
}
