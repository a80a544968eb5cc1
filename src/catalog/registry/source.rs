//! A registered source: who publishes under which `source`, and which types of events.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::decode::text;
use crate::catalog::issue::Issue;
use crate::catalog::names::SourceName;

const KEYS: &[&str] = &["name", "source", "owner", "description", "contact", "types"];
/// Most types that one source declares; a prefix stands for any number.
const MAX_TYPES: usize = 1_000;
/// Longest `source` or type, in bytes.
const MAX_LEN: usize = 1_024;

/// Who publishes to a bus under which `source`, and which types of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSource {
    /// Unique on its bus.
    pub name: SourceName,
    /// The `source` of its events, or how it begins followed by `*`.
    pub source: String,
    /// The types that it may emit, each whole or how it begins followed by `*`.
    pub types: Vec<String>,
    /// The source as it was given, without its name.
    pub spec: Arc<Value>,
}

impl RegisteredSource {
    /// Reads a source, given or stored.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &SourceName, given: &Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let read = Fields::of(given, "", "a source", &mut issues)
            .and_then(|fields| decode(name, &fields, given, &mut issues));
        issues.or(read)
    }

    /// The source as it is shown, without its name: every member, null where nothing was said.
    #[must_use]
    pub fn shown(&self) -> Map<String, Value> {
        let of = |key: &str| self.spec.get(key).cloned().unwrap_or_default();
        let mut shown = Map::new();
        shown.insert("source".to_owned(), self.source.clone().into());
        shown.insert("types".to_owned(), self.types.clone().into());
        for key in ["owner", "description", "contact"] {
            shown.insert(key.to_owned(), of(key));
        }
        shown
    }
}

fn decode(
    name: &SourceName,
    fields: &Fields<'_>,
    given: &Value,
    issues: &mut Issues,
) -> Option<RegisteredSource> {
    fields.only(KEYS, &[], issues);
    if let Some(inside) = fields.text("name", issues)
        && inside != name.as_str()
    {
        let detail = format!("the source is called `{inside}` inside and `{name}` outside");
        let issue = Issue::new(fields.at("name"), "name-mismatch", detail);
        issues.push(issue.with_correction("leave out `name`, or repeat it"));
    }
    for key in ["owner", "description", "contact"] {
        if fields.find(key).is_some_and(|value| !value.is_null()) {
            fields.text(key, issues);
        }
    }
    let types = fields.list("types", issues);
    if types.len() > MAX_TYPES {
        let detail = format!("a source declares at most {MAX_TYPES} types; a prefix stands for many");
        issues.push(Issue::new(fields.at("types"), "too-many-types", detail));
        return None;
    }
    let types = types
        .iter()
        .filter_map(|(at, value)| checked(text(value, at, "types", issues)?, at, issues))
        .collect();
    let source = fields
        .required("source", "source: /shop/*", issues)
        .and_then(|value| text(value, &fields.at("source"), "source", issues))
        .and_then(|source| checked(source, &fields.at("source"), issues))?;
    let mut spec = given.clone();
    if let Value::Object(members) = &mut spec {
        // Said by the place where it is stored.
        members.shift_remove("name");
    }
    Some(RegisteredSource {
        name: name.clone(),
        source,
        types,
        spec: Arc::new(spec),
    })
}

/// A text that may end in `*` and has none before.
fn checked(pattern: &str, at: &str, issues: &mut Issues) -> Option<String> {
    let stem = pattern.strip_suffix('*').unwrap_or(pattern);
    let wrong = if stem.contains('*') {
        "`*` stands only at the end"
    } else if pattern.is_empty() || pattern.len() > MAX_LEN {
        "it has 1 to 1,024 bytes"
    } else {
        return Some(pattern.to_owned());
    };
    issues.push(Issue::new(at, "invalid-value", wrong));
    None
}
