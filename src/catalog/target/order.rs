//! `order: none|key` and `key: <attribute or path>`: what may not overtake what.

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::transform::Select;

/// Where the key of an event is found; events of one key are delivered one at a time, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderKey {
    /// The attribute `partitionkey`, else `subject`.
    Usual,
    /// An attribute.
    Attribute(String),
    /// A path into the event.
    Path(Select),
}

/// Reads both keys; none if the target keeps no order.
pub(super) fn decode(fields: &Fields<'_>, issues: &mut Issues) -> Option<OrderKey> {
    let order = fields.word("order", &["none", "key"], &[], issues);
    let Some(key) = fields.text("key", issues) else {
        return (order == Some("key")).then_some(OrderKey::Usual);
    };
    if order != Some("key") {
        let detail = "`key` says what is kept in order, and nothing is";
        issues
            .push(Issue::new(fields.at("key"), "invalid-value", detail).with_correction("add `order: key`"));
        return None;
    }
    if key.starts_with('$') {
        return match Select::parse(key) {
            Ok(path) => Some(OrderKey::Path(path)),
            Err(error) => {
                let mut issue = Issue::new(fields.at("key"), error.code, error.detail);
                issue.correction = error.correction;
                issues.push(issue);
                None
            }
        };
    }
    let is_of_names = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if key.is_empty() || !key.bytes().all(is_of_names) {
        let detail = format!("`{key}` is neither the name of an attribute nor a path");
        issues.push(
            Issue::new(fields.at("key"), "invalid-value", detail)
                .with_correction("such as `subject` or `$.data.customer.id`"),
        );
        return None;
    }
    Some(OrderKey::Attribute(key.to_owned()))
}
