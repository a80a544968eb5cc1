//! The schema of an event type.

use std::sync::Arc;

use super::settings::SchemaSettings;
use super::version::SchemaVersion;
use crate::catalog::names::EventType;
use crate::schema::SchemaDocument;

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

    /// The version that says the same as a document. Compiles every version that was not used yet.
    #[must_use]
    pub fn version_saying(&self, document: &SchemaDocument) -> Option<&Arc<SchemaVersion>> {
        let is_same = |version: &&Arc<SchemaVersion>| {
            let compiled = version.compiled();
            compiled.is_ok_and(|compiled| compiled.document.same_content(document))
        };
        self.versions.iter().find(is_same)
    }
}
