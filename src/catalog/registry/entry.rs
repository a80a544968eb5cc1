//! The schema of an event type with its versions, each compiled once.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::settings::SchemaSettings;
use super::url::version_anywhere;
use crate::catalog::change::SchemaVersionRow;
use crate::catalog::issue::Issue;
use crate::catalog::names::EventType;
use crate::schema::SchemaDocument;
use crate::schema::SchemaError;
use crate::schema::Validator;

/// Versions of schemas, by event type and number.
pub type Versions = BTreeSet<(EventType, u32)>;

/// The schema of an event type.
#[derive(Debug, Clone)]
pub struct SchemaEntry {
    /// The event type.
    pub kind: EventType,
    /// Which state of it: a number that no other schema and no earlier state has.
    pub revision: u64,
    /// How it is kept and used.
    pub settings: SchemaSettings,
    /// Its versions, ascending; after a deletion they do not begin with 1.
    pub versions: Vec<Arc<SchemaVersion>>,
}

/// A version of a schema; it never changes.
#[derive(Debug)]
pub struct SchemaVersion {
    /// Its number among the versions of the type.
    pub number: u32,
    /// Its number among all versions of all types.
    pub id: u64,
    /// The JSON Schema.
    pub document: SchemaDocument,
    /// The JSON Schema, compiled.
    pub validator: Validator,
    /// The versions that it refers to, directly or not.
    pub refers: Versions,
}

impl SchemaEntry {
    /// The newest version.
    #[must_use]
    pub fn latest(&self) -> Option<&Arc<SchemaVersion>> {
        self.versions.last()
    }

    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Arc<SchemaVersion>> {
        let place = self
            .versions
            .binary_search_by_key(&number, |version| version.number)
            .ok()?;
        self.versions.get(place)
    }

    /// The version of that number among all versions of all types.
    #[must_use]
    pub fn version_with_id(&self, id: u64) -> Option<&Arc<SchemaVersion>> {
        let place = self
            .versions
            .binary_search_by_key(&id, |version| version.id)
            .ok()?;
        self.versions.get(place)
    }

    /// The version that says the same as a document.
    #[must_use]
    pub fn version_saying(&self, document: &SchemaDocument) -> Option<&Arc<SchemaVersion>> {
        let mut versions = self.versions.iter();
        versions.find(|version| version.document.same_content(document))
    }
}

impl SchemaVersion {
    /// Reads and compiles a version as it is stored; `find` gives the other versions.
    pub(in crate::catalog) fn stored(
        row: &SchemaVersionRow,
        find: impl Fn(&EventType, u32) -> Option<Arc<SchemaVersion>> + Send + Sync,
    ) -> Result<Self, Vec<Issue>> {
        let named = |url: &str| version_anywhere(url);
        let (document, refers) =
            parse_document(row.document.as_bytes(), named, find).map_err(|errors| issues(&errors))?;
        let validator = Validator::compile(&document).map_err(|error| issues(&[error]))?;
        Ok(Self {
            number: row.number,
            id: row.id,
            document,
            validator,
            refers,
        })
    }
}

/// Reads a document, and finds which versions it refers to.
///
/// `named` tells which version a URL names, `find` gives that version.
///
/// # Errors
/// Everything that is wrong with the document.
pub fn parse_document(
    bytes: &[u8],
    named: impl Fn(&str) -> Option<(EventType, u32)> + Send + Sync,
    find: impl Fn(&EventType, u32) -> Option<Arc<SchemaVersion>> + Send + Sync,
) -> Result<(SchemaDocument, Versions), Vec<SchemaError>> {
    let refers = Mutex::new(BTreeSet::new());
    let references = |url: &str| -> Option<Arc<Value>> {
        let (kind, number) = named(url)?;
        let version = find(&kind, number)?;
        refers.lock().insert((kind, number));
        Some(Arc::new(version.document.value().clone()))
    };
    let document = SchemaDocument::parse(bytes, &references)?;
    Ok((document, refers.into_inner()))
}

fn issues(errors: &[SchemaError]) -> Vec<Issue> {
    let issue = |error: &SchemaError| Issue::new(error.pointer.clone(), error.code, error.detail.clone());
    errors.iter().map(issue).collect()
}
