//! The target kind `function`: a call whose answer may be events of its own.

use serde_json::Value;

use super::lambda::Lambda;
use super::webhook;
use super::webhook::Webhook;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::BusName;

/// A function, by where it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Function {
    /// Behind a URL.
    Http(HttpFunction),
    /// In AWS Lambda.
    Lambda(Lambda),
}

/// A function behind a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFunction {
    /// How it is called.
    pub call: Webhook,
    /// What becomes of the events it answers with.
    pub reply: ReplyTo,
}

/// What becomes of the events that a function answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyTo {
    /// They are not looked at.
    Nobody,
    /// They are published to this bus.
    Bus(BusName),
    /// They are published to the bus of the rule.
    OwnBus,
}

const KINDS: &[&str] = &["http", "lambda"];
const LATER_KINDS: &[&str] = &["wasm"];
/// Keys of a function behind a URL beside those of a webhook.
pub(in crate::catalog) const MORE_KEYS: &[&str] = &["reply", "bus"];

impl Function {
    /// Reads a function and reports everything wrong with it.
    pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`function`", issues)?;
        fields.only(KINDS, LATER_KINDS, issues);
        match (fields.find("http"), fields.find("lambda")) {
            (Some(value), None) => {
                return HttpFunction::decode(value, &fields.at("http"), issues).map(Self::Http);
            }
            (None, Some(value)) => {
                return Lambda::decode(value, &fields.at("lambda"), issues).map(Self::Lambda);
            }
            (Some(_), Some(_)) => {
                let detail = "a function runs in one place: `http` or `lambda`, not both";
                issues.push(Issue::new(pointer, "invalid-target", detail));
            }
            (None, None) if LATER_KINDS.iter().any(|kind| fields.find(kind).is_some()) => {}
            (None, None) => {
                let detail = "a function needs where it runs: `http` or `lambda`";
                issues.push(
                    Issue::new(pointer, "missing-field", detail)
                        .with_correction("add `http: { url: \"https://…\" }`"),
                );
            }
        }
        None
    }
}

impl HttpFunction {
    fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let fields = Fields::of(value, pointer, "`http`", issues)?;
        fields.only(&[webhook::KEYS, MORE_KEYS].concat(), &[], issues);
        let reply = reply_to(&fields, issues);
        Some(Self {
            call: Webhook::decode_fields(&fields, issues)?,
            reply,
        })
    }
}

fn reply_to(fields: &Fields<'_>, issues: &mut Issues) -> ReplyTo {
    let is_routed = fields.word("reply", &["ignore", "route"], &[], issues) == Some("route");
    let Some(name) = fields.text("bus", issues) else {
        return if is_routed {
            ReplyTo::OwnBus
        } else {
            ReplyTo::Nobody
        };
    };
    if !is_routed {
        let detail = "`bus` says where replies go, and they are not routed";
        issues.push(
            Issue::new(fields.at("bus"), "invalid-value", detail).with_correction("add `reply: route`"),
        );
        return ReplyTo::Nobody;
    }
    match BusName::parse(name) {
        Ok(name) if name.is_system() => {
            let detail = format!("only the server publishes to the bus `{name}`");
            issues.push(Issue::new(fields.at("bus"), "reserved-bus", detail));
            ReplyTo::OwnBus
        }
        Ok(name) => ReplyTo::Bus(name),
        Err(error) => {
            issues.push(Issue::new(fields.at("bus"), "invalid-name", error.to_string()));
            ReplyTo::OwnBus
        }
    }
}
