//! A target: one destination of one rule, with how it is to be delivered to.

mod decode;
mod headers;
mod webhook;

use std::time::Duration;

use super::names::TargetName;
use super::retry::RetryPolicy;

#[cfg(test)]
pub(super) use decode::KEYS;
#[cfg(test)]
pub(super) use webhook::KEYS as WEBHOOK_KEYS;

pub use webhook::Webhook;
pub use webhook::WebhookMode;

/// One destination of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Unique in its rule; with it, the name of a route.
    pub name: TargetName,
    /// Where to, and how.
    pub kind: TargetKind,
    /// When a failed delivery is tried again.
    pub retry: RetryPolicy,
    /// The deadline of one whole attempt, name resolution to last byte.
    pub timeout: Duration,
    /// Most attempts of the route in flight at once.
    pub concurrency: u32,
    /// A paused target keeps its backlog and is sent nothing.
    pub paused: bool,
}

/// The kinds of targets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// An HTTP call.
    Webhook(Webhook),
    /// Shown in the server's own log; always delivered.
    Echo,
}
