//! One value of an event.

use serde_json::Value;

use super::document::Document;
use super::document::Facts;
use super::error::TransformError;
use super::path::Found;
use super::path::Path;
use super::scope::Scope;

/// A path that finds one value of an event. Two are equal if they are written alike.
#[derive(Debug, Clone)]
pub struct Select {
    text: String,
    pub(super) path: Path,
}

impl Select {
    /// Reads a `JSONPath`.
    ///
    /// # Errors
    /// What is wrong with it, or that it could take unreasonable time.
    pub fn parse(text: &str) -> Result<Self, TransformError> {
        Ok(Self {
            text: text.to_owned(),
            path: Path::parse(text, "")?,
        })
    }

    /// The value; none if there is none, or null, or several.
    #[must_use]
    pub fn value_in(&self, document: Document) -> Option<Value> {
        let facts = Facts {
            now_ms: 0,
            rule: "",
            bus: "",
            sequence: 0,
            mask_key: None,
        };
        let scope = Scope::open(document, &facts);
        match self.path.find(&scope.event) {
            Ok(Found::One(value)) if !value.is_null() => Some(value.clone()),
            _ => None,
        }
    }
}

impl PartialEq for Select {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
