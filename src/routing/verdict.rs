//! What the schema of its type says about an event.

use serde_json::Value;

use super::decide::json_data;
use crate::catalog::Origins;
use crate::catalog::SchemaVersion;
use crate::catalog::Validation;
use crate::catalog::View;
use crate::event::Data;
use crate::event::Event;
use crate::schema::Violation;

/// The keyword of the violation of data that is no JSON.
const NOT_JSON: &str = "not-json";
/// The keyword of the violation of a schema that this server cannot use, though another one could: what
/// nobody could judge is not valid.
const UNUSABLE: &str = "unusable-schema";

/// What the schema of its type says about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataVerdict {
    /// The version that said it.
    pub version: u32,
    /// What becomes of an event that violates it.
    pub validation: Validation,
    /// What is wrong with the data; nothing if it is valid.
    pub violations: Vec<Violation>,
}

/// Whether anybody looks at events of this type: one hash lookup.
#[must_use]
pub fn is_validated(view: &View, event: &Event) -> bool {
    view.schema(event.kind())
        .is_some_and(|entry| entry.settings.validation != Validation::Off && !entry.versions.is_empty())
}

/// Judges the data of an event by the version that its `dataschema` names, if that is one of its type here,
/// else by the latest; none if nobody looks at events of this type.
#[must_use]
pub fn data_verdict(view: &View, origins: &Origins, event: &Event) -> Option<DataVerdict> {
    let entry = view.schema(event.kind())?;
    let validation = entry.settings.validation;
    if validation == Validation::Off {
        return None;
    }
    let named = event
        .text("dataschema")
        .and_then(|url| origins.version_at(url))
        .filter(|(kind, _)| kind.as_str() == event.kind())
        .and_then(|(_, number)| entry.version(number));
    let version = named.or_else(|| entry.latest())?;
    let violations = match json_data(event).map(serde_json::from_slice::<Value>) {
        Some(Ok(data)) => violations(version, &data),
        Some(Err(error)) => vec![not_json(format!("the data cannot be read: {error}"))],
        None => vec![not_json(match event.data() {
            Data::None => "the event has no data".to_owned(),
            _ => "the data is not said to be JSON: see `datacontenttype`".to_owned(),
        })],
    };
    Some(DataVerdict {
        version: version.number,
        validation,
        violations,
    })
}

/// What is wrong with data by a version; nothing if it is valid.
#[must_use]
pub fn violations(version: &SchemaVersion, data: &Value) -> Vec<Violation> {
    match version.compiled() {
        Ok(compiled) if compiled.validator.is_valid(data) => Vec::new(),
        Ok(compiled) => compiled.validator.validate(data).err().unwrap_or_default(),
        Err(errors) => {
            let why = errors.first().map_or("", |error| &error.detail);
            vec![of_all(
                UNUSABLE,
                format!("version {} cannot be used any more: {why}", version.number),
            )]
        }
    }
}

fn not_json(detail: String) -> Violation {
    of_all(NOT_JSON, detail)
}

fn of_all(keyword: &str, detail: String) -> Violation {
    Violation {
        pointer: String::new(),
        schema_pointer: String::new(),
        keyword: keyword.to_owned(),
        detail,
    }
}
