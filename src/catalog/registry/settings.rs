//! How a schema is kept and used: which versions may follow, and what becomes of events that violate it.

use serde_json::Map;
use serde_json::Value;

use crate::catalog::decode::Fields;
use crate::catalog::decode::Issues;
use crate::catalog::issue::Issue;
use crate::schema::compat::Compatibility;
use crate::schema::compat::Policy;

pub(super) const KEYS: &[&str] = &["compatibility", "policy", "validation", "description"];
const COMPATIBILITIES: [(&str, Compatibility); 7] = [
    ("none", Compatibility::None),
    ("backward", Compatibility::Backward),
    ("backward_transitive", Compatibility::BackwardTransitive),
    ("forward", Compatibility::Forward),
    ("forward_transitive", Compatibility::ForwardTransitive),
    ("full", Compatibility::Full),
    ("full_transitive", Compatibility::FullTransitive),
];
const POLICIES: [(&str, Policy); 2] = [("lenient", Policy::Lenient), ("strict", Policy::Strict)];
const VALIDATIONS: [(&str, Validation); 3] = [
    ("off", Validation::Off),
    ("warn", Validation::Warn),
    ("reject", Validation::Reject),
];

/// What becomes of a published event that violates the schema of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Nobody looks.
    Off,
    /// It is stored; its timeline and a metric tell.
    Warn,
    /// It is refused.
    Reject,
}

/// How a schema is kept and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaSettings {
    /// Which versions may follow one another.
    pub compatibility: Compatibility,
    /// What is taken for granted of those who write events.
    pub policy: Policy,
    /// What becomes of events that violate it.
    pub validation: Validation,
    /// What it is for, in its author's words.
    pub description: Option<String>,
}

impl Default for SchemaSettings {
    fn default() -> Self {
        Self {
            compatibility: Compatibility::Backward,
            policy: Policy::Lenient,
            validation: Validation::Warn,
            description: None,
        }
    }
}

impl SchemaSettings {
    /// Reads settings; those left out have their defaults.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(given: &Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let read = Fields::of(given, "", "the settings of a schema", &mut issues).map(|fields| {
            fields.only(KEYS, &[], &mut issues);
            Self::decode(&fields, &mut issues)
        });
        issues.or(read)
    }

    /// Reads the settings among these fields.
    pub(super) fn decode(fields: &Fields<'_>, issues: &mut Issues) -> Self {
        let defaults = Self::default();
        Self {
            compatibility: choice(fields, "compatibility", &COMPATIBILITIES, issues)
                .unwrap_or(defaults.compatibility),
            policy: choice(fields, "policy", &POLICIES, issues).unwrap_or(defaults.policy),
            validation: choice(fields, "validation", &VALIDATIONS, issues).unwrap_or(defaults.validation),
            description: match fields.find("description") {
                None | Some(Value::Null) => None,
                Some(_) => fields.text("description", issues).map(str::to_owned),
            },
        }
    }

    /// The settings as they are stored and shown, every one of them.
    #[must_use]
    pub fn shown(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut add = |key: &str, word: &str| shown.insert(key.to_owned(), word.into());
        add("compatibility", word(&COMPATIBILITIES, self.compatibility));
        add("policy", word(&POLICIES, self.policy));
        add("validation", self.validation.word());
        let description = self.description.clone().map_or(Value::Null, Value::from);
        shown.insert("description".to_owned(), description);
        shown
    }
}

impl Validation {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        word(&VALIDATIONS, self)
    }
}

fn choice<T: Copy>(
    fields: &Fields<'_>,
    key: &str,
    known: &[(&'static str, T)],
    issues: &mut Issues,
) -> Option<T> {
    let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
    let word = fields.word(key, &words, &[], issues)?;
    let found = known.iter().find(|(known, _)| *known == word);
    found.map(|(_, meant)| *meant)
}

fn word<T: Copy + PartialEq>(known: &[(&'static str, T)], meant: T) -> &'static str {
    let found = known.iter().find(|(_, known)| *known == meant);
    found.map_or("", |(word, _)| word)
}
