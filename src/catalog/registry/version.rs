//! A version of a schema: its text, and the schema compiled when somebody first needs it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::OnceLock;

use parking_lot::Mutex;
use serde_json::Value;

use super::url::version_anywhere;
use crate::catalog::change::SchemaVersionRow;
use crate::catalog::names::EventType;
use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::SchemaError;
use crate::schema::Validator;
use crate::schema::paths::FieldInfo;
use crate::schema::paths::fields;

/// What the text of a document contains if it refers to another one.
const REFERENCE: &str = "/v1/schemas/";

/// Versions of schemas, by event type and number.
pub type Versions = BTreeSet<(EventType, u32)>;

/// A version of a schema; it never changes.
#[derive(Debug)]
pub struct SchemaVersion {
    /// Its number among the versions of the type.
    pub number: u32,
    /// Its number among all versions of all types.
    pub id: u64,
    /// The JSON Schema as text.
    pub text: Arc<str>,
    /// The versions that it refers to, directly or not.
    pub refers: Versions,
    compiled: OnceLock<Result<CompiledSchema, Vec<SchemaError>>>,
}

/// A version that was read and compiled.
#[derive(Debug)]
pub struct CompiledSchema {
    /// The JSON Schema.
    pub document: SchemaDocument,
    /// The JSON Schema, compiled.
    pub validator: Validator,
    fields: OnceLock<Vec<FieldInfo>>,
}

impl CompiledSchema {
    /// The fields that it declares; found when they are first asked for.
    pub fn fields(&self) -> &[FieldInfo] {
        self.fields.get_or_init(|| fields(self.document.value()))
    }
}

impl SchemaVersion {
    /// A version as it is stored; `find` gives the other versions.
    ///
    /// One that refers to others is compiled at once, all others when they are first used: of the versions
    /// in a catalog most are never used again.
    pub(in crate::catalog) fn stored(
        row: &SchemaVersionRow,
        find: impl Fn(&EventType, u32) -> Option<Arc<Self>> + Send + Sync,
    ) -> Self {
        let (mut refers, mut compiled) = (Versions::new(), OnceLock::new());
        if row.document.contains(REFERENCE) {
            let document = parse_document(row.document.as_bytes(), version_anywhere, find);
            let read = document.and_then(|(document, versions)| {
                refers = versions;
                compile(document)
            });
            compiled = OnceLock::from(read);
        }
        Self {
            number: row.number,
            id: row.id,
            text: Arc::clone(&row.document),
            refers,
            compiled,
        }
    }

    /// The schema compiled; the first call takes the time that this needs.
    ///
    /// # Errors
    /// Why it cannot be used, although it could when it was registered.
    pub fn compiled(&self) -> Result<&CompiledSchema, &[SchemaError]> {
        let compiled = self.compiled.get_or_init(|| {
            let document = SchemaDocument::parse(self.text.as_bytes(), &NoReferences)?;
            compile(document)
        });
        compiled.as_ref().map_err(Vec::as_slice)
    }
}

fn compile(document: SchemaDocument) -> Result<CompiledSchema, Vec<SchemaError>> {
    let validator = Validator::compile(&document).map_err(|error| vec![error])?;
    Ok(CompiledSchema {
        document,
        validator,
        fields: OnceLock::new(),
    })
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
        let value = serde_json::from_str(&find(&kind, number)?.text).ok()?;
        refers.lock().insert((kind, number));
        Some(Arc::new(value))
    };
    let document = SchemaDocument::parse(bytes, &references)?;
    Ok((document, refers.into_inner()))
}
