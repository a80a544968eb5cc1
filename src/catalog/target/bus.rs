//! The target kind `bus`: another bus of this server.

use serde_json::Value;

use super::function::ReplyTo;
use crate::catalog::decode;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::BusName;

/// Reads the name of a bus, or an object that has it; whether there is one is known where all of them are.
pub(super) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<ReplyTo> {
    let (text, at) = if value.is_object() {
        let fields = Fields::of(value, pointer, "`bus`", issues)?;
        fields.only(&["name"], &[], issues);
        fields.required("name", "name: audit", issues)?;
        (fields.text("name", issues)?, fields.at("name"))
    } else {
        (decode::text(value, pointer, "bus", issues)?, pointer.to_owned())
    };
    match BusName::parse(text) {
        Ok(name) if name.is_system() => {
            let detail = format!("only the server publishes to the bus `{name}`");
            issues.push(Issue::new(at, "reserved-bus", detail));
            None
        }
        Ok(name) => Some(ReplyTo::Bus(name)),
        Err(error) => {
            issues.push(Issue::new(at, "invalid-name", error.to_string()));
            None
        }
    }
}
