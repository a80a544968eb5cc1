//! A schema document: JSON that is a JSON Schema, of bounded size, with every reference in reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::Draft;
use serde_json::Value;

use super::compat::survey;
use super::cost;
use super::error::SchemaError;
use super::error::shortened;
use super::paths::places::Places;
use super::references::Documents;
use super::references::References;
use super::references::fetch;
use super::same::same_content;

/// Largest document, in bytes.
pub const MAX_LEN: usize = 512 * 1024;
/// Deepest nesting of a document: enough for any schema that people write, and harmless to recursion.
pub const MAX_DEPTH: usize = 64;
/// Most problems of a document that are listed.
const MAX_ERRORS: usize = 50;
/// Longest detail, in characters.
const MAX_DETAIL: usize = 300;

/// A JSON Schema that was read and found sound. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SchemaDocument {
    value: Arc<Value>,
    draft: Draft,
    referenced: Arc<Documents>,
}

impl SchemaDocument {
    /// Reads a schema from its text.
    ///
    /// # Errors
    /// Everything that is wrong with it: `too-large`, `not-json`, `too-deep`, `not-a-schema`, `unknown-draft`,
    /// `invalid-schema`, `remote-reference`, `dangling-reference`, `endless-reference`, `invalid-pattern`, …
    pub fn parse(bytes: &[u8], references: &dyn References) -> Result<Self, Vec<SchemaError>> {
        if bytes.len() > MAX_LEN {
            let detail = format!("the document is {} bytes; the limit is {MAX_LEN}", bytes.len());
            return Err(vec![SchemaError::new("", "too-large", detail)]);
        }
        let value = serde_json::from_slice(bytes)
            .map_err(|error| vec![SchemaError::new("", "not-json", format!("not JSON: {error}"))])?;
        Self::from_value(value, references)
    }

    /// Reads a schema that is JSON already.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), without the bound on the text.
    pub fn from_value(value: Value, references: &dyn References) -> Result<Self, Vec<SchemaError>> {
        let one = |error| vec![error];
        bounded(&value).map_err(one)?;
        let draft = draft_of(&value).map_err(one)?;
        meta_valid(&value, draft)?;
        let others = fetch(&value, draft, references).map_err(one)?;
        for (url, document) in &others {
            bounded(document).map_err(|error| vec![in_document(error, url)])?;
        }
        let document = Self {
            value: Arc::new(value),
            draft,
            referenced: Arc::new(others),
        };
        survey(&document)?;
        let others: Vec<_> = document.others().collect();
        cost::check(&Places::of(document.value(), draft, &others)).map_err(one)?;
        Ok(document)
    }

    /// The schema as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The draft by which it is read: that of `$schema`, else 2020-12.
    #[must_use]
    pub fn draft(&self) -> Draft {
        self.draft
    }

    /// Whether both say the same, references included.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let by_url = |document: &Self| -> BTreeMap<String, Arc<Value>> {
            document.referenced.iter().cloned().collect()
        };
        let (own, others) = (by_url(self), by_url(other));
        self.draft == other.draft
            && same_content(&self.value, &other.value)
            && own.len() == others.len()
            && own
                .iter()
                .all(|(url, own)| others.get(url).is_some_and(|other| same_content(own, other)))
    }

    /// The other documents that it refers to, each with its URL.
    pub fn others(&self) -> impl Iterator<Item = (&str, &Value)> {
        let others = self.referenced.iter();
        others.map(|(url, document)| (url.as_str(), document.as_ref()))
    }

    /// The other documents that it refers to, by URL.
    pub(super) fn referenced(&self) -> Documents {
        self.referenced.to_vec()
    }
}

fn in_document(mut error: SchemaError, url: &str) -> SchemaError {
    error.pointer = format!("{url}#{}", error.pointer);
    error
}

/// Refuses what is no schema by its shape, or is nested too deeply.
fn bounded(value: &Value) -> Result<(), SchemaError> {
    if !value.is_object() && !value.is_boolean() {
        let detail = "a schema is an object, `true` or `false`";
        return Err(SchemaError::new("", "not-a-schema", detail));
    }
    let mut waiting = vec![(value, 1)];
    while let Some((value, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            let detail = format!("the document is nested more than {MAX_DEPTH} deep");
            return Err(SchemaError::new("", "too-deep", detail));
        }
        match value {
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(members) => waiting.extend(members.values().map(|member| (member, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

fn draft_of(value: &Value) -> Result<Draft, SchemaError> {
    let Some(name) = value.get("$schema") else {
        return Ok(Draft::Draft202012);
    };
    let text = name.as_str().unwrap_or_default();
    let plain = text.trim_end_matches('#').trim_end_matches('/');
    let plain = plain
        .strip_prefix("https://")
        .or_else(|| plain.strip_prefix("http://"));
    match plain {
        Some("json-schema.org/draft/2020-12/schema") => Ok(Draft::Draft202012),
        Some("json-schema.org/draft/2019-09/schema") => Ok(Draft::Draft201909),
        Some("json-schema.org/draft-07/schema") => Ok(Draft::Draft7),
        Some("json-schema.org/draft-06/schema") => Ok(Draft::Draft6),
        Some("json-schema.org/draft-04/schema") => Ok(Draft::Draft4),
        _ => {
            let detail = format!("`{}` names no draft that is known", shortened(text, 100));
            Err(SchemaError::new("/$schema", "unknown-draft", detail)
                .corrected("https://json-schema.org/draft/2020-12/schema, or draft 2019-09, 7, 6 or 4"))
        }
    }
}

/// Refuses what the draft's own schema refuses.
fn meta_valid(value: &Value, draft: Draft) -> Result<(), Vec<SchemaError>> {
    let validator = match draft {
        Draft::Draft4 => jsonschema::draft4::meta::validator(),
        Draft::Draft6 => jsonschema::draft6::meta::validator(),
        Draft::Draft7 => jsonschema::draft7::meta::validator(),
        Draft::Draft201909 => jsonschema::draft201909::meta::validator(),
        _ => jsonschema::draft202012::meta::validator(),
    };
    let errors: Vec<_> = validator
        .iter_errors(value)
        .take(MAX_ERRORS)
        .map(|error| {
            let detail = shortened(&error.to_string(), MAX_DETAIL);
            SchemaError::new(error.instance_path().as_str(), "invalid-schema", detail)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
