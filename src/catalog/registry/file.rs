//! A schema in a rules file: its settings, its newest document, or both.

use std::sync::Arc;

use serde_json::Value;

use super::settings;
use super::settings::SchemaSettings;
use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::catalog::names::EventType;
use crate::catalog::yaml;
use crate::schema::NoReferences;
use crate::schema::SchemaDocument;
use crate::schema::SchemaError;

/// The keys of a schema in a rules file that are not settings.
const OWN_KEYS: [&str; 2] = ["type", "schema"];
/// What a document that refers to registered ones can only be told by the registry.
const OF_REFERENCES: [&str; 2] = ["remote-reference", "dangling-reference"];

/// A schema as a rules file names it.
#[derive(Debug, Clone)]
pub struct SchemaFile {
    /// The event type.
    pub kind: EventType,
    /// How it is kept and used; as before if nothing is said.
    pub settings: Option<SchemaSettings>,
    /// The JSON Schema that should be its newest version, if it is not one already.
    pub document: Option<Arc<Value>>,
    /// JSON pointer to it in its document.
    pub pointer: String,
}

impl SchemaFile {
    /// Reads the schema at `pointer` of a document.
    pub(in crate::catalog) fn decode(value: &Value, pointer: &str, issues: &mut Issues) -> Option<Self> {
        let before = issues.count();
        let fields = Fields::of(value, pointer, "a schema", issues)?;
        let known: Vec<&str> = OWN_KEYS.iter().chain(settings::KEYS).copied().collect();
        fields.only(&known, &[], issues);
        fields.required("type", "type: com.example.order.created", issues)?;
        let kind = EventType::parse(fields.text("type", issues)?);
        if let Err(error) = &kind {
            issues.push(Issue::new(fields.at("type"), "invalid-type", error.to_string()));
        }
        let is_said = settings::KEYS.iter().any(|key| fields.find(key).is_some());
        let settings = is_said.then(|| SchemaSettings::decode(&fields, issues));
        let document = if is_said {
            fields.find("schema")
        } else {
            fields.required("schema", "schema: { type: object }", issues)
        };
        if let Some(document) = document {
            check(document, &fields.at("schema"), issues);
        }
        if issues.count() > before {
            return None;
        }
        Some(Self {
            kind: kind.ok()?,
            settings,
            document: document.map(|document| Arc::new(document.clone())),
            pointer: pointer.to_owned(),
        })
    }

    /// What is wrong with its document, as issues of the file it stands in.
    #[must_use]
    pub fn issues(&self, errors: &[SchemaError]) -> Vec<Issue> {
        let at = format!("{}/schema", self.pointer);
        errors.iter().map(|error| issue(error, &at)).collect()
    }
}

/// The rules file that stands for a file of one schema: a JSON Schema, or an object with `schema` and settings.
///
/// `kind` is the event type unless the object says another one. Text that cannot be read stays as it is.
#[must_use]
pub fn rules_file_of_schema(kind: &str, text: &str) -> String {
    let Some(mut document) = yaml::read(None, text)
        .ok()
        .and_then(|mut documents| documents.pop())
    else {
        return text.to_owned();
    };
    let value = document.value.take();
    let is_wrapped = value.as_object().is_some_and(|members| {
        let is_known =
            |key: &String| OWN_KEYS.contains(&key.as_str()) || settings::KEYS.contains(&key.as_str());
        members.contains_key("schema") && members.keys().all(is_known)
    });
    if !is_wrapped {
        // Places of errors keep their lines where the text is JSON.
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let schema = if is_json {
            text.to_owned()
        } else {
            value.to_string()
        };
        let kind = Value::from(kind);
        return format!("{{\"schemas\":[{{\"type\":{kind},\"schema\":{schema}}}]}}");
    }
    let mut entry = value;
    if let Value::Object(members) = &mut entry {
        members.entry("type").or_insert_with(|| kind.into());
    }
    format!("{{\"schemas\":[{entry}]}}")
}

/// Finds what is wrong with a document without knowing the registry.
fn check(document: &Value, at: &str, issues: &mut Issues) {
    let Err(errors) = SchemaDocument::from_value(document.clone(), &NoReferences) else {
        return;
    };
    for error in errors.iter().filter(|error| !OF_REFERENCES.contains(&error.code)) {
        issues.push(issue(error, at));
    }
}

fn issue(error: &SchemaError, at: &str) -> Issue {
    let mut issue = Issue::new(format!("{at}{}", error.pointer), error.code, error.detail.clone());
    issue.correction.clone_from(&error.correction);
    issue
}
