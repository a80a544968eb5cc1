//! A schema in a request, and the document that it stands for.

use std::collections::HashMap;

use serde_json::Value;

use super::refusal::Case;
use super::refusal::Refusal;
use crate::api::confluent::Reference;
use crate::api::confluent::SchemaRequest;
use crate::catalog::EventType;
use crate::catalog::View;
use crate::catalog::refer_by_url;
use crate::schema::MAX_LEN;

/// The text of the document, with URLs where the schema refers to others by names of its own.
///
/// # Errors
/// What cannot be kept, and references that lead nowhere.
pub(super) fn document(view: &View, request: SchemaRequest) -> Result<String, Refusal> {
    let invalid = |message: String| Refusal::new(Case::InvalidSchema, message);
    let kind = request.kind.as_deref().unwrap_or("AVRO");
    if !kind.eq_ignore_ascii_case("JSON") {
        let message = format!("{kind} is not kept here, only JSON Schema: send `schemaType: \"JSON\"`");
        return Err(invalid(message));
    }
    for (member, given) in [("metadata", &request.metadata), ("ruleSet", &request.rule_set)] {
        if given.as_ref().is_some_and(says_something) {
            return Err(invalid(format!("`{member}` cannot be kept here; leave it out")));
        }
    }
    if [request.id, request.version]
        .into_iter()
        .flatten()
        .any(|number| number > 0)
    {
        let message = "ids and version numbers are given out here and cannot be chosen; leave them out";
        return Err(Refusal::new(Case::NotPermitted, message));
    }
    let text = request.schema.unwrap_or_default();
    if text.trim().is_empty() {
        return Err(invalid(
            "`schema` is missing or empty: it is a JSON Schema as a text".to_owned(),
        ));
    }
    let references = request.references.unwrap_or_default();
    // What is too long is refused by its length, unread.
    if references.is_empty() || text.len() > MAX_LEN {
        return Ok(text);
    }
    let names = references
        .into_iter()
        .map(|reference| resolved(view, reference))
        .collect::<Result<HashMap<_, _>, _>>()?;
    let mut document = serde_json::from_str(&text)
        .map_err(|error| invalid(format!("the schema cannot be used: not JSON: {error}")))?;
    refer_by_url(&mut document, &names);
    Ok(document.to_string())
}

/// The name of a reference, and the version that it stands for now.
fn resolved(view: &View, reference: Reference) -> Result<(String, (EventType, u32)), Refusal> {
    let Reference {
        name,
        subject,
        version,
    } = reference;
    let found = view.schema(&subject).and_then(|entry| {
        let found = match version {
            -1 => entry.latest(),
            number => entry.version(u32::try_from(number).ok()?),
        };
        Some((entry.kind.clone(), found?.number))
    });
    match found {
        Some(found) => Ok((name, found)),
        None => Err(Refusal::new(
            Case::InvalidSchema,
            format!("the reference `{name}` leads to version {version} of `{subject}`, which is not there"),
        )),
    }
}

fn says_something(given: &Value) -> bool {
    match given {
        Value::Null => false,
        Value::Object(members) => members.values().any(says_something),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}
