//! Buses, rules and plans.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::value::RawValue;
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
    /// What it refuses: `unregistered_sources` and `undeclared_types`, each `accept` or `reject`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
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
    /// `active`, or `paused` by hand or by its own settings.
    #[serde(default)]
    pub state: String,
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

/// What an apply did, or would do. Rules are named alone when all are on one bus, else `bus/rule`; schemas as
/// `schemas/type`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanReply {
    /// Rules and schemas that are new.
    pub add: Vec<String>,
    /// Rules that change, and schemas that get a version or other settings.
    pub change: Vec<String>,
    /// Rules that go.
    pub remove: Vec<String>,
    /// Rules and schemas that stay as they are.
    pub unchanged: Vec<String>,
    /// Buses that are created.
    pub buses: Vec<String>,
    /// Whether nothing was done.
    pub dry_run: bool,
}

/// Rules to try on events: `rule` and `event`, or `rules` and `events`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTestRequest<'a> {
    /// One rule.
    #[serde(default)]
    pub rule: Option<TriedRule>,
    /// One event, or any subset of its attributes.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Object>)]
    pub event: Option<&'a RawValue>,
    /// Many rules.
    #[serde(default)]
    pub rules: Option<Vec<TriedRule>>,
    /// Many events.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<Object>>)]
    pub events: Option<Vec<&'a RawValue>>,
}

/// As much of a rule as can be tried.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TriedRule {
    /// Its name; its place in the list if left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Which events it matches: an event pattern, `{"sql": …}` or `{"filters": […]}`.
    #[serde(rename = "match")]
    #[schema(value_type = Object)]
    pub pattern: Value,
    /// The transform.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub transform: Option<Value>,
    /// Its targets, whose transforms are tried too; their kinds are not looked at.
    #[serde(default)]
    pub targets: Vec<TriedTarget>,
}

/// As much of a target as can be tried.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TriedTarget {
    /// Its name.
    pub name: String,
    /// Its own transform, which works on what the rule's made.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub transform: Option<Value>,
}

/// What would happen; one form for one rule, one for many.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RuleTestReply {
    /// One rule was tried on one event.
    One(Box<RuleTried>),
    /// Many were tried on many.
    Many(RulesTried),
}

/// One rule tried on one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleTried {
    /// Whether it matches.
    pub matched: bool,
    /// What the rule's transform makes; null without a match, or when the transform fails.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Value>,
    /// Why the transform fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What each target would get, or `{"error": …}`; only if the rule was sent with targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outputs: Option<BTreeMap<String, Value>>,
    /// Why it matches or not.
    pub explain: RuleExplained,
    /// What matching costs at most, in points.
    pub complexity: u64,
}

/// The condition that decided; only `matched` when all of them hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleExplained {
    /// Whether the rule matches.
    pub matched: bool,
    /// The field that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is asked of it; of an expression, the part that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What the event has there; of an expression, also what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// JSON pointer to the condition in the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// Many rules tried on many events.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesTried {
    /// One result an event, in the order sent.
    pub results: Vec<EventTried>,
}

/// Many rules tried on one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTried {
    /// Names of the rules that match, in the order of the rules.
    pub matched: Vec<String>,
    /// What the transform of each makes, if any of the rules has a transform.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outputs: Option<BTreeMap<String, Box<RawValue>>>,
}
