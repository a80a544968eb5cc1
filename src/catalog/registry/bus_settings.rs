//! What a bus refuses beside events that are none.

use serde_json::Map;
use serde_json::Value;

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;

const KEYS: &[&str] = &["unregistered_sources", "undeclared_types"];
const WORDS: &[&str] = &["accept", "reject"];

/// What a bus refuses; by default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusSettings {
    /// Whether events of sources that are not registered are refused.
    pub rejects_unregistered_sources: bool,
    /// Whether events are refused whose source is registered and did not declare their type.
    pub rejects_undeclared_types: bool,
}

impl BusSettings {
    /// Reads settings; those left out have their defaults.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(given: &Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let read = Fields::of(given, "", "the settings of a bus", &mut issues).map(|fields| {
            fields.only(KEYS, &[], &mut issues);
            let mut rejects = |key| fields.word(key, WORDS, &[], &mut issues) == Some("reject");
            Self {
                rejects_unregistered_sources: rejects("unregistered_sources"),
                rejects_undeclared_types: rejects("undeclared_types"),
            }
        });
        issues.or(read)
    }

    /// The settings as they are stored and shown.
    #[must_use]
    pub fn shown(self) -> Map<String, Value> {
        let word = |rejects| Value::from(if rejects { "reject" } else { "accept" });
        let shown = [
            ("unregistered_sources", self.rejects_unregistered_sources),
            ("undeclared_types", self.rejects_undeclared_types),
        ];
        let shown = shown.map(|(key, rejects)| (key.to_owned(), word(rejects)));
        shown.into_iter().collect()
    }
}
