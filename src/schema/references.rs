//! Where a schema finds the other schemas that it refers to.

use std::error::Error;
use std::sync::Arc;

use jsonschema::Draft;
use jsonschema::Registry;
use jsonschema::Retrieve;
use jsonschema::Uri;
use parking_lot::Mutex;
use referencing::Error as ReferencingError;
use serde_json::Value;

use super::error::SchemaError;
use super::error::child;

/// The base of a document that names none; references inside it stay inside it.
pub(super) const OWN_BASE: &str = "json-schema:///";

/// What stands before the path of a reference that is relative to a document without a base.
const OWN_ROOT: &str = "json-schema://";

/// The draft of a document that names none.
const DEFAULT_DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Other registered schemas, by the URL under which a document may refer to them.
///
/// Called with an absolute URL without fragment. Everything that it does not know is refused.
pub trait References: Send + Sync {
    /// The document at this URL; none if no schema is registered there.
    fn document(&self, url: &str) -> Option<Arc<Value>>;
}

/// No other schemas: a document may refer only to itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoReferences;

impl References for NoReferences {
    fn document(&self, _: &str) -> Option<Arc<Value>> {
        None
    }
}

impl<F> References for F
where
    F: Fn(&str) -> Option<Arc<Value>> + Send + Sync,
{
    fn document(&self, url: &str) -> Option<Arc<Value>> {
        self(url)
    }
}

/// Documents by their URLs.
pub(super) type Documents = Vec<(String, Arc<Value>)>;

/// Finds documents among those fetched before.
#[derive(Debug)]
pub(super) struct Known(pub(super) Documents);

impl Retrieve for Known {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let found = self.0.iter().find(|(url, _)| url == uri.as_str());
        let (_, document) = found.ok_or("no such schema is registered")?;
        let mut document = Value::clone(document);
        if let Value::Object(members) = &mut document {
            // Without `$schema` it would be read by the draft of the schema that refers to it.
            members
                .entry("$schema")
                .or_insert_with(|| Value::from(DEFAULT_DRAFT));
        }
        Ok(document)
    }
}

/// Finds documents among those fetched before, and remembers the first that is not there.
///
/// The library's own error has a relative reference as it was written, without the base it is meant by.
#[derive(Debug)]
struct Seeking {
    known: Known,
    missing: Arc<Mutex<Option<String>>>,
}

impl Retrieve for Seeking {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        self.known.retrieve(uri).inspect_err(|_| {
            let mut missing = self.missing.lock();
            missing.get_or_insert_with(|| uri.as_str().to_owned());
        })
    }
}

/// Most other documents that one schema may draw in.
const MAX_DOCUMENTS: usize = 64;

/// Fetches the documents that `value` refers to until nothing is missing.
///
/// # Errors
/// `remote-reference` for what is not registered, `dangling-reference` for a place that does not exist.
pub(super) fn fetch(
    value: &Value,
    draft: Draft,
    references: &dyn References,
) -> Result<Documents, SchemaError> {
    let mut documents = Documents::new();
    while documents.len() <= MAX_DOCUMENTS {
        let missing = Arc::new(Mutex::new(None));
        let seeking = Seeking {
            known: Known(documents.clone()),
            missing: Arc::clone(&missing),
        };
        match registry_of(value, draft, seeking) {
            Ok(_) => return Ok(documents),
            Err(ReferencingError::Unretrievable { uri, .. }) => {
                let uri = missing.lock().take().unwrap_or(uri);
                let url = uri.split_once('#').map_or(uri.as_str(), |(url, _)| url);
                let is_new = !documents.iter().any(|(known, _)| known == url);
                let Some(document) = references.document(url).filter(|_| is_new) else {
                    return Err(remote(value, url.strip_prefix(OWN_ROOT).unwrap_or(url)));
                };
                documents.push((url.to_owned(), document));
            }
            Err(error) => return Err(unresolved(value, &error)),
        }
    }
    let detail = format!("the schema draws in more than {MAX_DOCUMENTS} other documents");
    Err(SchemaError::new("", "too-many-references", detail))
}

/// The resources of a document and of those that it refers to.
pub(super) fn registry(
    value: &Value,
    draft: Draft,
    known: Documents,
) -> Result<Registry<'_>, ReferencingError> {
    registry_of(value, draft, Known(known))
}

fn registry_of(
    value: &Value,
    draft: Draft,
    retriever: impl Retrieve + 'static,
) -> Result<Registry<'_>, ReferencingError> {
    Registry::new()
        .draft(draft)
        .retriever(retriever)
        .add(OWN_BASE, value)?
        .prepare()
}

fn remote(value: &Value, url: &str) -> SchemaError {
    let detail = format!("`{url}` is no part of this document and no registered schema");
    SchemaError::new(place_of(value, url), "remote-reference", detail)
        .corrected("refer to a part of the document (`#/$defs/…`) or to the URL of a registered schema")
}

/// A reference that leads nowhere.
pub(super) fn unresolved(value: &Value, error: &ReferencingError) -> SchemaError {
    let target = match error {
        ReferencingError::PointerToNowhere { pointer } => pointer.as_str(),
        ReferencingError::NoSuchAnchor { anchor } | ReferencingError::InvalidAnchor { anchor } => {
            anchor.as_str()
        }
        _ => "",
    };
    SchemaError::new(place_of(value, target), "dangling-reference", error.to_string())
}

/// The pointer to the reference that ends in `target`; empty if it is not found.
fn place_of(value: &Value, target: &str) -> String {
    let mut waiting = vec![(String::new(), value)];
    while let Some((pointer, value)) = waiting.pop() {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let place = child(&pointer, key);
                    let is_reference = matches!(key.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef");
                    if is_reference && member.as_str().is_some_and(|text| leads_to(text, target)) {
                        return place;
                    }
                    waiting.push((place, member));
                }
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                waiting.extend(items.map(|(index, item)| (format!("{pointer}/{index}"), item)));
            }
            _ => {}
        }
    }
    String::new()
}

fn leads_to(reference: &str, target: &str) -> bool {
    let document = reference
        .split_once('#')
        .map_or(reference, |(document, _)| document);
    !target.is_empty()
        && (reference.ends_with(target)
            || (!document.is_empty() && target.ends_with(document.trim_start_matches("./"))))
}
